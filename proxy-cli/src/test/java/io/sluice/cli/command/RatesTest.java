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
            Map.of("busy", new Counts(1, 100, 0, 1000, 1000, 3), "big", new Counts(2, 10, 3, 0, 0, -1));
    private static final Map<String, Counts> NOW = Map.of("busy", new Counts(1, 300, 0, 1000, 3000, 4), "big",
            new Counts(2, 10, 5, 8000, 0, -1), "new", new Counts(9, 20, 0, 0, 0, 500));

    @ParameterizedTest(name = "by {0}: {1}")
    @CsvSource({"RATE, busy new big", "BYTES, big busy new", "CONNECTIONS, new big busy", "FAILED, big busy new",
            "LATENCY, new busy big"})
    void lines_are_ordered_by_their_key_and_then_by_name(Rates.Key key, String names) {
        assertThat(Rates.between(BEFORE, NOW, 2, key).stream().map(Rates.Row::name).collect(Collectors.toList()))
                .isEqualTo(Arrays.asList(names.split(" ", -1)));
    }

    @Test
    void a_line_has_what_happened_in_a_second() {
        assertThat(Rates.between(BEFORE, NOW, 2, Rates.Key.RATE)).containsExactly(
                new Rates.Row("busy", 1, 100, 0, 0, 1000, 4), new Rates.Row("new", 9, 10, 0, 0, 0, 500),
                new Rates.Row("big", 2, 0, 1, 4000, 0, -1));
    }

    @Test
    void a_counter_that_began_anew_counts_from_zero_and_what_is_gone_has_no_line() {
        assertThat(Rates.between(NOW, Map.of("busy", new Counts(1, 7, 0, 5, 0, -1)), 1, Rates.Key.RATE))
                .isEqualTo(List.of(new Rates.Row("busy", 1, 7, 0, 5, 0, -1)));
    }

    @Test
    void a_service_is_as_slow_as_its_slowest_endpoint() {
        Counts fast = new Counts(0, 1, 0, 0, 0, 3);

        assertThat(fast.plus(new Counts(0, 1, 0, 0, 0, 500)).millis()).isEqualTo(500);
        assertThat(fast.plus(Counts.NONE).millis()).isEqualTo(3);
        assertThat(Counts.NONE.plus(Counts.NONE).millis()).isNegative();
    }
}
