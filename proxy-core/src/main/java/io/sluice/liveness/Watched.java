package io.sluice.liveness;

import org.jspecify.annotations.Nullable;

/** A thread as the {@link Watchdog} sees it. Any thread may ask; nothing waits. */
public interface Watched {

    ThreadKind kind();

    /** The thread's name; unique among all that are watched. */
    String name();

    /** A number that differs from the last one if the thread has come round since. */
    long progress();

    /** Whether the thread has something to do; one that waits for work is not stalled. */
    boolean busy();

    /** The thread; null before it was first seen, or while there is none. */
    @Nullable
    Thread thread();
}
