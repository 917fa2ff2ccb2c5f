package io.sluice.proxy;

import io.sluice.service.HandoffPolicy;

/**
 * Connections that are handed to the kernel.
 *
 * @param policy when, where a Service does not say; {@code NEVER} holds for all Services
 * @param atOnce whether peers can be told when they may send, without which {@code EAGER} is {@code AUTO}
 * @param marks  of such connections
 */
public record HandoffSettings(HandoffPolicy policy, boolean atOnce, HandoffMarks marks) {

    /** All bytes pass the proxy. */
    public static final HandoffSettings NEVER =
            new HandoffSettings(HandoffPolicy.NEVER, false, HandoffMarks.NONE);

    /** The same with another policy. */
    public HandoffSettings with(HandoffPolicy other) {
        return new HandoffSettings(other, atOnce, marks);
    }
}
