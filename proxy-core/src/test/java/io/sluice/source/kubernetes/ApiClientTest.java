package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.source.kubernetes.KubernetesOptions.EndpointsFrom;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ApiClientTest {

    @TempDir
    private Path directory;

    @Test
    void a_request_after_the_end_fails_as_one_that_is_not_answered() throws Exception {
        ApiClient client = new ApiClient(new KubernetesOptions(Optional.empty(), Optional.empty(),
                Optional.of("http://127.0.0.1:1"), "node", EndpointsFrom.AUTO, Duration.ofMinutes(3), Optional.empty(),
                false, false, Map.of()), directory, ApiObserver.DEAF);
        client.close();

        assertThatThrownBy(() -> client.watch(client.nextServer(), "/api/v1/services", Duration.ofSeconds(1),
                Duration.ofSeconds(1))).isExactlyInstanceOf(IOException.class).hasMessage("no more is asked");
    }
}
