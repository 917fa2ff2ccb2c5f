package io.sluice.metrics;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Durations of the minute that runs and of the one before, from which quantiles are read. Any thread, without a lock; nothing is
 * allocated but at the beginning. Values that come while a minute begins may be missed.
 *
 * <p>A bucket is a quarter of a power of two wide, from 16 µs to 69 s: {@value #BUCKETS} of them, twice, in 736 bytes.
 */
final class RecentDurations {

    /** How long one of the two windows lasts: 1 min. */
    static final long WINDOW_NANOS = 60_000_000_000L;

    private static final int WINDOWS = 2;
    private static final int PARTS_BITS = 2;
    private static final int PARTS = 1 << PARTS_BITS;
    /** What is below 2^14 ns is in the first bucket. */
    private static final int LOWEST_BIT = 14;
    /** What is at 2^36 ns and above is in the last bucket. */
    private static final int HIGHEST_BIT = 36;
    private static final int BUCKETS = (HIGHEST_BIT - LOWEST_BIT) * PARTS + 2;

    private final AtomicIntegerArray counts = new AtomicIntegerArray(WINDOWS * BUCKETS);
    private final AtomicLong window;

    /** Is made at {@code now} of a monotonic clock in nanoseconds. */
    RecentDurations(long now) {
        this.window = new AtomicLong(windowOf(now));
    }

    /** Counts {@code nanos}, at {@code now}. */
    void record(long nanos, long now) {
        long into = turn(now);
        counts.getAndIncrement(at(into) + bucketOf(nanos));
    }

    /** Adds what was counted lately, at {@code now}. */
    void addTo(Sum sum, long now) {
        turn(now);
        long[] into = sum.counts;
        if (into == null) {
            into = new long[BUCKETS];
            sum.counts = into;
        }
        for (int i = 0; i < counts.length(); i++) {
            into[i % BUCKETS] += counts.get(i);
        }
    }

    /** Empties the windows that are over, once. */
    private long turn(long now) {
        long wanted = windowOf(now);
        long known = window.get();
        if (wanted - known > 0 && window.compareAndSet(known, wanted)) {
            for (long over = Math.max(known + 1, wanted - WINDOWS + 1); over <= wanted; over++) {
                for (int i = 0; i < BUCKETS; i++) {
                    counts.set(at(over) + i, 0);
                }
            }
        }
        return Math.max(wanted, known);
    }

    private static long windowOf(long now) {
        return Math.floorDiv(now, WINDOW_NANOS);
    }

    private static int at(long window) {
        return (int) Math.floorMod(window, (long) WINDOWS) * BUCKETS;
    }

    private static int bucketOf(long nanos) {
        if (nanos < 1L << LOWEST_BIT) {
            return 0;
        }
        int bit = Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos);
        return bit >= HIGHEST_BIT
                ? BUCKETS - 1
                : 1 + (bit - LOWEST_BIT) * PARTS + (int) (nanos >>> (bit - PARTS_BITS) & (PARTS - 1));
    }

    /** The least value of a bucket, in nanoseconds. */
    private static long lowest(int bucket) {
        if (bucket == 0) {
            return 0;
        }
        int bit = LOWEST_BIT + (bucket - 1) / PARTS;
        return (1L << bit) + ((bucket - 1) % PARTS * (1L << (bit - PARTS_BITS)));
    }

    /** The durations of several, taken together. Not thread-safe. */
    static final class Sum {

        /** Null before the first is added, as of most endpoints. */
        private long @Nullable [] counts;

        /** What was added so far. */
        LatencySummary summary() {
            long[] each = counts;
            long total = 0;
            for (int i = 0; each != null && i < each.length; i++) {
                total += each[i];
            }
            return each == null || total == 0
                    ? LatencySummary.NONE
                    : new LatencySummary(total, quantile(each, total, 0.5), quantile(each, total, 0.99));
        }

        /** Between the bounds of the bucket in which it is, by its place there. */
        private static Duration quantile(long[] each, long total, double part) {
            double rank = Math.max(1, Math.ceil(total * part));
            long before = 0;
            int bucket = 0;
            while (before + each[bucket] < rank) {
                before += each[bucket];
                bucket++;
            }
            long low = lowest(bucket);
            long wide = bucket == BUCKETS - 1 ? 0 : lowest(bucket + 1) - low;
            return Duration.ofNanos(low + Math.round(wide * (rank - before - 0.5) / each[bucket]));
        }
    }
}
