package io.sluice.datagram;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * The places for flows that the tables of all event loops share. A table may use places that the others leave free, and
 * always gets its own share: a table that has more than its share ends a flow of its own for its next one.
 */
public final class FlowPlaces {

    private final int most;
    private final int share;
    private final AtomicInteger taken = new AtomicInteger();

    /** @param tables how many share them */
    public FlowPlaces(int most, int tables) {
        this.most = most;
        this.share = Math.max(1, most / tables);
    }

    /** The number of all places. */
    public int most() {
        return most;
    }

    /** The number of places in use. Any thread. */
    public int taken() {
        return taken.get();
    }

    /** Whether a table that has {@code own} flows may have one more. */
    boolean isFree(int own) {
        return own < share || taken.get() < most;
    }

    void take() {
        taken.incrementAndGet();
    }

    void giveBack() {
        taken.decrementAndGet();
    }
}
