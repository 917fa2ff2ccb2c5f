package io.sluice.source.kubernetes;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** The clock and the pauses of the thread of a {@link Reflector}. */
interface ReflectorThread {

    /** Nanoseconds of a monotonic clock. Any thread. */
    long nanoTime();

    /** Waits for this time, or until {@link #wake} is called, which may have been before. The reflector's thread. */
    void pause(long nanos) throws InterruptedException;

    /** Ends the pause that is under way, or the next one. Any thread. */
    void wake();

    /** A thread of the machine. */
    static ReflectorThread ofMachine() {
        Semaphore wake = new Semaphore(0);
        return new ReflectorThread() {
            @Override
            public long nanoTime() {
                return System.nanoTime();
            }

            @Override
            public void pause(long nanos) throws InterruptedException {
                if (wake.tryAcquire(nanos, TimeUnit.NANOSECONDS)) {
                    wake.drainPermits();
                }
            }

            @Override
            public void wake() {
                wake.release();
            }
        };
    }
}
