package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Requests are repeated at random intervals that grow up to a bound. */
class BackoffTest {

    @Test
    void attempts_come_at_random_later_and_later_with_a_bound() {
        Backoff backoff = new Backoff(new SplittableRandom(1));
        long base = 400;
        for (int i = 0; i < 40; i++) {
            assertThat(backoff.next().toMillis()).isBetween(base, 2 * base);
            base = Math.min(15_000, 2 * base);
        }
        backoff.reset();
        assertThat(backoff.next().toMillis()).isLessThan(800);
    }
}
