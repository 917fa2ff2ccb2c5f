package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.kubernetes.ListTrust.Verdict;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A list is suspect for as long as it must be. */
class ListTrustTest {

    private final ListTrust trust = new ListTrust();
    private long now;

    private void later(long seconds) {
        now += Duration.ofSeconds(seconds).toNanos();
    }

    @ParameterizedTest(name = "{0} at version {1}, where {2} were known at version {3}: {4}")
    @CsvSource({
            "5, 10, 4, 9, ACCEPTED", "3, 10, 4, 9, ACCEPTED", "4, 9, 4, 9, ACCEPTED", "0, 10, 0, 9, ACCEPTED",
            "0, 1, 0, '', ACCEPTED", "4, abc, 4, 9, ACCEPTED",
            "0, 10, 4, 9, SUSPECT_LIST", "0, 10, 1, '', SUSPECT_LIST", "4, 8, 4, 9, SUSPECT_LIST",
            "5, 1, 4, 9, SUSPECT_LIST",
            "0, 8, 0, 9, SUSPECT_LIST"})
    void a_list_that_is_empty_or_goes_back_is_suspect(int listed, String version, int known, String knownVersion,
            Verdict verdict) {
        assertThat(trust.judge(listed, version, known, knownVersion, now)).isEqualTo(verdict);
    }

    @Test
    void a_server_that_keeps_to_its_word_for_twenty_seconds_is_believed() {
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.SUSPECT_LIST);
        later(19);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.STILL_SUSPECT);
        later(1);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.ACCEPTED_AFTER_GRACE);
        assertThat(trust.judge(0, "1", 4, "9", now)).isEqualTo(Verdict.SUSPECT_LIST);
    }

    @Test
    void a_server_that_forgets_more_while_its_list_is_suspect_has_to_keep_to_that() {
        assertThat(trust.judge(3, "8", 4, "9", now)).isEqualTo(Verdict.SUSPECT_LIST);
        later(15);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.STILL_SUSPECT);
        later(19);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.STILL_SUSPECT);
        later(1);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.ACCEPTED_AFTER_GRACE);
    }

    @Test
    void a_server_that_fails_while_its_list_is_suspect_has_to_keep_to_its_word_from_then_on() {
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.SUSPECT_LIST);
        trust.interrupted();
        later(60);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.STILL_SUSPECT);
        later(20);
        assertThat(trust.judge(0, "10", 4, "9", now)).isEqualTo(Verdict.ACCEPTED_AFTER_GRACE);
    }

    @Test
    void a_server_that_takes_its_word_back_is_suspect_anew() {
        trust.judge(0, "10", 4, "9", now);
        later(15);
        assertThat(trust.judge(4, "11", 4, "9", now)).isEqualTo(Verdict.ACCEPTED);
        later(10);

        assertThat(trust.judge(0, "12", 4, "11", now)).isEqualTo(Verdict.SUSPECT_LIST);
    }

    @ParameterizedTest(name = "{0} after {1}: {2}")
    @CsvSource({"5, 6, true", "6, 6, false", "7, 6, false", "10, 9, false", "9, 10, true", "7, '', false",
            "abc, 6, false",
            "7, abc, false", "18446744073709551615, 5, false"})
    void a_version_is_older_by_its_number(String version, String than, boolean older) {
        assertThat(ListTrust.older(version, than)).isEqualTo(older);
    }
}
