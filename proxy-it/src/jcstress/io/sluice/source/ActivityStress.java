package io.sluice.source;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;
import org.openjdk.jcstress.infra.results.Z_Result;

/** The watchdog looks at a thread that begins and ends work. */
public final class ActivityStress {

    private ActivityStress() {}

    /** Work that was seen and has ended since has made progress since: else the watchdog would count it on. */
    @JCStressTest
    @Outcome(id = "false", expect = Expect.ACCEPTABLE, desc = "idle, or progress since")
    @Outcome(expect = Expect.FORBIDDEN, desc = "work that has ended looks like work that goes on")
    @State
    public static class Ends {

        private final Activity activity = new Activity("thread");
        private long progress;
        private boolean busy;

        @Actor
        public void thread() {
            activity.during(() -> {});
        }

        @Actor
        public void watchdog() {
            progress = activity.progress();
            busy = activity.busy();
        }

        @Arbiter
        public void next(Z_Result result) {
            result.r1 = busy && progress == activity.progress();
        }
    }

    /** What the thread waits for outside is known with the progress that it had when it began to wait, or not yet. */
    @JCStressTest
    @Outcome(id = {"0, 0", "0, 1", "1, 0", "1, 1", "2, 0", "2, 1", "3, 0", "4, 0"}, expect = Expect.ACCEPTABLE,
            desc = "waiting is seen while it lasts")
    @Outcome(expect = Expect.FORBIDDEN, desc = "it waits after it has gone on")
    @State
    public static class Waits {

        private final Activity activity = new Activity("thread");

        @Actor
        public void thread() {
            activity.during(() -> activity.waitingFor("a file", () -> 0));
        }

        @Actor
        public void watchdog(II_Result result) {
            result.r1 = (int) activity.progress();
            result.r2 = activity.waitsFor() == null ? 0 : 1;
        }
    }
}
