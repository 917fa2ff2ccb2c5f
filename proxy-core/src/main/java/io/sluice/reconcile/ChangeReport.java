package io.sluice.reconcile;

import io.sluice.metrics.SyncMetrics;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.ServiceMap;
import io.sluice.service.ServiceMap.Difference;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts and logs changes after they were applied, and writes them into the history. Confined to the control thread, but for
 * {@link #queued}.
 */
final class ChangeReport {

    private static final Logger LOG = LoggerFactory.getLogger(ChangeReport.class);

    /**
     * The steps of a review of everything, and the result.
     *
     * @param opened    listeners
     * @param closed    listeners
     * @param removed   ports
     * @param ports     proxied ports after it
     * @param listeners open listeners after it
     */
    record Steps(int opened, int closed, int removed, int ports, int listeners) {

        boolean any() {
            return opened + closed + removed > 0;
        }
    }

    private final SyncMetrics metrics;
    private final HistoryWriter history;

    /** Has reported nothing yet. */
    ChangeReport(SyncMetrics metrics, HistoryWriter history) {
        this.metrics = metrics;
        this.history = history;
    }

    /** A snapshot waits to be applied. Any thread. */
    void queued(Instant now) {
        metrics.queued(now);
    }

    /**
     * Only endpoints were applied, or nothing.
     *
     * @param before  the snapshot that was applied before
     * @param scope   how far the change reached
     * @param emptied a line for each port that has no endpoint any more
     */
    void endpoints(ClusterSnapshot before, AppliedState now, ChangeScope scope, List<NamedLine> emptied) {
        List<ServiceState> changed = scope.changed();
        metrics.synced(now.snapshot(), new ChangeCount(0, changed.size()), Instant.now(), now.took());
        LineLimit.warn(LOG, emptied);
        history.endpoints(before, changed);
        List<ServiceName> names = changed.stream().map(state -> state.service().name()).toList();
        if (scope instanceof ChangeScope.Nothing) {
            LOG.debug("applied in {} ms: a snapshot in which nothing differs", now.took().toMillis());
        } else {
            log(names, "applied in " + now.took().toMillis() + " ms: "
                    + (names.isEmpty() ? "Pods" : "endpoints of " + LineLimit.names(names)));
        }
    }

    /** The name is a field of the line if it is the only one. */
    private static void log(List<ServiceName> names, String message) {
        if (names.size() == 1) {
            NamedLine.of(names.getFirst(), message).log(LOG.atInfo());
        } else {
            LOG.info(message);
        }
    }

    /**
     * Everything was reviewed. Logged only if something differed or was done.
     *
     * @param before  the snapshot that was applied before; null if none was
     * @param wanted  the snapshot of the source
     * @param emptied a line for each port that has no endpoint any more
     */
    void everything(@Nullable ClusterSnapshot before, ClusterSnapshot wanted, AppliedState now, Steps steps,
            List<NamedLine> emptied) {
        metrics.synced(now.snapshot(),
                ChangeCount.between(before == null ? ServiceMap.EMPTY : before.services(), wanted.services()),
                Instant.now(),
                now.took());
        LineLimit.warn(LOG, emptied);
        history.everything(before, wanted, now);
        List<ServiceName> changed = before == null ? List.of()
                : wanted.services().since(before.services()).stream().map(Difference::name).toList();
        if (before == null || steps.any() || !changed.isEmpty()) {
            log(changed, "applied in " + now.took().toMillis() + " ms: "
                    + (changed.isEmpty() ? "" : "changed " + LineLimit.names(changed) + "; ") + "Services "
                    + now.snapshot().services().size() + ", ports " + steps.ports() + ", listeners "
                    + steps.listeners() + " (opened " + steps.opened() + ", closed " + steps.closed() + ")");
        }
    }
}
