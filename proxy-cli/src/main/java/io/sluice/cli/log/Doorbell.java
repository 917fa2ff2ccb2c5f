package io.sluice.cli.log;

import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Wakes one thread that rests while there is nothing to do. Whoever has put something there rings afterwards; that takes no
 * lock, and nothing but one read while the thread does not rest. A ring is never lost: who rests looks once more after it has
 * said so.
 */
final class Doorbell {

    /** The thread that rests; null for none. */
    private final AtomicReference<@Nullable Thread> resting = new AtomicReference<>();

    /** Wakes the thread that rests, if one does. Any thread. */
    void ring() {
        Thread thread = resting.get();
        if (thread != null && resting.compareAndSet(thread, null)) {
            LockSupport.unpark(thread);
        }
    }

    /**
     * Rests until the bell rings, for a while, or not at all. It may end early.
     *
     * @param idle  whether there is nothing to do
     * @param nanos the longest rest; 0 for no limit
     */
    void rest(BooleanSupplier idle, long nanos) {
        resting.set(Thread.currentThread());
        if (idle.getAsBoolean()) {
            if (nanos > 0) {
                LockSupport.parkNanos(this, nanos);
            } else {
                LockSupport.park(this);
            }
        }
        resting.set(null);
    }
}
