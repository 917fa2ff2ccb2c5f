package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.EndpointAddress;
import io.sluice.service.HealthCheck;
import io.sluice.service.IpAddresses;
import io.sluice.service.ProxyProtocol;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProbeQuestionTest {

    private static final EndpointAddress ENDPOINT = new EndpointAddress(IpAddresses.parse("fd00::7"), 8080);

    private static HealthCheck check(String path) {
        return new HealthCheck(path, Duration.ofSeconds(5), Duration.ofSeconds(1), 2, 3);
    }

    @Test
    void an_http_check_asks_the_endpoint_and_nobody_else() {
        ProbeQuestion question = ProbeQuestion.of(check("/healthz"), ENDPOINT, ProxyProtocol.V1);
        assertThat(new String(question.bytes(), StandardCharsets.US_ASCII).split("\r\n", -1)).containsExactly(
                "PROXY UNKNOWN", "GET /healthz HTTP/1.1", "Host: [fd00::7]:8080", "User-Agent: sluice-health-check",
                "Accept: */*", "Connection: close", "", "");
        assertThat(question.awaitsAnswer()).isTrue();
    }

    @Test
    void a_tcp_check_sends_nothing() {
        ProbeQuestion question = ProbeQuestion.of(new HealthCheck(null, Duration.ofSeconds(5), Duration.ofSeconds(1), 2,
                3), ENDPOINT, ProxyProtocol.NONE);
        assertThat(question.bytes()).isEmpty();
        assertThat(question.awaitsAnswer()).isFalse();
    }

    /** {@code …} is an answer that goes on, {@code .} one that ends there. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            HTTP/1.1 200 OK…        | ANSWERED | it answered 200
            HTTP/1.0 204…           | ANSWERED | it answered 204
            HTTP/1.1 302 Found…     | ANSWERED | it answered 302
            HTTP/1.1 404 No…        | SILENT   | it answered 404
            HTTP/1.1 503.           | SILENT   | it answered 503
            HTTP/1.1 100 Continue…  | SILENT   | it answered 100
            HTTP/1.1 20…            | ''       | ''
            …                       | ''       | ''
            .                       | SILENT   | it closed the connection without an answer
            HTTP/1.1 20.            | SILENT   | it closed the connection without an answer
            SSH-2.0…                | SILENT   | it did not answer with HTTP/1
            HTTP/2.0 200…           | SILENT   | it did not answer with HTTP/1
            HTTP/1.1x200 OK…        | SILENT   | it did not answer with HTTP/1
            HTTP/1.1 2x0 OK…        | SILENT   | it did not answer with HTTP/1
            HTTP/1.1 000 OK…        | SILENT   | it did not answer with HTTP/1
            """)
    void the_status_decides(String received, String result, String detail) {
        byte[] bytes = received.substring(0, received.length() - 1).getBytes(StandardCharsets.US_ASCII);
        ProbeAnswer answer = ProbeQuestion.of(check("/"), ENDPOINT, ProxyProtocol.NONE).answer(bytes, bytes.length,
                received.endsWith("."));
        if (result.isEmpty()) {
            assertThat(answer).isNull();
        } else {
            assertThat(answer).isEqualTo(new ProbeAnswer(ProbeResult.valueOf(result), detail));
        }
    }
}
