package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Snapshots are published at a bounded rate, and not later than they must. */
class SnapshotRateLimiterTest {

    private final SnapshotRateLimiter limiter = new SnapshotRateLimiter();

    @ParameterizedTest(name = "the clock stands at {0} ns")
    @ValueSource(longs = {0, -1, Long.MIN_VALUE, Long.MAX_VALUE - 10_000_000L})
    void the_first_change_is_handed_on_at_once_and_one_after_a_pause_as_well(long start) {
        assertThat(limiter.delayNanos(start)).isEqualTo(SnapshotRateLimiter.BATCH_WINDOW.toNanos());
        limiter.published(start);

        assertThat(limiter.delayNanos(start + 1)).isGreaterThan(SnapshotRateLimiter.BATCH_WINDOW.toNanos());
        assertThat(limiter.delayNanos(start + Duration.ofSeconds(5).toNanos()))
                .isEqualTo(SnapshotRateLimiter.BATCH_WINDOW.toNanos());
    }

    @Test
    void a_burst_is_handed_on_ever_more_seldom_but_no_change_waits_for_more_than_a_second() {
        long now = 0;
        int published = 0;
        while (now < Duration.ofSeconds(20).toNanos()) {
            long wait = limiter.delayNanos(now);
            assertThat(wait).isBetween(SnapshotRateLimiter.BATCH_WINDOW.toNanos(),
                    SnapshotRateLimiter.LONGEST_INTERVAL.toNanos());
            now += wait;
            limiter.published(now);
            published++;
        }

        assertThat(published).isBetween(20, 30);
    }
}
