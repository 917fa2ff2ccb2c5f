package io.sluice.reconcile;

import io.sluice.liveness.Faults;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Tries a failed step again two seconds later; at most one attempt is due. Confined to the control thread. */
final class Retry {

    private static final Duration DELAY = Duration.ofSeconds(2);

    private final ScheduledExecutorService control;
    private final Runnable attempt;
    private @Nullable ScheduledFuture<?> due;

    /** No attempt is due. */
    Retry(ScheduledExecutorService control, Runnable attempt) {
        this.control = control;
        this.attempt = Faults.contained("applying Services", attempt);
    }

    /** Makes the next attempt due two seconds from now, instead of any other. */
    void later() {
        cancel();
        due = control.schedule(attempt, DELAY.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Makes an attempt due if something is {@code incomplete}, else none. */
    void laterIf(boolean incomplete) {
        if (incomplete) {
            later();
        } else {
            cancel();
        }
    }

    void cancel() {
        if (due != null) {
            due.cancel(false);
            due = null;
        }
    }
}
