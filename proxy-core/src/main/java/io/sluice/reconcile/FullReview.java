package io.sluice.reconcile;

import java.time.Duration;

/**
 * Decides when everything has to be reviewed although a snapshot differs in endpoints alone. Confined to the control
 * thread; times are nanoseconds of a monotonic clock and are passed in.
 */
final class FullReview {

    /** The next change after this time has passed reviews everything, whatever it is; kube-proxy: an hour. */
    private static final Duration PERIOD = Duration.ofMinutes(10);

    private boolean demanded;
    private long last;

    /**
     * The next change reviews everything: addresses may have to be opened or closed although no Service has changed, or a
     * fault has left a change half applied.
     */
    void demand() {
        demanded = true;
    }

    boolean isDemanded() {
        return demanded;
    }

    /** Whether a review is demanded, or the last one was too long ago. */
    boolean isDue(long now) {
        return demanded || now - last > PERIOD.toNanos();
    }

    /** A review begins. */
    void begin(long now) {
        demanded = false;
        last = now;
    }
}
