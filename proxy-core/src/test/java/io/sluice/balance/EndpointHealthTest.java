package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.HealthCheck;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EndpointHealthTest {

    private static final HealthCheck RULES =
            new HealthCheck(null, Duration.ofSeconds(5), Duration.ofSeconds(1), 2, 3);

    /** Each check passes ({@code +}) or fails ({@code -}); after each the endpoint passes, fails or is unchecked (?). */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            the first check decides: it passes             | +          | P
            the first check decides: it fails              | -          | F
            three failures in a row make it fall           | +---       | PPPF
            two do not                                     | +--+--+    | PPPPPPP
            two successes in a row make it rise            | -++        | FFP
            one does not                                   | -+-+-      | FFFFF
            it falls and rises and falls                   | +---++---  | PPPFFPPPF
            a failure on the way up begins anew            | -+-++      | FFFFP
            """)
    void an_endpoint_rises_and_falls_by_checks_in_a_row(String what, String checks, String expected) {
        EndpointHealth health = null;
        StringBuilder seen = new StringBuilder();
        for (int i = 0; i < checks.length(); i++) {
            health = after(health, checks.charAt(i));
            seen.append(health.passing() ? 'P' : 'F');
        }
        assertThat(seen).hasToString(expected);
    }

    private static EndpointHealth after(@Nullable EndpointHealth before, char check) {
        return check == '+' ? EndpointHealth.passed(before, RULES) : EndpointHealth.failed(before, RULES, "503");
    }
}
