package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.kubernetes.ListTrust.Verdict;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A list is doubted for as long as it must be. */
class ListTrustTest {

    private final ListTrust trust = new ListTrust();
    private long now;

    private void later(long seconds) {
        now += Duration.ofSeconds(seconds).toNanos();
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
