package io.sluice.daemon;

import io.sluice.history.Change;
import io.sluice.history.Journal;
import io.sluice.liveness.Faults;
import io.sluice.source.Freshness;
import io.sluice.source.ServiceSource;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Finds out when a source's view becomes out of date and is up to date again. Confined to one thread. */
final class FreshnessHistory {

    private static final int PERIOD_SECONDS = 1;

    private boolean stale;

    /** Looks at the source once a second, on {@code control}, and writes what it finds into the journal. */
    static void follow(ServiceSource source, Journal journal, ScheduledExecutorService control) {
        FreshnessHistory history = new FreshnessHistory();
        control.scheduleWithFixedDelay(Faults.contained("following the source's freshness",
                () -> history.change(source.freshness()).ifPresent(journal::record)), PERIOD_SECONDS, PERIOD_SECONDS,
                TimeUnit.SECONDS);
    }

    /** The change since the last call; none before the source has had its first snapshot. */
    Optional<Change> change(Freshness now) {
        if (!now.synced() || now.current() != stale) {
            return Optional.empty();
        }
        stale = !now.current();
        return Optional.of(stale
                ? new Change.SourceStale(now.detail()
                        + (now.problems().isEmpty() ? "" : "; " + now.problems().getFirst()))
                : new Change.SourceFresh(now.detail()));
    }
}
