package io.sluice.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which words are near enough to be meant. */
class SpellingTest {

    @ParameterizedTest(name = "{0} and {1}: {2}")
    @CsvSource({"run,run,0", "rnu,run,1", "chekc,check,1", "ran,run,1", "'',run,3", "runn,run,1", "ru,run,1",
            "abc,cab,2",
            "ca,abc,3", "kitten,sitting,3"})
    void letters_that_differ_or_changed_places_are_counted(String from, String to, int distance) {
        assertThat(Spelling.distance(from, to)).isEqualTo(distance);
        assertThat(Spelling.distance(to, from)).isEqualTo(distance);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({"rnu,run", "node_Port,nodePort", "gte,get", "pods,''", "x,''"})
    void the_nearest_word_is_asked_for_if_it_is_near(String text, String meant) {
        assertThat(Spelling.didYouMean(text, List.of("run", "get", "explain", "nodePort")))
                .isEqualTo(meant.isEmpty() ? "" : "; did you mean " + meant + "?");
    }
}
