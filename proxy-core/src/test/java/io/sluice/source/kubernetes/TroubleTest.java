package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A trouble is seen and logged once, until it is over. */
class TroubleTest {

    private static final String LINE = "the API server does not answer";

    private final Trouble trouble = new Trouble();
    private long now;
    private int lines;

    private void failed(boolean suspect, boolean brokenWatch) {
        trouble.failed(LINE, suspect, brokenWatch, now);
        lines += trouble.shouldLog(LINE, now) ? 1 : 0;
    }

    private void opened() {
        lines += trouble.opened(now).isPresent() ? 1 : 0;
    }

    private void later(long seconds) {
        now += Duration.ofSeconds(seconds).toNanos();
    }

    @Test
    void an_outage_is_one_line_at_its_beginning_one_every_five_minutes_and_one_at_its_end() {
        for (int i = 0; i < 30; i++) {
            failed(false, false);
            later(20);
        }
        assertThat(lines).isEqualTo(2);
        assertThat(trouble.problem(now)).isEqualTo(LINE);
        opened();

        assertThat(lines).isEqualTo(3);
        assertThat(trouble.problem(now)).isNull();
        assertThat(trouble.current(now)).isTrue();
    }

    @Test
    void watches_that_open_and_break_over_and_over_are_one_trouble() {
        for (int i = 0; i < 10; i++) {
            failed(false, true);
            later(20);
            opened();
            assertThat(trouble.problem(now)).isEqualTo(LINE);
            assertThat(trouble.current(now)).isEqualTo(false);
        }
        assertThat(lines).isEqualTo(1);
        assertThat(trouble.eventReceived(now)).contains(Duration.ofSeconds(200));
        assertThat(trouble.problem(now)).isNull();
    }

    @Test
    void a_watch_that_stays_open_without_a_word_ends_the_trouble_as_well() {
        failed(true, true);
        opened();
        later(9);
        assertThat(trouble.problem(now)).isNotNull();
        later(1);

        assertThat(trouble.problem(now)).isNull();
        assertThat(trouble.current(now)).isTrue();
        failed(false, false);
        assertThat(trouble.current(now)).isTrue();
    }

    @Test
    void a_view_is_current_for_a_moment_without_an_answer_and_not_at_all_after_one_that_is_not_believed() {
        failed(false, false);
        later(9);
        assertThat(trouble.current(now)).isTrue();
        later(2);
        assertThat(trouble.current(now)).isFalse();
        trouble.eventReceived(now);
        assertThat(trouble.current(now)).isTrue();
        failed(true, false);
        assertThat(trouble.current(now)).isFalse();
        failed(false, false);
        assertThat(trouble.current(now)).isFalse();
    }
}
