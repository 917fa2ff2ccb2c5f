package io.sluice.datagram;

import io.sluice.datagram.Flow.Phase;

/**
 * Where a flow is in its life, for a process that takes it over: times are durations, as processes have no clock in common.
 *
 * @param asking      the client has spoken last
 * @param owed        replies that are to come before it ends, where that is known
 * @param ageNanos    since it began
 * @param silentNanos since anybody has spoken
 */
public record FlowLife(Phase phase, boolean asking, int owed, long ageNanos, long silentNanos) {

    /** @throws IllegalArgumentException if no flow that goes on is like this */
    public FlowLife {
        if (phase == Phase.ENDED || owed < 0 || silentNanos < 0 || ageNanos < silentNanos) {
            throw new IllegalArgumentException("no flow is like this: " + phase + ", " + ageNanos + " ns old");
        }
    }
}
