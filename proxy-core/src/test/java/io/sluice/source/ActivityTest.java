package io.sluice.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** From when on the work of a source takes too long. */
class ActivityTest {

    private final AtomicLong nanos = new AtomicLong(42);
    private final Activity activity = new Activity("sluice-manifests", nanos::get);

    @ParameterizedTest(name = "after work of {0} s, work is late after {1} s: {2}")
    @CsvSource({"0, 5, false", "0, 6, true", "2, 9, false", "2, 10, true", "3600, 25, false", "3600, 26, true"})
    void work_is_late_when_it_takes_five_seconds_and_twice_the_usual(long usual, long seconds, boolean late) {
        activity.during(() -> advance(usual));
        activity.during(() -> {
            advance(seconds);
            assertThat(activity.lateSince().isPresent()).isEqualTo(late);
        });
    }

    @Test
    void whoever_does_nothing_is_neither_busy_nor_late() {
        advance(3600);
        assertThat(activity.busy()).isFalse();
        assertThat(activity.lateSince()).isEmpty();
        assertThat(activity.thread()).isNull();
        activity.during(() -> {
            assertThat(activity.busy()).isTrue();
            assertThat(activity.thread()).isSameAs(Thread.currentThread());
        });
        assertThat(activity.busy()).isFalse();
    }

    @Test
    void each_beginning_and_each_end_is_progress_also_an_end_by_a_fault() {
        long before = activity.progress();
        assertThatThrownBy(() -> activity.during(() -> {
            assertThat(activity.progress()).isNotEqualTo(before);
            throw new IllegalStateException("a fault");
        })).isInstanceOf(IllegalStateException.class);
        assertThat(activity.progress()).isEqualTo(before + 2);
        assertThat(activity.busy()).isFalse();
    }

    @Test
    void a_wait_for_something_outside_is_named_while_it_lasts_and_its_begin_and_end_are_progress() {
        activity.during(() -> {
            long before = activity.progress();
            activity.waitingFor("/nfs/a.yaml", () -> {
                assertThat(activity.waitsFor()).isEqualTo("/nfs/a.yaml");
                return assertThat(activity.progress()).isNotEqualTo(before);
            });
            assertThat(activity.waitsFor()).isNull();
            assertThat(activity.progress()).isEqualTo(before + 2);
        });
    }

    private void advance(long seconds) {
        nanos.addAndGet(Duration.ofSeconds(seconds).toNanos());
    }
}
