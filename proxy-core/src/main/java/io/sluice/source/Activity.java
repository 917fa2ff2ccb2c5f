package io.sluice.source;

import io.sluice.liveness.ThreadKind;
import io.sluice.liveness.Watched;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The present work of a source's thread, and its start: while work takes much longer than usual, it is not known whether the
 * source's view is up to date. One thread at a time begins and ends work; any thread may read this.
 */
public final class Activity implements Watched {

    /** The time by which work may take longer than usual. */
    static final Duration GRACE = Duration.ofSeconds(5);
    /** The longest time that counts as usual: longer work does not raise it. */
    static final Duration LONGEST_USUAL = Duration.ofSeconds(10);

    /** Work that has begun. */
    private record Work(long nanos, Instant since, Thread thread) {}

    private final String name;
    private final LongSupplier nanoTime;
    private volatile @Nullable Work work;
    private volatile long changes;
    private volatile long usualNanos;
    private volatile @Nullable Thread home;
    private volatile @Nullable String outside;

    /** The activity of the thread {@code name}, which has done nothing yet. */
    public Activity(String name) {
        this(name, System::nanoTime);
    }

    Activity(String name, LongSupplier nanoTime) {
        this.name = name;
        this.nanoTime = nanoTime;
    }

    /** Says that all work is done on {@code thread}, which lives as long as the source. */
    public void livesOn(Thread thread) {
        home = thread;
    }

    /** Whether the thread that it {@linkplain #livesOn lives on} has ended. */
    public boolean ended() {
        Thread thread = home;
        return thread != null && !thread.isAlive();
    }

    /** Runs {@code job}, and counts as busy meanwhile. */
    public void during(Runnable job) {
        answerOf(() -> {
            job.run();
            return true;
        });
    }

    /** The same with the result of {@code job}. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread at a time
    public <T> T answerOf(Supplier<T> job) {
        long begun = nanoTime.getAsLong();
        work = new Work(begun, Instant.now(), Thread.currentThread());
        changes++;
        try {
            return job.get();
        } finally {
            long took = nanoTime.getAsLong() - begun;
            usualNanos = Math.max(usualNanos, Math.min(took, LONGEST_USUAL.toNanos()));
            work = null;
            changes++;
        }
    }

    /**
     * Runs {@code step}, a part of the work whose duration depends on something outside this process.
     *
     * @param what the cause, for messages, such as a path
     */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread at a time
    public <T, E extends Exception> T waitingFor(String what, Step<T, E> step) throws E {
        outside = what;
        changes++;
        try {
            return step.run();
        } finally {
            outside = null;
            changes++;
        }
    }

    /** A part of the work that may fail with {@code E}. */
    @FunctionalInterface
    public interface Step<T, E extends Exception> {

        /** Runs it. */
        T run() throws E;
    }

    /** The start of work that takes too long: longer than usual by {@link #GRACE}, and than twice as long as usual. */
    public Optional<Instant> lateSince() {
        Work now = work;
        return now != null && nanoTime.getAsLong() - now.nanos() > GRACE.toNanos() + 2 * usualNanos
                ? Optional.of(now.since())
                : Optional.empty();
    }

    @Override
    public ThreadKind kind() {
        return ThreadKind.SOURCE;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long progress() {
        return changes;
    }

    @Override
    public @Nullable String waitsFor() {
        return outside;
    }

    @Override
    public boolean busy() {
        return work != null;
    }

    @Override
    public @Nullable Thread thread() {
        Work now = work;
        return now == null ? home : now.thread();
    }
}
