package io.sluice.it.testbed;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A door between peers, and between them and the test: closed until somebody opens it, then open for ever. */
public final class Gate {

    private final CountDownLatch latch = new CountDownLatch(1);

    public void open() {
        latch.countDown();
    }

    /** Waits until it is open; a minute is taken for never. */
    public void pass() {
        try {
            if (!latch.await(1, TimeUnit.MINUTES)) {
                throw new AssertionError("a gate stayed closed for a minute");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted before a closed gate", e);
        }
    }
}
