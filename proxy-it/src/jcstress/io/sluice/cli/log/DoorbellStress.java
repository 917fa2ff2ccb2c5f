package io.sluice.cli.log;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** A thread logs while the one that writes the log goes to rest. */
public final class DoorbellStress {

    private DoorbellStress() {}

    /** A line wakes the writer: one that slept on would end this test only by its time. */
    @JCStressTest
    @Outcome(id = {"0", "1"}, expect = Expect.ACCEPTABLE, desc = "no line yet, or the writer is awake")
    @Outcome(id = "2", expect = Expect.FORBIDDEN, desc = "the writer sleeps, and a line waits")
    @State
    public static class Rests {

        private static final long LONG_NANOS = 200_000_000L;

        private final Queue<String> queue = new ConcurrentLinkedQueue<>();
        private final Doorbell bell = new Doorbell();

        @Actor
        public void writer(I_Result result) {
            long begun = System.nanoTime();
            bell.rest(queue::isEmpty, LONG_NANOS);
            boolean slept = System.nanoTime() - begun >= LONG_NANOS;
            result.r1 = slept && !queue.isEmpty() ? 2 : queue.isEmpty() ? 0 : 1;
        }

        @Actor
        public void logs() {
            queue.add("a line\n");
            bell.ring();
        }
    }
}
