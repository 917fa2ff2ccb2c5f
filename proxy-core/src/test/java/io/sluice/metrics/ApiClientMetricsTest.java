package io.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Requests to the API server, as every Kubernetes component shows them. */
class ApiClientMetricsTest {

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ApiClientMetrics metrics = new ApiClientMetrics(registry);

    @Test
    void requests_are_counted_by_their_answer() {
        metrics.answered("GET", "10.0.0.1:6443", "200");
        metrics.answered("GET", "10.0.0.1:6443", "200");
        metrics.answered("GET", "10.0.0.1:6443", "<error>");

        assertThat(registry.scrape().lines()).contains(
                "rest_client_requests_total{code=\"200\",host=\"10.0.0.1:6443\",method=\"GET\"} 2.0",
                "rest_client_requests_total{code=\"<error>\",host=\"10.0.0.1:6443\",method=\"GET\"} 1.0");
    }

    @Test
    void their_time_is_shown_in_client_gos_buckets() {
        metrics.took("GET", "a", Duration.ofMillis(20));
        String name = "rest_client_request_duration_seconds_";

        assertThat(registry.scrape().lines().filter(line -> line.startsWith(name + "bucket"))
                .map(line -> line.replaceFirst(".*le=\"(.*)\"} (.*)", "$1 $2"))).containsExactly("0.005 0", "0.025 1",
                        "0.1 1", "0.25 1", "0.5 1", "1.0 1", "2.0 1", "4.0 1", "8.0 1", "15.0 1", "30.0 1", "60.0 1",
                        "+Inf 1");
        assertThat(registry.scrape().lines()).contains(name + "count{host=\"a\",verb=\"GET\"} 1");
    }

    @Test
    void the_server_is_shown_once_as_it_is_now() {
        assertThat(registry.scrape()).doesNotContain("kubernetes_build_info");
        metrics.serverBuild(Map.of("gitVersion", "v1.34.0", "major", "1", "minor", "34", "emulationMajor", "1"));
        metrics.serverBuild(Map.of("gitVersion", "v1.35.1", "major", "1", "minor", "35"));
        metrics.serverBuild(Map.of("gitVersion", "v1.35.1", "major", "1", "minor", "35"));

        assertThat(registry.scrape().lines().filter(line -> line.startsWith("kubernetes_build_info"))).singleElement()
                .asString().contains("git_version=\"v1.35.1\"", "major=\"1\"", "minor=\"35\"", "platform=\"\"")
                .endsWith(" 1").doesNotContain("emulation");
    }
}
