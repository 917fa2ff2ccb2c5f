package io.sluice.metrics;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.Exemplars;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/**
 * A histogram of durations. Any thread, without a lock; its array is allocated with the first value, since most ports of a
 * large cluster never have one.
 */
final class DurationHistogram {

    /** The longest is remembered for two to three of these: 1 min. */
    private static final long PERIOD_NANOS = 60_000_000_000L;
    private static final int PERIODS = 3;

    private static final AtomicReferenceFieldUpdater<DurationHistogram, @Nullable AtomicLongArray> COUNTS =
            AtomicReferenceFieldUpdater.newUpdater(DurationHistogram.class, AtomicLongArray.class, "counts");

    /** Upper bounds of the buckets, ascending; what is above the last has a bucket of its own. */
    static final class Buckets {

        private final long[] nanos;
        private final double[] seconds;

        private Buckets(Duration... bounds) {
            nanos = new long[bounds.length];
            seconds = new double[bounds.length + 1];
            for (int i = 0; i < bounds.length; i++) {
                nanos[i] = bounds[i].toNanos();
                seconds[i] = nanos[i] / 1e9;
            }
            seconds[bounds.length] = Double.POSITIVE_INFINITY;
        }

        static Buckets of(Duration... bounds) {
            return new Buckets(bounds);
        }

        private int of(long value) {
            int bucket = 0;
            while (bucket < nanos.length && value > nanos[bucket]) {
                bucket++;
            }
            return bucket;
        }

        /** The upper bounds in seconds, as the text format writes them. */
        List<String> bounds() {
            return DoubleStream.of(seconds)
                    .mapToObj(bound -> Double.isInfinite(bound) ? "+Inf" : Double.toString(bound))
                    .toList();
        }

        private int size() {
            return seconds.length;
        }
    }

    private final Buckets buckets;
    /** A count for each bucket, the sum, the present period, and the longest of each of the last periods. */
    private volatile @Nullable AtomicLongArray counts;

    DurationHistogram(Buckets buckets) {
        this.buckets = buckets;
    }

    /** Counts {@code nanos}, at {@code now} of a monotonic clock in nanoseconds. */
    void record(long nanos, long now) {
        AtomicLongArray into = counts();
        into.getAndIncrement(buckets.of(nanos));
        into.getAndAdd(sumAt(), nanos);
        long period = rotate(into, now);
        int at = longestAt(period);
        if (into.get(at) < nanos) {
            into.accumulateAndGet(at, nanos, Math::max);
        }
    }

    private AtomicLongArray counts() {
        AtomicLongArray known = counts;
        if (known != null) {
            return known;
        }
        COUNTS.compareAndSet(this, null, new AtomicLongArray(buckets.size() + 2 + PERIODS));
        AtomicLongArray made = counts;
        if (made == null) {
            throw new IllegalStateException("what was made is gone");
        }
        return made;
    }

    /** Forgets the longest of periods that are over; a value that comes at the same moment may be forgotten with them. */
    private long rotate(AtomicLongArray in, long now) {
        long period = now / PERIOD_NANOS;
        long known = in.get(periodAt());
        if (period > known && in.compareAndSet(periodAt(), known, period)) {
            for (long over = Math.max(known + 1, period - PERIODS + 1); over <= period; over++) {
                in.set(longestAt(over), 0);
            }
        }
        return Math.max(period, known);
    }

    private int sumAt() {
        return buckets.size();
    }

    private int periodAt() {
        return buckets.size() + 1;
    }

    private int longestAt(long period) {
        return buckets.size() + 2 + (int) Math.floorMod(period, (long) PERIODS);
    }

    /** Whether anything was counted yet. */
    boolean hasCounted() {
        return counts != null;
    }

    /** What was counted so far. */
    HistogramDataPointSnapshot snapshot(Labels labels) {
        return new HistogramDataPointSnapshot(ClassicHistogramBuckets.of(buckets.seconds, eachBucket()), sumSeconds(),
                labels, Exemplars.EMPTY, 0);
    }

    /** The counts of the buckets. */
    long[] eachBucket() {
        AtomicLongArray known = counts;
        long[] each = new long[buckets.size()];
        for (int i = 0; known != null && i < each.length; i++) {
            each[i] = known.get(i);
        }
        return each;
    }

    /** The sum of all values, in seconds. */
    double sumSeconds() {
        AtomicLongArray known = counts;
        return known == null ? 0 : known.get(sumAt()) / 1e9;
    }

    /** The longest of the last two to three minutes, in seconds. */
    double longest(long now) {
        AtomicLongArray known = counts;
        if (known == null) {
            return 0;
        }
        rotate(known, now);
        long longest = 0;
        for (int i = 0; i < PERIODS; i++) {
            longest = Math.max(longest, known.get(longestAt(i)));
        }
        return longest / 1e9;
    }
}
