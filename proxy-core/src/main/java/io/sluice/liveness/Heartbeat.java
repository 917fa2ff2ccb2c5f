package io.sluice.liveness;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The progress of a thread that runs tasks: {@link #run} is a task that runs repeatedly. */
public final class Heartbeat implements Watched, Runnable {

    private final ThreadKind kind;
    private final String name;
    private volatile long beats;
    private volatile @Nullable Thread thread;

    /** The heartbeat of the thread {@code name}; it has not run yet, which counts as no progress. */
    public Heartbeat(ThreadKind kind, String name) {
        this.kind = kind;
        this.name = name;
    }

    /** Runs on {@code executor} from now on, until the result is cancelled; {@link Watchdog#interval} is often enough. */
    public Future<?> beatOn(ScheduledExecutorService executor, Duration interval) {
        return executor.scheduleWithFixedDelay(this, 0, interval.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
    public void run() {
        if (thread != Thread.currentThread()) {
            thread = Thread.currentThread();
        }
        beats++;
    }

    @Override
    public ThreadKind kind() {
        return kind;
    }

    @Override
    public String name() {
        Thread seen = thread;
        return seen == null ? name : seen.getName();
    }

    @Override
    public long progress() {
        return beats;
    }

    @Override
    public boolean busy() {
        return true;
    }

    @Override
    public @Nullable Thread thread() {
        return thread;
    }
}
