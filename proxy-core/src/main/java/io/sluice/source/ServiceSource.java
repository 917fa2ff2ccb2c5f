package io.sluice.source;

import io.sluice.liveness.Watched;
import io.sluice.service.ChangeCount;
import java.util.List;

/**
 * Something that knows Services and tells of every change.
 *
 * <p>Between {@link #start} and {@link #close} it hands a complete, consistent snapshot to its consumer whenever
 * something has changed. Nothing is handed over before the first complete one.
 */
public interface ServiceSource extends AutoCloseable {

    /**
     * Begins. Returns once the first snapshot was handed over, if the source can know it at once (files), else before.
     *
     * @throws SourceException if the source can never work as it is configured
     */
    void start(SnapshotConsumer consumer) throws SourceException;

    /** Looks again now, as SIGHUP asks; harmless at any time. */
    void refresh();

    /** How fresh and how healthy the view is; any thread. */
    Freshness freshness();

    /** Whether load balancers may send traffic to this node: false while the cluster is taking it away; any thread. */
    default boolean nodeEligible() {
        return true;
    }

    /** What is known and was not handed over yet; any thread. */
    default ChangeCount waiting() {
        return ChangeCount.NONE;
    }

    /** The threads that keep the view up to date, between {@link #start} and {@link #close}; any thread. */
    default List<? extends Watched> threads() {
        return List.of();
    }

    /** Ends; nothing is handed over after it returns. */
    @Override
    void close();
}
