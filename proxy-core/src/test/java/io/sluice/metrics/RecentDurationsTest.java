package io.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Quantiles of the last while: how exact they are, and when values are forgotten. */
class RecentDurationsTest {

    private static final long MINUTE = RecentDurations.WINDOW_NANOS;

    private final RecentDurations recent = new RecentDurations(0);

    @Test
    void without_any_value_there_is_no_quantile() {
        assertThat(summary(0)).isEqualTo(LatencySummary.NONE);
        assertThat(new RecentDurations.Sum().summary()).isEqualTo(LatencySummary.NONE);
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 16384", "16383, 0, 16384", "1000000, 875000, 1125000", "34359738368, 30000000000, 39000000000",
            "999000000000, 68000000000, 69000000000"})
    void one_value_is_its_own_quantile_to_an_eighth_within_the_bounds(long nanos, long least, long most) {
        recent.record(nanos, 0);

        assertThat(summary(0).count()).isEqualTo(1);
        assertThat(summary(0).p50().toNanos()).isBetween(least, most);
        assertThat(summary(0).p99()).isEqualTo(summary(0).p50());
    }

    @Test
    void quantiles_of_random_values_are_exact_to_an_eighth() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 200; round++) {
            RecentDurations of = new RecentDurations(0);
            long[] values = new long[1 + random.nextInt(500)];
            double mean = 13 + random.nextDouble() * 8;
            for (int i = 0; i < values.length; i++) {
                values[i] = Math.clamp(Math.round(Math.exp(mean + random.nextGaussian())), 1L << 14, (1L << 36) - 1);
                of.record(values[i], 0);
            }
            Arrays.sort(values);
            RecentDurations.Sum sum = new RecentDurations.Sum();
            of.addTo(sum, 0);
            near(sum.summary().p50(), values[(int) Math.ceil(values.length * 0.5) - 1], seed);
            near(sum.summary().p99(), values[(int) Math.ceil(values.length * 0.99) - 1], seed);
        }
    }

    private static void near(Duration quantile, long value, long seed) {
        assertThat((double) quantile.toNanos()).as("seed %d", seed).isBetween(value * 0.8, value * 1.25);
    }

    @Test
    void values_count_for_one_to_two_minutes() {
        recent.record(1_000_000, MINUTE / 2);
        recent.record(2_000_000, MINUTE + 1);

        assertThat(summary(2 * MINUTE - 1).count()).isEqualTo(2);
        assertThat(summary(2 * MINUTE).count()).isEqualTo(1);
        assertThat(summary(3 * MINUTE).count()).isZero();
        recent.record(1_000_000, 10 * MINUTE);
        assertThat(summary(10 * MINUTE).count()).isEqualTo(1);
    }

    @Test
    void a_clock_may_be_negative() {
        RecentDurations early = new RecentDurations(-5 * MINUTE);
        early.record(1_000_000, -5 * MINUTE + 1);
        RecentDurations.Sum sum = new RecentDurations.Sum();
        early.addTo(sum, -4 * MINUTE);

        assertThat(sum.summary().count()).isEqualTo(1);
    }

    @Test
    void several_are_taken_together() {
        RecentDurations slow = new RecentDurations(0);
        for (int i = 0; i < 99; i++) {
            recent.record(1_000_000, 0);
        }
        slow.record(1_000_000_000, 0);
        slow.record(1_000_000_000, 0);
        RecentDurations.Sum sum = new RecentDurations.Sum();
        recent.addTo(sum, 0);
        slow.addTo(sum, 0);

        assertThat(sum.summary().count()).isEqualTo(101);
        assertThat(sum.summary().p50()).isLessThan(Duration.ofMillis(2));
        assertThat(sum.summary().p99()).isGreaterThan(Duration.ofMillis(800));
    }

    private LatencySummary summary(long now) {
        RecentDurations.Sum sum = new RecentDurations.Sum();
        recent.addTo(sum, now);
        return sum.summary();
    }
}
