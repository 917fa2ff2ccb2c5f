package io.sluice.metrics;

import io.prometheus.metrics.model.snapshots.Labels;
import java.time.Duration;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.I_Result;

/** Event loops count at once. */
public final class MetersStress {

    private MetersStress() {}

    /** The array that a histogram makes with its first value is one, and has both. */
    @JCStressTest
    @Outcome(id = "2", expect = Expect.ACCEPTABLE, desc = "both are counted")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a value is lost")
    @State
    public static class FirstValues {

        private final DurationHistogram histogram =
                new DurationHistogram(DurationHistogram.Buckets.of(Duration.ofMillis(1)));

        @Actor
        public void one() {
            histogram.record(1, 0);
        }

        @Actor
        public void other() {
            histogram.record(2_000_000, 0);
        }

        @Arbiter
        public void count(I_Result result) {
            result.r1 = (int) histogram.snapshot(Labels.EMPTY).getCount();
        }
    }

    /** While a window begins, values of it may be missed, as is said; none counts twice. */
    @JCStressTest
    @Outcome(id = {"0", "1", "2"}, expect = Expect.ACCEPTABLE, desc = "each at most once")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a value counts twice")
    @State
    public static class WindowBegins {

        private static final long LATER = RecentDurations.WINDOW_NANOS;

        private final RecentDurations durations = new RecentDurations(0);

        @Actor
        public void one() {
            durations.record(1, LATER);
        }

        @Actor
        public void other() {
            durations.record(1, LATER);
        }

        @Arbiter
        public void count(I_Result result) {
            RecentDurations.Sum sum = new RecentDurations.Sum();
            durations.addTo(sum, LATER);
            result.r1 = (int) sum.summary().count();
        }
    }
}
