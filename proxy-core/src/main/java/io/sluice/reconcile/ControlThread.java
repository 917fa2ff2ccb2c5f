package io.sluice.reconcile;

import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** The thread that reconciles, and its clock. Any thread may give it a task. */
interface ControlThread extends Executor {

    /**
     * Runs {@code task} later.
     *
     * @throws RejectedExecutionException if the thread has ended
     */
    void schedule(Runnable task, long nanos);

    /** Nanoseconds of a monotonic clock. */
    long nanoTime();

    /** The thread of {@code executor}, with the clock of the machine. */
    static ControlThread of(ScheduledExecutorService executor) {
        return new ControlThread() {
            @Override
            public void execute(Runnable task) {
                executor.execute(task);
            }

            @Override
            public void schedule(Runnable task, long nanos) {
                executor.schedule(task, nanos, TimeUnit.NANOSECONDS);
            }

            @Override
            public long nanoTime() {
                return System.nanoTime();
            }
        };
    }
}
