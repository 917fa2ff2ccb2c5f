package io.sluice.cli.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When a program that has ended starts again. */
class RestartsTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            the first start is at once              | ''             | 0
            after one that ended early, a second    | 0              | 1
            twice as long each time                 | 0 0            | 2
            and again                               | 0 5 0          | 4
            half a minute at the most               | 0 0 0 0 0 0    | 30
            however often                           | 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 | 30
            one that ran for a minute begins anew   | 0 0 0 60       | 1
            one that ran for less does not          | 0 0 0 59       | 8
            """)
    void a_program_that_ends_again_and_again_waits_longer_each_time(String name, String ranSeconds, int delaySeconds) {
        Restarts restarts = Restarts.NONE;
        for (String ran : ranSeconds.isEmpty() ? new String[0] : ranSeconds.split(" ", -1)) {
            restarts = restarts.after(Duration.ofSeconds(Long.parseLong(ran)));
        }

        assertThat(restarts.delay()).as(name).hasSeconds(delaySeconds);
    }

    @ParameterizedTest
    @CsvSource({"0,exited with code 0", "1,exited with code 1", "127,exited with code 127", "137,ended by signal 9",
            "255,exited with code 255"})
    void the_end_is_told_in_words(int exitCode, String words) {
        assertThat(Restarts.ended(exitCode)).isEqualTo(words);
    }
}
