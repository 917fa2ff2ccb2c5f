package io.sluice.reconcile;

import io.sluice.metrics.SyncMetrics;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts and logs changes after they were applied. Confined to the control thread, but for {@link #queued}. */
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

    /** Has reported nothing yet. */
    ChangeReport(SyncMetrics metrics) {
        this.metrics = metrics;
    }

    /** A snapshot waits to be applied. Any thread. */
    void queued(Instant now) {
        metrics.queued(now);
    }

    /**
     * Only endpoints were applied.
     *
     * @param emptied a line for each port that has no endpoint any more
     */
    void endpoints(AppliedState now, int services, List<String> emptied) {
        metrics.synced(now.snapshot(), new ChangeCount(0, services), Instant.now(), now.took());
        LineLimit.warn(LOG, emptied);
        LOG.info("applied in {} ms: endpoints of {} Services", now.took().toMillis(), services);
    }

    /**
     * Everything was reviewed. Logged only if something differed or was done.
     *
     * @param before  the snapshot that was applied before; null if none was
     * @param wanted  the snapshot of the source
     * @param emptied a line for each port that has no endpoint any more
     */
    void everything(@Nullable ClusterSnapshot before, ClusterSnapshot wanted, AppliedState now, Steps steps,
            List<String> emptied) {
        metrics.synced(now.snapshot(),
                ChangeCount.between(before == null ? Map.of() : before.services(), wanted.services()), Instant.now(),
                now.took());
        LineLimit.warn(LOG, emptied);
        if (before == null || steps.any() || !before.services().equals(wanted.services())) {
            LOG.info("applied in {} ms: Services {}, ports {}, listeners {} (opened {}, closed {})",
                    now.took().toMillis(), now.snapshot().services().size(), steps.ports(), steps.listeners(),
                    steps.opened(), steps.closed());
        }
    }
}
