package io.sluice.source.kubernetes;

import java.time.Duration;

/**
 * How soon after one change the next is handed on: at once when it is the first for a while, and ever less often, up to
 * once a second, while changes keep coming. Reads no clock: times are passed in, in nanoseconds. Not thread-safe.
 */
final class Pace {

    /** What the server tells in one breath, such as an endpoint's way from one slice to another, is one change. */
    static final Duration BREATH = Duration.ofMillis(10);
    /** No change waits longer. */
    static final Duration LONGEST = Duration.ofSeconds(1);

    private static final Duration SHORTEST = Duration.ofMillis(50);

    private long pause;
    private long next = Long.MIN_VALUE;

    /** How long a change that has come at {@code now} is to wait. */
    long waitNanos(long now) {
        if (next == Long.MIN_VALUE || now - next >= pause) {
            pause = 0;
            return BREATH.toNanos();
        }
        return Math.max(BREATH.toNanos(), next - now);
    }

    /** A change was handed on at {@code now}. */
    void handedOn(long now) {
        pause = pause == 0 ? SHORTEST.toNanos() : Math.min(2 * pause, LONGEST.toNanos());
        next = now + pause;
    }
}
