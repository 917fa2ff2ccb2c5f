package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ApiClientTest {

    @TempDir
    private Path directory;

    @ParameterizedTest(name = "{0} with Retry-After {1}: {2} s")
    @CsvSource({"429, 1, 1", "503, ' 30 ', 30", "500, 5, 5", "429, , 0", "429, '', 0", "429, -1, 0", "429, 1.5, 0",
            "429, 99999999999999999999, 0", "429, 'Wed, 21 Oct 2026 07:28:00 GMT', 0", "404, 5, 0", "410, 5, 0"})
    void how_long_a_busy_server_asks_to_be_left_alone(int code, String header, int seconds) {
        assertThat(ApiClient.retryAfter(code, header)).hasSeconds(seconds);
    }

    @Test
    void a_server_of_http_2_alone_is_named() {
        assertThat(ApiClient.reason(new IOException("x",
                new SSLHandshakeException("Received fatal alert: no_application_protocol"))))
                .startsWith("it offers no HTTP/1.1");
    }

    @Test
    void a_request_after_the_end_fails_as_one_that_is_not_answered() throws Exception {
        ApiClient client = new ApiClient(KubernetesOptions.builder("node").server(Optional.of("http://127.0.0.1:1"))
                .build(), directory, ApiObserver.DEAF);
        client.close();

        assertThatThrownBy(() -> client.watch(client.nextServer(), "/api/v1/services", Duration.ofSeconds(1),
                Duration.ofSeconds(1))).isExactlyInstanceOf(IOException.class).hasMessage("the client is closed");
    }
}
