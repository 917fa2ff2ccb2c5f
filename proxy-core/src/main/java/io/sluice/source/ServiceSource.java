package io.sluice.source;

import io.sluice.liveness.Watched;
import io.sluice.service.ChangeCount;
import java.util.List;

/**
 * A source of Services, which reports every change.
 *
 * <p>Between {@link #start} and {@link #close} it gives a complete, consistent snapshot to its consumer whenever
 * something has changed, and nothing before the first complete one.
 */
public interface ServiceSource extends AutoCloseable {

    /**
     * Starts. Returns after the first snapshot was handed over, if the source can have it at once (files), else before.
     *
     * @throws SourceException if the source cannot work with its configuration
     */
    void start(SnapshotConsumer consumer) throws SourceException;

    /** Reads everything again, as for SIGHUP; harmless at any time. */
    void refresh();

    /** The freshness of the view; any thread. */
    Freshness freshness();

    /** Whether load balancers may send traffic to this node: false while the cluster removes it; any thread. */
    default boolean nodeEligible() {
        return true;
    }

    /** The changes that are known and not handed over yet; any thread. */
    default ChangeCount waiting() {
        return ChangeCount.NONE;
    }

    /** The threads that keep the view up to date, between {@link #start} and {@link #close}; any thread. */
    default List<? extends Watched> threads() {
        return List.of();
    }

    /** Ends; no snapshot is handed over after it returns. */
    @Override
    void close();
}
