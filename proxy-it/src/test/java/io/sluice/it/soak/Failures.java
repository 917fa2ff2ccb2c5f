package io.sluice.it.soak;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** What went wrong, and during which faults; any thread may add to it. */
final class Failures {

    private static final int REMEMBERED = 20;
    private static final int LINES = 30;

    private final Queue<String> first = new ConcurrentLinkedQueue<>();
    private final AtomicLong count = new AtomicLong();
    private volatile String during = "the start";
    private volatile Supplier<List<String>> log = List::of;

    /** Where the daemon's own lines are, of which the last belong to what is told. */
    void withLog(Supplier<List<String>> lines) {
        log = lines;
    }

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
            List<String> lines = List.copyOf(log.get());
            throw new AssertionError(run + ": " + count + " failures, the first of them:\n" + String.join("\n", first)
                    + "\nthe daemon's last lines:\n"
                    + String.join("\n", lines.subList(Math.max(0, lines.size() - LINES), lines.size())));
        }
    }
}
