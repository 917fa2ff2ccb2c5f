package io.sluice.liveness;

import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One thread for tasks, on which no fault is lost: a {@link ScheduledThreadPoolExecutor} keeps what a task throws in a
 * future that nothing reads, and ends a periodic task by its first exception. Here it is {@linkplain Faults reported}, and
 * the periodic task goes on.
 */
public final class ReportingExecutor extends ScheduledThreadPoolExecutor {

    private final String name;

    /** An executor with one daemon thread of this name. */
    public ReportingExecutor(String name) {
        super(1, Thread.ofPlatform().name(name).daemon().factory());
        this.name = name;
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable task, long initialDelay, long delay, TimeUnit unit) {
        return super.scheduleWithFixedDelay(contained(task), initialDelay, delay, unit);
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable task, long initialDelay, long period, TimeUnit unit) {
        return super.scheduleAtFixedRate(contained(task), initialDelay, period, unit);
    }

    private Runnable contained(Runnable task) {
        return Faults.contained("a periodic task on " + name, task);
    }

    @Override
    protected void afterExecute(Runnable task, @Nullable Throwable thrown) {
        super.afterExecute(task, thrown);
        Throwable fault = thrown;
        if (fault == null && task instanceof Future<?> future && future.isDone() && !future.isCancelled()) {
            try {
                future.get();
            } catch (ExecutionException e) {
                fault = e.getCause();
            } catch (CancellationException e) {
                return;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
        // Tasks that are scheduled while the daemon ends are rejected, which is no fault.
        if (fault != null && !(fault instanceof RejectedExecutionException && isShutdown())) {
            Faults.report("a task on " + name, fault);
        }
    }
}
