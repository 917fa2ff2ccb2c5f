package io.sluice.http;

import java.util.concurrent.TimeUnit;

/**
 * The time of an event loop: while the loop cannot run, almost none passes. So a client whose request waits to be read does
 * not count as one that keeps the server waiting. Pure; {@code nanos} are those of {@link System#nanoTime()}.
 */
final class LoopClock {

    /** The interval of the ticks, and the most time that passes from one to the next. */
    static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private long tickedAt;
    private long time;

    LoopClock(long nanos) {
        tickedAt = nanos;
    }

    /** Call it once in each round of the loop, after it has read. */
    void tick(long nanos) {
        time = now(nanos);
        tickedAt = nanos;
    }

    long now(long nanos) {
        return time + Math.min(nanos - tickedAt, TICK_NANOS);
    }
}
