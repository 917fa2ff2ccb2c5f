package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HealthCheckTest {

    private static ServiceAnnotations of(String words) {
        Map<String, String> annotations = Arrays.stream(words.split("; ", -1)).map(word -> word.split("=", 2))
                .collect(Collectors.toMap(pair -> "sluice.io/health-check" + pair[0], pair -> pair[1]));
        return ServiceAnnotations.of(annotations);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', nullValues = "none", textBlock = """
            TCP      | none
            UDP TCP  | none
            UDP      | sluice.io/health-check has no effect: the Service has no TCP port
            UDP SCTP | sluice.io/health-check has no effect: the Service has no TCP port
            """)
    void a_service_without_a_tcp_port_is_not_checked_and_says_so(String protocols, @Nullable String warning) {
        List<Protocol> ports = Arrays.stream(protocols.split(" ", -1)).map(Protocol::valueOf).toList();
        assertThat(ServiceAnnotations.of(Map.of(HealthCheck.CHECK, "tcp"), ports).warnings())
                .isEqualTo(warning == null ? List.of() : List.of(warning));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            =tcp                                               | tcp every 5s, timeout 1s, rise 2, fall 3
            = tcp                                              | tcp every 5s, timeout 1s, rise 2, fall 3
            =http:/                                            | http:/ every 5s, timeout 1s, rise 2, fall 3
            =http:/healthz?full=1&x=%20                        | http:/healthz?full=1&x=%20 every 5s, timeout 1s, rise 2, fall 3
            =tcp; -interval=2s; -timeout=250ms; -rise=1; -fall=5 | tcp every 2s, timeout 250ms, rise 1, fall 5
            """)
    void a_check_is_read_with_the_defaults_of_what_is_not_said(String words, String check) {
        ServiceAnnotations read = of(words);
        assertThat(read.warnings()).isEmpty();
        assertThat(read.healthCheck()).isNotNull().extracting(HealthCheck::describe).isEqualTo(check);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            =ping                   | sluice.io/health-check: 'ping' is neither tcp nor http: with a path, as http:/healthz; nothing is checked
            =''                     | sluice.io/health-check: '''' is neither tcp nor http: with a path, as http:/healthz; nothing is checked
            =http:                  | sluice.io/health-check: 'http:' is neither tcp nor http: with a path, as http:/healthz; nothing is checked
            =http:healthz           | sluice.io/health-check: 'http:healthz' is neither tcp nor http: with a path, as http:/healthz; nothing is checked
            =https:/healthz         | sluice.io/health-check: 'https:/healthz' is neither tcp nor http: with a path, as http:/healthz; nothing is checked
            =http:/a b              | sluice.io/health-check: 'http:/a b' is neither tcp nor http: with a path, as http:/healthz; nothing is checked
            =http://10.0.0.1:22/    | none
            =http:/ä                | sluice.io/health-check: 'http:/ä' is neither tcp nor http: with a path, as http:/healthz; nothing is checked
            -interval=5s            | sluice.io/health-check-interval has no effect without sluice.io/health-check
            """)
    void what_is_no_check_is_a_warning_and_nothing_is_checked(String words, String warning) {
        ServiceAnnotations read = of(words);
        if (warning.equals("none")) {
            // A path with two slashes is one all the same: the host is the endpoint's, always.
            assertThat(read.healthCheck()).isNotNull().extracting(HealthCheck::path).isEqualTo("//10.0.0.1:22/");
        } else {
            assertThat(read.warnings()).containsExactly(warning);
            assertThat(read.healthCheck()).isNull();
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            -interval=soon              | sluice.io/health-check-interval: 'soon' is not a time from 1s to 1h; the default, 5s, holds
            -interval=999ms             | sluice.io/health-check-interval: '999ms' is not a time from 1s to 1h; the default, 5s, holds
            -interval=2h                | sluice.io/health-check-interval: '2h' is not a time from 1s to 1h; the default, 5s, holds
            -timeout=0s                 | sluice.io/health-check-timeout: '0s' is not a time from 10ms to 10s; the default, 1s, holds
            -timeout=11s                | sluice.io/health-check-timeout: '11s' is not a time from 10ms to 10s; the default, 1s, holds
            -rise=0                     | sluice.io/health-check-rise: '0' is not a number from 1 to 100; the default, 2, holds
            -fall=101                   | sluice.io/health-check-fall: '101' is not a number from 1 to 100; the default, 3, holds
            """)
    void a_figure_that_is_not_valid_is_a_warning_and_its_default_holds(String words, String warning) {
        ServiceAnnotations read = of("=tcp; " + words);
        assertThat(read.warnings()).containsExactly(warning);
        assertThat(read.healthCheck()).isNotNull().extracting(HealthCheck::describe)
                .isEqualTo("tcp every 5s, timeout 1s, rise 2, fall 3");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            -interval=2s; -timeout=3s   | sluice.io/health-check-timeout: a check may not take longer than sluice.io/health-check-interval, 2s, which holds
            -timeout=6s                 | sluice.io/health-check-timeout: a check may not take longer than sluice.io/health-check-interval, 5s, which holds
            """)
    void a_check_ends_before_the_next_one(String words, String warning) {
        ServiceAnnotations read = of("=tcp; " + words);
        assertThat(read.warnings()).containsExactly(warning);
        HealthCheck check = read.healthCheck();
        assertThat(check).isNotNull();
        assertThat(check.timeout()).isEqualTo(check.interval());
    }
}
