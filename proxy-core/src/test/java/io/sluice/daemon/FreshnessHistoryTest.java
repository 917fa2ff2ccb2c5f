package io.sluice.daemon;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.Freshness;
import io.sluice.source.Problem;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FreshnessHistoryTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            a source that begins          | begins, fresh, fresh | ''
            one that begins out of date   | begins, stale        | SourceStale the source is out of date: quiet
            one that falls behind         | fresh, stale, stale  | SourceStale the source is out of date: quiet
            and catches up                | fresh, stale, fresh, fresh | SourceStale the source is out of date: quiet; SourceFresh the source is up to date: watching
            an edit that cannot be used   | fresh, broken        | SourceStale the source is out of date: an edit cannot be used; a.yaml:7: port: must be a number
            """)
    void only_what_differs_is_a_change(String what, String states, String expected) {
        FreshnessHistory history = new FreshnessHistory();
        List<String> changes = new ArrayList<>();
        for (String state : states.split(", ", -1)) {
            history.change(switch (state) {
                case "begins" -> new Freshness(false, false, null, "not read yet", List.of());
                case "stale" -> new Freshness(true, false, Instant.EPOCH, "quiet", List.of());
                case "broken" -> new Freshness(true, false, Instant.EPOCH, "an edit cannot be used",
                        List.of(new Problem(Problem.Severity.ERROR, "a.yaml:7", "port", "must be a number")));
                default -> new Freshness(true, true, Instant.EPOCH, "watching", List.of());
            }).ifPresent(change -> changes.add(change.type() + " " + change.message()));
        }
        assertThat(String.join("; ", changes)).isEqualTo(expected);
    }
}
