package io.sluice.source.kubernetes;

import java.time.Duration;

/**
 * Decides how soon after one snapshot the next one may be published: at once if the last one was long ago, else after an
 * interval that doubles up to one second while changes keep coming (kube-proxy: {@code minSyncPeriod}). Reads no clock:
 * times are those of {@link System#nanoTime}. Not thread-safe.
 */
final class SnapshotRateLimiter {

    /** Events within this time are one change, for example an endpoint that moves from one slice to another. */
    static final Duration BATCH_WINDOW = Duration.ofMillis(5);
    /** The longest wait of a change. */
    static final Duration LONGEST_INTERVAL = Duration.ofSeconds(1);

    private static final Duration SHORTEST_INTERVAL = Duration.ofMillis(50);

    private long interval;
    private long next;
    private boolean published;

    /** How long a change that arrives at {@code now} has to wait. */
    long delayNanos(long now) {
        if (!published || now - next >= interval) {
            interval = 0;
            return BATCH_WINDOW.toNanos();
        }
        return Math.max(BATCH_WINDOW.toNanos(), next - now);
    }

    /** A snapshot was published at {@code now}. */
    void published(long now) {
        interval = interval == 0
                ? SHORTEST_INTERVAL.toNanos()
                : Math.min(2 * interval, LONGEST_INTERVAL.toNanos());
        next = now + interval;
        published = true;
    }
}
