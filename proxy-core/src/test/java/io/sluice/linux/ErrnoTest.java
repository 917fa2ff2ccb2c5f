package io.sluice.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ErrnoTest {

    @ParameterizedTest
    @CsvSource({"1, EPERM, Operation not permitted", "13, EACCES, Permission denied", "24, EMFILE, Too many open files",
            "98, EADDRINUSE, Address already in use", "99, EADDRNOTAVAIL, Cannot assign requested address",
            "110, ETIMEDOUT, Connection timed out", "111, ECONNREFUSED, Connection refused"})
    void a_number_has_a_name_and_a_meaning_in_english(int number, Errno expected, String meaning) {
        assertThat(Errno.of(number)).isEqualTo(expected);
        assertThat(Errno.meaning(number)).isEqualTo(meaning);
    }

    @ParameterizedTest
    @EnumSource
    void every_error_is_found_by_its_number(Errno errno) {
        assertThat(Errno.of(errno.number())).isEqualTo(errno);
    }

    @ParameterizedTest
    @CsvSource({"0", "-111", "41", "134", "524"})
    void a_number_that_is_none_of_them_has_still_a_text(int number) {
        assertThat(Errno.of(number)).isNull();
        assertThat(Errno.meaning(number)).isEqualTo("Unknown error " + number);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void a_call_that_fails_has_the_number() {
        assertThatThrownBy(() -> SystemCalls.close(-1)).isInstanceOf(IOException.class).hasMessage(
                "close: Bad file descriptor")
                .satisfies(e -> assertThat(((ErrnoException) e).errno()).isEqualTo(Errno.EBADF));
    }
}
