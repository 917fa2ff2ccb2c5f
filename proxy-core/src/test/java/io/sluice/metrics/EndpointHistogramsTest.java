package io.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CyclicBarrier;
import org.junit.jupiter.api.Test;

/** Which endpoints have histograms of their own, and that there are never too many. */
class EndpointHistogramsTest {

    private static final String COUNT = "sluice_endpoint_connect_duration_seconds_count";

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);

    @Test
    void connects_and_first_bytes_are_histograms_of_the_endpoint() {
        EndpointMeters endpoint = port(metrics(10)).endpoint(endpoint(1));
        endpoint.connected(3_000_000);
        endpoint.firstByte(30_000_000);

        assertThat(registry.scrape().lines()).contains(
                bucket("connect", "0.001") + " 0", bucket("connect", "0.005") + " 1",
                bucket("first_byte", "0.025") + " 0", bucket("first_byte", "0.1") + " 1");
        RecentLatency recent = RecentLatency.of(endpoint);
        assertThat(recent.connect().p50().toMillis()).isEqualTo(2);
        assertThat(recent.firstByte().p99().toMillis()).isBetween(27L, 33L);
    }

    @Test
    void an_endpoint_that_nobody_uses_has_none() {
        port(metrics(10)).endpoint(endpoint(1));

        assertThat(shown()).isEmpty();
        assertThat(registry.scrape()).contains("sluice_metrics_histograms_dropped 0.0");
    }

    @Test
    void the_first_that_take_connections_have_them_and_another_takes_the_place_of_one_that_is_gone() {
        PortMeters port = port(metrics(2));
        for (int i = 1; i <= 4; i++) {
            port.endpoint(endpoint(i)).connected(1);
        }
        assertThat(shown()).containsExactly(1, 2);
        assertThat(registry.scrape()).contains("sluice_metrics_histograms_dropped 2.0");
        assertThat(RecentLatency.of(port.endpoint(endpoint(4))).connect().count()).isEqualTo(1);

        port.endpoint(endpoint(1)).retire();
        port.endpoint(endpoint(4)).connected(1);
        assertThat(shown()).containsExactly(2, 4);
        assertThat(registry.scrape()).contains("sluice_metrics_histograms_dropped 1.0");
    }

    @Test
    void zero_turns_them_off_and_the_last_while_stays_known() {
        EndpointMeters endpoint = port(metrics(0)).endpoint(endpoint(1));
        endpoint.connected(1);

        assertThat(shown()).isEmpty();
        assertThat(RecentLatency.of(endpoint).connect().count()).isEqualTo(1);
    }

    @Test
    void what_is_counted_after_the_removal_takes_no_place() {
        PortMeters port = port(metrics(1));
        EndpointMeters gone = port.endpoint(endpoint(1));
        gone.retire();
        gone.connected(1);
        port.endpoint(endpoint(2)).connected(1);

        assertThat(shown()).containsExactly(2);
    }

    @Test
    void no_place_is_lost_when_a_removal_and_the_first_connection_meet() throws Exception {
        PortMeters port = port(metrics(1));
        for (int i = 1; i <= 300; i++) {
            EndpointMeters endpoint = port.endpoint(endpoint(i));
            CyclicBarrier together = new CyclicBarrier(2);
            Thread connecting = Thread.ofPlatform().start(() -> {
                try {
                    together.await();
                } catch (Exception e) {
                    throw new IllegalStateException(e);
                }
                endpoint.connected(1);
            });
            together.await();
            endpoint.retire();
            connecting.join();
        }
        port.endpoint(endpoint(1000)).connected(1);

        assertThat(shown()).containsExactly(1000);
    }

    private ProxyMetrics metrics(int maxHistograms) {
        return new ProxyMetrics(registry, 10_000, maxHistograms, Runnable::run);
    }

    private static PortMeters port(ProxyMetrics metrics) {
        return metrics.port(new ServicePortName(new ServiceName("default", "kubia"), "http", Protocol.TCP));
    }

    private static String bucket(String what, String bound) {
        return String.format(Locale.ROOT,
                "sluice_endpoint_%s_duration_seconds_bucket{endpoint=\"10.1.0.1:8080\",namespace=\"default\","
                        + "port=\"http\",service=\"kubia\",le=\"%s\"}",
                what, bound);
    }

    /** The last two numbers of the addresses of those that have histograms. */
    private List<Integer> shown() {
        return registry.scrape().lines().filter(line -> line.startsWith(COUNT)).map(line -> {
            String[] numbers = line.replaceAll(".*endpoint=\"10\\.1\\.([0-9.]+):.*", "$1").split("\\.", -1);
            return Integer.parseInt(numbers[0]) * 256 + Integer.parseInt(numbers[1]);
        }).sorted().toList();
    }

    private static EndpointAddress endpoint(int i) {
        return new EndpointAddress(IpAddresses.parse("10.1." + i / 256 + "." + i % 256), 8080);
    }
}
