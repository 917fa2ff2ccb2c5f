package io.sluice.simulation;

import java.util.List;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Delayed;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The control thread of a simulated daemon: its tasks are events of the world, until the process is killed. */
public final class SimulatedExecutor extends AbstractExecutorService implements ScheduledExecutorService {

    private final World world;
    private boolean dead;

    /** Runs tasks as events of {@code world}. */
    public SimulatedExecutor(World world) {
        this.world = world;
    }

    /** The process has ended: no task runs any more. */
    public void kill() {
        dead = true;
    }

    @Override
    public void execute(Runnable task) {
        if (dead) {
            throw new RejectedExecutionException("the process has ended");
        }
        world.after(0, () -> {
            if (!dead) {
                task.run();
            }
        });
    }

    private static final class Due extends CompletableFuture<@Nullable Object>
            implements ScheduledFuture<@Nullable Object> {
        @Override
        public long getDelay(TimeUnit unit) {
            return 0;
        }

        @Override
        public int compareTo(Delayed other) {
            return 0;
        }
    }

    @Override
    public ScheduledFuture<?> schedule(Runnable command, long delay, TimeUnit unit) {
        Due due = new Due();
        world.after(unit.toNanos(delay), () -> {
            if (!dead && !due.isCancelled()) {
                command.run();
                due.complete(null);
            }
        });
        return due;
    }

    @Override
    public ScheduledFuture<?> scheduleWithFixedDelay(Runnable command, long initialDelay, long delay, TimeUnit unit) {
        Due due = new Due();
        repeat(due, command, unit.toNanos(initialDelay), unit.toNanos(delay));
        return due;
    }

    private void repeat(Due due, Runnable command, long first, long delay) {
        world.after(first, () -> {
            if (!dead && !due.isCancelled()) {
                command.run();
                repeat(due, command, delay, delay);
            }
        });
    }

    @Override
    public <V> ScheduledFuture<V> schedule(Callable<V> callable, long delay, TimeUnit unit) {
        throw new UnsupportedOperationException("nobody asks for it");
    }

    @Override
    public ScheduledFuture<?> scheduleAtFixedRate(Runnable command, long initialDelay, long period, TimeUnit unit) {
        throw new UnsupportedOperationException("nobody asks for it");
    }

    @Override
    public void shutdown() {
        dead = true;
    }

    @Override
    public List<Runnable> shutdownNow() {
        dead = true;
        return List.of();
    }

    @Override
    public boolean isShutdown() {
        return dead;
    }

    @Override
    public boolean isTerminated() {
        return dead;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return dead;
    }
}
