package io.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.prometheus.metrics.model.snapshots.ClassicHistogramBucket;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.sluice.metrics.DurationHistogram.Buckets;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Buckets, the sum, and the longest of the last minutes. */
class DurationHistogramTest {

    private static final long MINUTE = Duration.ofMinutes(1).toNanos();

    private final DurationHistogram histogram =
            new DurationHistogram(Buckets.of(Duration.ofMillis(1), Duration.ofMillis(10)));

    @ParameterizedTest
    @CsvSource({"0, 0", "1_000_000, 0", "1_000_001, 1", "10_000_000, 1", "10_000_001, 2", "1_000_000_000_000, 2"})
    void a_value_is_in_the_first_bucket_whose_bound_is_not_below_it(String nanos, int bucket) {
        histogram.record(Long.parseLong(nanos.replace("_", "")), 0);

        assertThat(counts()).hasSize(3);
        for (int i = 0; i < 3; i++) {
            assertThat(counts().get(i)).as("bucket %d", i).isEqualTo(i == bucket ? 1 : 0);
        }
    }

    @Test
    void without_any_value_everything_is_zero() {
        assertThat(counts()).containsExactly(0L, 0L, 0L);
        assertThat(histogram.snapshot(Labels.EMPTY).getSum()).isZero();
        assertThat(histogram.longest(MINUTE)).isZero();
    }

    @Test
    void the_sum_is_in_seconds() {
        histogram.record(1_500_000_000L, 0);
        histogram.record(500_000_000L, 0);

        HistogramDataPointSnapshot snapshot = histogram.snapshot(Labels.EMPTY);
        assertThat(snapshot.getSum()).isEqualTo(2);
        assertThat(snapshot.getCount()).isEqualTo(2);
    }

    @Test
    void the_longest_is_remembered_for_two_minutes_and_forgotten_after_three() {
        long start = 1000 * MINUTE + MINUTE / 2;
        histogram.record(9_000_000_000L, start);
        histogram.record(1_000_000_000L, start + MINUTE);

        assertThat(histogram.longest(start + 2 * MINUTE)).isEqualTo(9);
        assertThat(histogram.longest(start + 3 * MINUTE)).isEqualTo(1);
        assertThat(histogram.longest(start + 100 * MINUTE)).isZero();
    }

    private List<Long> counts() {
        return histogram.snapshot(Labels.EMPTY).getClassicBuckets().stream().map(ClassicHistogramBucket::getCount)
                .toList();
    }
}
