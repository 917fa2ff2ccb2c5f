package io.sluice.simulation;

import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A thread of the simulated daemon. It runs only while the world waits for it, until it sleeps or ends: so there is one thread
 * at a time, and the same order each time.
 */
public final class Fiber {

    private final World world;
    private final Thread thread;
    private @Nullable Thread caller;
    private volatile boolean turn;
    private volatile boolean ended;
    private volatile @Nullable Throwable failure;
    private boolean begun;
    private boolean sleeping;
    private boolean woken;
    private long sleeps;

    /** Has not begun. */
    public Fiber(World world, String name, Runnable life) {
        this.world = world;
        thread = Thread.ofVirtual().name(name).unstarted(() -> {
            try {
                life.run();
            } catch (Throwable e) {
                failure = e;
            } finally {
                ended = true;
                giveBack();
            }
        });
    }

    /** Begins soon. */
    public void start() {
        world.after(0, this::resume);
    }

    /** Sleeps, at the longest for {@code nanos}; for the fiber itself. */
    public void sleep(long nanos) {
        if (woken) {
            woken = false;
            return;
        }
        long id = ++sleeps;
        sleeping = true;
        world.after(nanos, () -> wakeFrom(id));
        giveBack();
        while (!turn) {
            LockSupport.park(this);
        }
    }

    /** Ends the sleep that is under way, or the next one; for the world. */
    public void wake() {
        if (sleeping) {
            long id = sleeps;
            world.after(0, () -> wakeFrom(id));
        } else {
            woken = true;
        }
    }

    /** Whether it has ended. */
    public boolean ended() {
        return ended;
    }

    private void wakeFrom(long id) {
        if (sleeping && id == sleeps) {
            sleeping = false;
            resume();
        }
    }

    private void giveBack() {
        turn = false;
        LockSupport.unpark(caller);
    }

    private void resume() {
        if (ended) {
            return;
        }
        caller = Thread.currentThread();
        turn = true;
        if (begun) {
            LockSupport.unpark(thread);
        } else {
            begun = true;
            thread.start();
        }
        while (turn) {
            LockSupport.park(this);
        }
        Throwable thrown = failure;
        if (thrown != null) {
            world.broken(new AssertionError(thread.getName() + " ended by " + thrown, thrown));
        }
    }
}
