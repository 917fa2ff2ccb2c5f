package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.command.Rates.Counts;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What happened between two looks. */
class RatesTest {

    private static final Map<String, Counts> BEFORE =
            Map.of("busy", new Counts(1, 100, 0, 1000, 1000), "big", new Counts(2, 10, 3, 0, 0));
    private static final Map<String, Counts> NOW = Map.of("busy", new Counts(1, 300, 0, 1000, 3000), "big",
            new Counts(2, 10, 5, 8000, 0), "new", new Counts(9, 20, 0, 0, 0));

    @ParameterizedTest(name = "by {0}: {1}")
    @CsvSource({"RATE, busy new big", "BYTES, big busy new", "CONNECTIONS, new big busy", "FAILED, big busy new"})
    void lines_are_ordered_by_their_key_and_then_by_name(Rates.Key key, String names) {
        assertThat(Rates.between(BEFORE, NOW, 2, key).stream().map(Rates.Row::name).collect(Collectors.toList()))
                .isEqualTo(Arrays.asList(names.split(" ", -1)));
    }

    @Test
    void a_line_has_what_happened_in_a_second() {
        assertThat(Rates.between(BEFORE, NOW, 2, Rates.Key.RATE)).containsExactly(
                new Rates.Row("busy", 1, 100, 0, 0, 1000), new Rates.Row("new", 9, 10, 0, 0, 0),
                new Rates.Row("big", 2, 0, 1, 4000, 0));
    }

    @Test
    void a_counter_that_began_anew_counts_from_zero_and_what_is_gone_has_no_line() {
        assertThat(Rates.between(NOW, Map.of("busy", new Counts(1, 7, 0, 5, 0)), 1, Rates.Key.RATE))
                .isEqualTo(List.of(new Rates.Row("busy", 1, 7, 0, 5, 0)));
    }
}
