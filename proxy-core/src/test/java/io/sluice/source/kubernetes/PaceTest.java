package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Changes and attempts come at a bounded rate, and not later than they must. */
class PaceTest {

    private final Pace pace = new Pace();

    @Test
    void the_first_change_is_handed_on_at_once_and_one_after_a_pause_as_well() {
        assertThat(pace.waitNanos(0)).isEqualTo(Pace.BREATH.toNanos());
        pace.handedOn(0);

        assertThat(pace.waitNanos(Duration.ofSeconds(5).toNanos())).isEqualTo(Pace.BREATH.toNanos());
    }

    @Test
    void a_burst_is_handed_on_ever_more_seldom_but_no_change_waits_for_more_than_a_second() {
        long now = 0;
        int handedOn = 0;
        while (now < Duration.ofSeconds(20).toNanos()) {
            long wait = pace.waitNanos(now);
            assertThat(wait).isBetween(Pace.BREATH.toNanos(), Pace.LONGEST.toNanos());
            now += wait;
            pace.handedOn(now);
            handedOn++;
        }

        assertThat(handedOn).isBetween(20, 30);
    }

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

    @ParameterizedTest(name = "{0} after {1}: {2}")
    @CsvSource({"5, 6, true", "6, 6, false", "7, 6, false", "10, 9, false", "9, 10, true", "7, '', false",
            "abc, 6, false",
            "7, abc, false", "18446744073709551615, 5, false"})
    void a_version_is_older_by_its_number(String version, String than, boolean older) {
        assertThat(ListTrust.older(version, than)).isEqualTo(older);
    }
}
