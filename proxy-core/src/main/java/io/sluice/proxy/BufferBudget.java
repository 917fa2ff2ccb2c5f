package io.sluice.proxy;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Limits the bytes that the connections of one event loop hold, read and not yet delivered: its share of the budget of the
 * whole process. A connection checks it before each read: while it {@link #isShort}, a connection reads from a socket no more
 * than the other socket accepts at once, and the rest waits in the kernel. The budget is exceeded by no more than what was
 * being read when it became short: one read or one pipe, and on a ring twice the size of its buffers.
 *
 * <p>Lives on its event loop; any thread may read {@link #used}.
 */
final class BufferBudget {

    private final long share;
    private final long enoughBelow;
    private final Runnable becameShort;
    private final AtomicLong used = new AtomicLong();
    private boolean tight;

    /**
     * @param share       bytes
     * @param becameShort called on the event loop when the budget becomes short; must not take or give back
     */
    BufferBudget(long share, Runnable becameShort) {
        this.share = share;
        this.enoughBelow = share - share / 4;
        this.becameShort = becameShort;
    }

    /** Whether nothing more may be held. Begins when the whole budget is used, ends when a quarter has been given back. */
    boolean isShort() {
        return tight;
    }

    /** A connection holds {@code bytes} more. */
    void take(long bytes) {
        long now = used.get() + bytes;
        used.setRelease(now); // one writer
        if (now >= share && !tight) {
            tight = true;
            becameShort.run();
        }
    }

    /** A connection holds {@code bytes} less. */
    void giveBack(long bytes) {
        long now = used.get() - bytes;
        used.setRelease(now);
        if (now < enoughBelow) {
            tight = false;
        }
    }

    /** Bytes that are held now. Any thread. */
    long used() {
        return used.getAcquire();
    }
}
