package io.sluice.source.kubernetes;

import io.sluice.liveness.Faults;
import io.sluice.service.ClusterSnapshot;
import io.sluice.source.SnapshotConsumer;
import java.time.Instant;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides when a new {@link ClusterSnapshot} is made of the view and handed over: not before every kind of object was
 * listed, not faster than {@link SnapshotRateLimiter} allows, and only if something has changed. A snapshot whose consumer
 * fails is handed over again. One thread publishes; any thread may read the state.
 */
final class SnapshotPublisher {

    /** The outcome of {@link #publish}. */
    enum Outcome {
        /** The consumer has a new snapshot. */
        PUBLISHED,
        /** Not everything has been listed yet, or nothing has changed. */
        NOTHING_NEW,
        /** Merging or the consumer has failed: publish again. */
        FAILED
    }

    private static final Logger LOG = LoggerFactory.getLogger(SnapshotPublisher.class);

    private final ClusterView view;
    private final BooleanSupplier ready;
    private final SnapshotConsumer consumer;
    private final LongSupplier nanoTime;
    private final SnapshotRateLimiter limiter = new SnapshotRateLimiter();
    private long version;
    private @Nullable ClusterSnapshot pending;

    private volatile boolean published;
    private volatile @Nullable Instant savedAt;
    private volatile @Nullable String fault;

    /**
     * Publishes nothing yet.
     *
     * @param ready whether every kind of object was listed
     */
    SnapshotPublisher(ClusterView view, BooleanSupplier ready, SnapshotConsumer consumer, LongSupplier nanoTime) {
        this.view = view;
        this.ready = ready;
        this.consumer = consumer;
        this.nanoTime = nanoTime;
    }

    /**
     * Publishes the state that an earlier process has saved; it stays in force until everything was listed.
     *
     * @param saved  a view of that state
     * @param loaded receives the snapshot instead of the consumer
     */
    void publishSaved(ClusterView saved, Instant at, SnapshotConsumer loaded) {
        ClusterSnapshot snapshot = saved.snapshotIfChanged(++version, at);
        if (snapshot != null) {
            savedAt = at;
            published = true;
            loaded.accept(snapshot);
        }
    }

    /** How long a change that arrives now has to wait before {@link #publish}. */
    long delayNanos() {
        return limiter.delayNanos(nanoTime.getAsLong());
    }

    /** Publishes what has changed. A fault of this program is reported and does not reach the caller. */
    Outcome publish(Instant asOf) {
        try {
            Outcome outcome = ready.getAsBoolean() ? publishChanges(asOf) : Outcome.NOTHING_NEW;
            fault = null;
            return outcome;
        } catch (RuntimeException | Error e) {
            Faults.report("merging objects of the API server", e);
            fault = "merging changes failed: " + e;
            limiter.published(nanoTime.getAsLong());
            return Outcome.FAILED;
        }
    }

    private Outcome publishChanges(Instant asOf) {
        ClusterSnapshot changed = view.snapshotIfChanged(version + 1, asOf);
        if (changed != null) {
            version++;
            pending = changed;
        }
        ClusterSnapshot snapshot = pending;
        if (snapshot == null) {
            return Outcome.NOTHING_NEW;
        }
        if (savedAt != null) {
            LOG.info("the API server has listed everything: the saved state is no longer used");
            savedAt = null;
        }
        consumer.accept(snapshot);
        pending = null;
        published = true;
        // Read again: the interval is between the end of one merge and the next, as merging a large cluster takes long.
        limiter.published(nanoTime.getAsLong());
        return Outcome.PUBLISHED;
    }

    /** Whether a snapshot was handed over. */
    boolean published() {
        return published;
    }

    /** When the state was saved that is in force until everything was listed; null if none is. */
    @Nullable
    Instant savedAt() {
        return savedAt;
    }

    /** Why the last change could not be published, in a line; null if it could. */
    @Nullable
    String fault() {
        return fault;
    }
}
