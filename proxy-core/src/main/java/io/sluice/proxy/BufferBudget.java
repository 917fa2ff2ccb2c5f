package io.sluice.proxy;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What the connections of one event loop may hold of bytes that were read and not yet delivered: its share of the budget
 * of the whole process. Asked before a read: while it is {@link #isShort}, a connection takes from a socket no more than
 * the other socket takes from it at once, and the rest waits in the kernel. It is exceeded by no more than what was being
 * read when it became short: one read or one pipe, and on a ring by what its buffers hold twice over.
 *
 * <p>Lives on its event loop; {@link #used} may be asked on any thread.
 */
final class BufferBudget {

    private final long share;
    private final long enoughBelow;
    private final Runnable becameShort;
    private final AtomicLong used = new AtomicLong();
    private boolean tight;

    /**
     * @param share       bytes
     * @param becameShort called on the event loop when it does; must not take or give back
     */
    BufferBudget(long share, Runnable becameShort) {
        this.share = share;
        this.enoughBelow = share - share / 4;
        this.becameShort = becameShort;
    }

    /** Whether nothing more may be held. Begins when all of it is used, ends when a quarter is back. */
    boolean isShort() {
        return tight;
    }

    /** {@code bytes} are held from now on. */
    void take(long bytes) {
        long now = used.get() + bytes;
        used.setRelease(now); // one writer
        if (now >= share && !tight) {
            tight = true;
            becameShort.run();
        }
    }

    /** {@code bytes} are not held any more. */
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
