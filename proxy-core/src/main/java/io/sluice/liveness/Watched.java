package io.sluice.liveness;

import org.jspecify.annotations.Nullable;

/** A thread as the {@link Watchdog} sees it. Any thread may read it; nothing waits. */
public interface Watched {

    ThreadKind kind();

    /** The thread's name; unique among all that are watched. */
    String name();

    /** A number that differs from the last one if the thread has made progress since. */
    long progress();

    /**
     * What the thread waits for outside this process, such as a file, for messages; null if for nothing there.
     * Progress is made when this begins and when it ends.
     */
    default @Nullable String waitsFor() {
        return null;
    }

    /** Whether the thread has something to do; one that waits for work is not stalled. */
    boolean busy();

    /** The thread; null before it first ran, or while there is none. */
    @Nullable
    Thread thread();
}
