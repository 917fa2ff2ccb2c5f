package io.sluice.daemon;

import io.sluice.node.ServiceManager;
import java.time.Duration;

/**
 * Who is told when this process should be started again, and when that is.
 *
 * @param stallTimeout   how long an event loop, the control thread or a source at work may make no progress; positive
 * @param serviceManager that has started this process
 */
public record Supervision(Duration stallTimeout, ServiceManager serviceManager) {

    /** The default, with nobody to be told. */
    public static final Supervision NONE = new Supervision(Duration.ofSeconds(30), ServiceManager.NONE);
}
