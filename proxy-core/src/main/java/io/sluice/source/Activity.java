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
 * What the thread of a source does now, and since when: work that takes much longer than it used to shows that what the
 * source knows is not known to be up to date. Begun and ended by one thread at a time; any may ask.
 */
public final class Activity implements Watched {

    /** How much longer than usual work may take. */
    static final Duration GRACE = Duration.ofSeconds(5);
    /** Work that took longer once is no measure of what is usual. */
    static final Duration LONGEST_USUAL = Duration.ofSeconds(10);

    /** Work that has begun. */
    private record Work(long nanos, Instant since, Thread thread) {}

    private final String name;
    private final LongSupplier nanoTime;
    private volatile @Nullable Work work;
    private volatile long changes;
    private volatile long usualNanos;
    private volatile @Nullable Thread home;

    /** Of the thread {@code name}; nothing is done yet. */
    public Activity(String name) {
        this(name, System::nanoTime);
    }

    Activity(String name, LongSupplier nanoTime) {
        this.name = name;
        this.nanoTime = nanoTime;
    }

    /** All of it is done on {@code thread}, which lives as long as the source. */
    public void livesOn(Thread thread) {
        home = thread;
    }

    /** Whether the thread that it {@linkplain #livesOn lives on} has ended. */
    public boolean ended() {
        Thread thread = home;
        return thread != null && !thread.isAlive();
    }

    /** Does {@code job}, and counts as busy as long as it takes. */
    public void during(Runnable job) {
        answerOf(() -> {
            job.run();
            return true;
        });
    }

    /** The same with what {@code job} comes to. */
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

    /** Since when the work has been going on that takes too long: {@link #GRACE}, and twice what is usual, at least. */
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
    public boolean busy() {
        return work != null;
    }

    @Override
    public @Nullable Thread thread() {
        Work now = work;
        return now == null ? home : now.thread();
    }
}
