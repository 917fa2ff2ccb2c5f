package io.sluice.it.soak;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;

/** What went wrong, and during which faults; any thread may add to it. */
final class Failures {

    private static final int REMEMBERED = 20;

    private final Queue<String> first = new ConcurrentLinkedQueue<>();
    private final AtomicLong count = new AtomicLong();
    private volatile String during = "the start";

    /** What goes on from now on. */
    void during(String what) {
        during = what;
    }

    void add(String what, Throwable cause) {
        if (count.incrementAndGet() <= REMEMBERED) {
            Throwable root = cause.getCause() == null ? cause : cause.getCause();
            first.add(what + ": " + root + " (during " + during + ")");
        }
    }

    /** Fails if anything went wrong; {@code run} tells how to run it again. */
    void expectNone(String run) {
        if (count.get() > 0) {
            throw new AssertionError(run + ": " + count + " failures, the first of them:\n" + String.join("\n", first));
        }
    }
}
