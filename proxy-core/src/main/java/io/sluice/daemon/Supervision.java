package io.sluice.daemon;

import io.sluice.node.ServiceManager;
import java.time.Duration;

/**
 * When this process counts as stalled, and the service manager that restarts it then.
 *
 * @param stallTimeout   how long an event loop, the control thread or a source at work may make no progress; positive
 * @param serviceManager that has started this process
 */
public record Supervision(Duration stallTimeout, ServiceManager serviceManager) {

    /** The default, without a service manager. */
    public static final Supervision NONE = new Supervision(Duration.ofSeconds(30), ServiceManager.NONE);
}
