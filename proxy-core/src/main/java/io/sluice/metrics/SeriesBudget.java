package io.sluice.metrics;

import java.util.concurrent.atomic.AtomicInteger;

/** How many endpoints may still have histograms of their own. Any thread, without a lock. */
final class SeriesBudget {

    private final AtomicInteger left;

    SeriesBudget(int endpoints) {
        this.left = new AtomicInteger(endpoints);
    }

    /** Takes one place; false if there is none. */
    boolean take() {
        int known = left.get();
        while (known > 0) {
            if (left.compareAndSet(known, known - 1)) {
                return true;
            }
            known = left.get();
        }
        return false;
    }

    /** One place is free again. */
    void giveBack() {
        left.incrementAndGet();
    }
}
