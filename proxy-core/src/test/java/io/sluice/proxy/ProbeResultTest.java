package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the kernel's answers say of an endpoint: only a refusal and silence are its own fault, and eject it. */
class ProbeResultTest {

    @ParameterizedTest
    @CsvSource({"Connection refused, SILENT", "Connection timed out, SILENT", "Connection reset by peer, SILENT",
            "Too many open files, INCONCLUSIVE", "Too many open files in system, INCONCLUSIVE",
            "No buffer space available, INCONCLUSIVE", "Cannot allocate memory, INCONCLUSIVE",
            "Cannot assign requested address, INCONCLUSIVE", "Network is unreachable, INCONCLUSIVE",
            "No route to host, INCONCLUSIVE", "Operation not permitted, INCONCLUSIVE"})
    void what_a_failed_attempt_says_of_the_endpoint(String kernel, ProbeResult expected) {
        IOException cause = switch (kernel) {
            case "No route to host" -> new NoRouteToHostException(kernel);
            case "Connection refused" -> new ConnectException(kernel);
            default -> new IOException(kernel);
        };
        assertThat(ProbeResult.of(ConnectFailures.classify(cause))).isEqualTo(expected);
    }
}
