package io.sluice.metrics;

import io.sluice.metrics.DurationHistogram.Buckets;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * How fast one endpoint is. Made with the first connection that it takes, when it also gets histograms of its own at
 * {@code /metrics}, as long as there are not too many. Any thread, without a lock.
 */
final class EndpointLatency {

    static final Buckets BUCKETS = Buckets.of(Duration.ofMillis(1), Duration.ofMillis(5), Duration.ofMillis(25),
            Duration.ofMillis(100), Duration.ofMillis(500), Duration.ofMillis(2500), Duration.ofSeconds(10));

    private static final AtomicReferenceFieldUpdater<EndpointLatency, @Nullable Histograms> HISTOGRAMS =
            AtomicReferenceFieldUpdater.newUpdater(EndpointLatency.class, Histograms.class, "histograms");

    /** The series of one endpoint. */
    private static final class Histograms {
        final DurationHistogram connect = new DurationHistogram(BUCKETS);
        final DurationHistogram firstByte = new DurationHistogram(BUCKETS);
    }

    private final EndpointMeters owner;
    private final SeriesBudget budget;
    private final RecentDurations connect;
    private final RecentDurations firstByte;
    private volatile @Nullable Histograms histograms;

    EndpointLatency(EndpointMeters owner, SeriesBudget budget, long now) {
        this.owner = owner;
        this.budget = budget;
        this.connect = new RecentDurations(now);
        this.firstByte = new RecentDurations(now);
    }

    void connected(long nanos, long now) {
        connect.record(nanos, now);
        Histograms into = histograms();
        if (into != null) {
            into.connect.record(nanos, now);
        }
    }

    void firstByte(long nanos, long now) {
        firstByte.record(nanos, now);
        Histograms into = histograms();
        if (into != null) {
            into.firstByte.record(nanos, now);
        }
    }

    /** The endpoint's series; null while there are too many, and after its removal. */
    private @Nullable Histograms histograms() {
        Histograms known = histograms;
        if (known != null || !owner.hasSeries() || owner.isRemoved() || !budget.take()) {
            return known;
        }
        Histograms made = new Histograms();
        if (!HISTOGRAMS.compareAndSet(this, null, made)) {
            budget.giveBack();
        } else if (owner.isRemoved()) {
            giveBack();
        }
        return histograms;
    }

    /** The endpoint was removed: another one may have histograms. Idempotent. */
    void giveBack() {
        if (HISTOGRAMS.getAndSet(this, null) != null) {
            budget.giveBack();
        }
    }

    /** Whether it has histograms of its own. */
    boolean hasSeries() {
        return histograms != null;
    }

    /** The histogram of connects that {@code of} has; null for none. */
    static @Nullable DurationHistogram connectHistogram(@Nullable EndpointLatency of) {
        Histograms known = of == null ? null : of.histograms;
        return known == null ? null : known.connect;
    }

    /** The histogram of first bytes that {@code of} has; null for none. */
    static @Nullable DurationHistogram firstByteHistogram(@Nullable EndpointLatency of) {
        Histograms known = of == null ? null : of.histograms;
        return known == null ? null : known.firstByte;
    }

    void addTo(RecentDurations.Sum connectSum, RecentDurations.Sum firstByteSum, long now) {
        connect.addTo(connectSum, now);
        firstByte.addTo(firstByteSum, now);
    }
}
