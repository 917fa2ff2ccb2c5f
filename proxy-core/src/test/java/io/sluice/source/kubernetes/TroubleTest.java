package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.kubernetes.ListTrust.Verdict;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A trouble is seen and logged once, until it is over; and a list is doubted for as long as it must be. */
class TroubleTest {

    private static final String LINE = "the API server does not answer";

    private final Trouble trouble = new Trouble();
    private final ListTrust trust = new ListTrust();
    private long now;
    private int lines;

    private void failed(boolean doubt, boolean brokenWatch) {
        trouble.failed(LINE, doubt, brokenWatch, now);
        lines += trouble.isNews(LINE, now) ? 1 : 0;
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
        assertThat(trouble.heard(now)).contains(Duration.ofSeconds(200));
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
        trouble.heard(now);
        assertThat(trouble.current(now)).isTrue();
        failed(true, false);
        assertThat(trouble.current(now)).isFalse();
        failed(false, false);
        assertThat(trouble.current(now)).isFalse();
    }

    @ParameterizedTest(name = "{0} at version {1}, where {2} were known at version {3}: {4}")
    @CsvSource({
            "5, 10, 4, 9, BELIEVED", "3, 10, 4, 9, BELIEVED", "4, 9, 4, 9, BELIEVED", "0, 10, 0, 9, BELIEVED",
            "0, 1, 0, '', BELIEVED", "4, abc, 4, 9, BELIEVED",
            "0, 10, 4, 9, DOUBTED", "0, 10, 1, '', DOUBTED", "4, 8, 4, 9, DOUBTED", "5, 1, 4, 9, DOUBTED",
            "0, 8, 0, 9, DOUBTED"})
    void a_list_that_is_empty_or_goes_back_is_doubted(int listed, String version, int known, String knownVersion,
            Verdict verdict) {
        assertThat(trust.judge(listed, version, known, knownVersion, now)).isEqualTo(verdict);
    }

    @Test
    void a_server_that_keeps_to_its_word_for_twenty_seconds_is_believed() {
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.DOUBTED);
        later(19);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.STILL_DOUBTED);
        later(1);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.BELIEVED_IN_THE_END);
        assertThat(trust.judge(0, "1", 4, "9", now)).isEqualTo(Verdict.DOUBTED);
    }

    @Test
    void a_server_that_forgets_more_while_it_is_doubted_has_to_keep_to_that() {
        assertThat(trust.judge(3, "8", 4, "9", now)).isEqualTo(Verdict.DOUBTED);
        later(15);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.STILL_DOUBTED);
        later(19);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.STILL_DOUBTED);
        later(1);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.BELIEVED_IN_THE_END);
    }

    @Test
    void a_server_that_fails_while_it_is_doubted_has_to_keep_to_its_word_from_then_on() {
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.DOUBTED);
        trust.interrupted();
        later(60);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.STILL_DOUBTED);
        later(20);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.BELIEVED_IN_THE_END);
    }

    @Test
    void a_server_that_takes_its_word_back_is_doubted_anew() {
        trust.judge(0, "10", 4, "9", now);
        later(15);
        assertThat(trust.judge(4, "11", 4, "9", now)).isEqualTo(Verdict.BELIEVED);
        later(10);

        assertThat(trust.judge(0, "12", 4, "11", now)).isEqualTo(Verdict.DOUBTED);
    }
}
