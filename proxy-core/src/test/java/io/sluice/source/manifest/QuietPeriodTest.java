package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When files are read after an edit, without files and without time. */
class QuietPeriodTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            # what happens                           | looks, 100 ms apart | reads, each with the look after it
            one edit, over at once                   | a a                 | 100 ms: a used
            an editor that writes in two steps       | a b b               | 200 ms: b used
            an editor that writes for half a second  | a b c d e e         | 500 ms: e used
            an edit that is taken back               | a b a a             | 300 ms: a used
            an edit during the read                  | a a,b b b           | 100 ms: b not used, 300 ms: b used
            an edit during each of two reads         | a a,b b b,c c c     | 100 ms: b not used, 300 ms: c not used, 500 ms: c used
            an edit during the read, not followed    | a a,b a             | 100 ms: b not used, 200 ms: a used
            """)
    void files_are_read_when_two_looks_in_a_row_find_the_same(String what, String looks, String reads) {
        assertThat(reads(List.of(looks.split(" ", -1)))).isEqualTo(reads);
    }

    @Test
    void files_that_never_stop_changing_are_read_and_used_after_two_seconds() {
        List<String> looks = IntStream.range(0, 30).mapToObj(number -> "look" + number + ",read" + number).toList();

        assertThat(reads(looks)).isEqualTo("2000 ms: read20 used");
    }

    @Test
    void files_that_change_during_each_read_are_used_after_two_seconds() {
        List<String> looks = IntStream.range(0, 30).mapToObj(number -> "look" + number / 2 + ",read" + number).toList();

        assertThat(reads(looks)).startsWith("100 ms: read1 not used, 300 ms: read3 not used, ")
                .endsWith(", 1900 ms: read19 not used, 2000 ms: read20 used");
    }

    /** Each look is what it finds, and after a comma what a look after a read finds, if not the same. */
    private static String reads(List<String> looks) {
        Deque<String> rest = new ArrayDeque<>(looks);
        QuietPeriod<String> quiet = new QuietPeriod<>(rest.remove().split(",", -1)[0]);
        StringBuilder reads = new StringBuilder();
        for (int millis = QuietPeriod.QUIET_MILLIS;; millis += QuietPeriod.QUIET_MILLIS) {
            String[] look = rest.remove().split(",", -1);
            if (quiet.isOver(look[0])) {
                String after = look[look.length - 1];
                boolean used = quiet.isUsable(after);
                reads.append(reads.isEmpty() ? "" : ", ").append(millis).append(" ms: ").append(after)
                        .append(used ? " used" : " not used");
                if (used) {
                    return reads.toString();
                }
            }
        }
    }
}
