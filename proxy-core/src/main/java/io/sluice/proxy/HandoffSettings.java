package io.sluice.proxy;

import io.sluice.service.HandoffPolicy;

/**
 * Connections that are handed to the kernel.
 *
 * @param policy     when, where a Service does not say; {@code NEVER} holds for all Services
 * @param atOnce     whether a client can be told when it may send, without which {@code EAGER} is {@code AUTO}
 * @param handed     bits of the mark of a tracked connection that the kernel has, all of them
 * @param pending    its mark while it is not certain: its packets are dropped
 * @param ended      its mark when it has ended
 * @param intercepted the mark of one from a client to a socket here
 * @param upstream   the mark of one of this process to an endpoint
 */
public record HandoffSettings(HandoffPolicy policy, boolean atOnce, int handed, int pending, int ended,
        int intercepted, int upstream) {

    /** All bytes pass the proxy. */
    public static final HandoffSettings NEVER = new HandoffSettings(HandoffPolicy.NEVER, false, 0, 0, 0, 0, 0);

    /** The same with another policy. */
    public HandoffSettings with(HandoffPolicy other) {
        return new HandoffSettings(other, atOnce, handed, pending, ended, intercepted, upstream);
    }

    /** The same on a machine where it is possible. */
    public HandoffSettings possible(boolean saysWhen, int handedMark, int pendingMark, int endedMark,
            int interceptedMark,
            int upstreamMark) {
        return new HandoffSettings(policy, saysWhen, handedMark, pendingMark, endedMark, interceptedMark, upstreamMark);
    }
}
