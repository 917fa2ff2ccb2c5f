package io.sluice.http;

import java.util.concurrent.TimeUnit;

/**
 * Time as an event loop has it: while the loop cannot run, next to none passes. By it a client whose request waits to be read
 * is not taken for one that keeps us waiting. Pure; {@code nanos} are those of {@link System#nanoTime()}.
 */
final class LoopClock {

    /** Between two ticks; no more passes from one to the next. */
    static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

    private long tickedAt;
    private long time;

    LoopClock(long nanos) {
        tickedAt = nanos;
    }

    /** To be called once in a round of the loop, after it has read. */
    void tick(long nanos) {
        time = now(nanos);
        tickedAt = nanos;
    }

    long now(long nanos) {
        return time + Math.min(nanos - tickedAt, TICK_NANOS);
    }
}
