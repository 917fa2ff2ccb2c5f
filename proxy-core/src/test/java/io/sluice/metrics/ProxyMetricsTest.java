package io.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is counted, and when series come and go. */
class ProxyMetricsTest {

    private static final ServicePortName HTTP =
            new ServicePortName(new ServiceName("default", "kubia"), "http", Protocol.TCP);
    private static final ServicePortName HTTPS =
            new ServicePortName(new ServiceName("default", "kubia"), "https", Protocol.TCP);
    private static final String HTTP_LABELS = "namespace=\"default\",port=\"http\",service=\"kubia\"";
    private static final EndpointAddress FIRST = endpoint(1);

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final Queue<Runnable> removals = new ArrayDeque<>();
    private final ProxyMetrics metrics = new ProxyMetrics(registry, 3, 2, removals::add);

    @Test
    void everything_that_is_counted_of_a_port_is_scraped() {
        PortMeters port = metrics.port(HTTP);
        port.accepted();
        port.accepted();
        port.accepted();
        port.retried();
        port.connected(TimeUnit.MILLISECONDS.toNanos(3));
        port.bytesFromClient(100);
        port.bytesFromBackend(2000);
        port.closed(ConnectionOutcome.FAILED, TimeUnit.SECONDS.toNanos(3));
        port.closed(ConnectionOutcome.CLIENT_ABORTED, TimeUnit.SECONDS.toNanos(1));

        assertThat(lines()).contains("sluice_connections_active{" + HTTP_LABELS + "} 1.0",
                "sluice_connections_total{" + HTTP_LABELS + "} 3.0",
                "sluice_connections_failed_total{" + HTTP_LABELS + "} 1.0",
                "sluice_connections_aborted_total{" + HTTP_LABELS + "} 1.0",
                "sluice_connect_retries_total{" + HTTP_LABELS + "} 1.0",
                "sluice_relayed_bytes_total{direction=\"from_client\"," + HTTP_LABELS + "} 100.0",
                "sluice_relayed_bytes_total{direction=\"from_backend\"," + HTTP_LABELS + "} 2000.0",
                "sluice_connect_duration_seconds_bucket{" + HTTP_LABELS + ",le=\"0.0025\"} 0",
                "sluice_connect_duration_seconds_bucket{" + HTTP_LABELS + ",le=\"0.005\"} 1",
                "sluice_connection_duration_seconds_bucket{" + HTTP_LABELS + ",le=\"2.0\"} 1",
                "sluice_connection_duration_seconds_count{" + HTTP_LABELS + "} 2");
        assertThat(port.active()).isEqualTo(1);
        assertThat(port.total()).isEqualTo(3);
        assertThat(port.failed()).isEqualTo(1);
    }

    @Test
    void a_dead_peer_counts_on_its_side_and_has_a_series_from_then_on() {
        PortMeters port = metrics.port(HTTP);
        assertThat(lines()).noneMatch(line -> line.startsWith("sluice_connections_dead_peer_total{"));
        for (int i = 0; i < 3; i++) {
            port.accepted();
        }
        port.closed(ConnectionOutcome.CLIENT_DEAD, 1);
        port.closed(ConnectionOutcome.BACKEND_DEAD, 1);
        port.closed(ConnectionOutcome.BACKEND_DEAD, 1);

        assertThat(lines()).contains("sluice_connections_dead_peer_total{" + HTTP_LABELS + ",side=\"client\"} 1.0",
                "sluice_connections_dead_peer_total{" + HTTP_LABELS + ",side=\"backend\"} 2.0",
                "sluice_connections_aborted_total{" + HTTP_LABELS + "} 1.0",
                "sluice_connections_failed_total{" + HTTP_LABELS + "} 2.0");
    }

    @ParameterizedTest
    @EnumSource
    void a_refusal_counts_under_its_reason(RefusalReason reason) {
        metrics.port(HTTP).refused(reason);

        assertThat(lines().stream().filter(line -> line.startsWith("sluice_connections_refused_total{")))
                .hasSize(RefusalReason.values().length)
                .filteredOn(line -> line.endsWith(" 1.0")).singleElement().asString()
                .contains("reason=\"" + reason.label() + "\"");
    }

    @ParameterizedTest
    @CsvSource({"true, true, false, ready", "true, true, true, ready", "false, true, true, serving_terminating",
            "false, true, false, not_ready", "false, false, true, not_ready", "false, false, false, not_ready"})
    void an_endpoint_is_in_one_state(boolean ready, boolean serving, boolean terminating, String state) {
        metrics.port(HTTP).endpoints(EndpointSet.of(List.of(
                Endpoint.builder(FIRST).ready(ready).serving(serving).terminating(terminating).build())));

        assertThat(lines().stream().filter(line -> line.startsWith("sluice_endpoints{"))).hasSize(3)
                .filteredOn(line -> line.endsWith(" 1.0")).singleElement().asString()
                .contains("state=\"" + state + "\"");
    }

    @Test
    void everything_that_is_counted_of_an_endpoint_is_scraped() {
        EndpointMeters endpoint = metrics.port(HTTP).endpoint(FIRST);
        endpoint.opened();
        endpoint.opened();
        endpoint.connectFailed(EndpointFailure.TIMEOUT);
        endpoint.closed();
        endpoint.bytesFromClient(7);
        endpoint.bytesFromBackend(8);

        String labels = "endpoint=\"10.1.0.1:8080\"," + HTTP_LABELS;
        assertThat(lines()).contains("sluice_endpoint_connections_active{" + labels + "} 1.0",
                "sluice_endpoint_connections_total{" + labels + "} 2.0",
                "sluice_endpoint_connections_failed_total{" + labels.replace("service", "reason=\"timeout\",service")
                        + "} 1.0",
                "sluice_endpoint_connections_failed_total{" + labels.replace("service", "reason=\"refused\",service")
                        + "} 0.0",
                "sluice_endpoint_relayed_bytes_total{direction=\"from_client\"," + labels + "} 7.0",
                "sluice_endpoint_relayed_bytes_total{direction=\"from_backend\"," + labels + "} 8.0");
        assertThat(endpoint.active()).isEqualTo(1);
        assertThat(endpoint.total()).isEqualTo(2);
        assertThat(endpoint.failed(EndpointFailure.TIMEOUT)).isEqualTo(1);
    }

    @Test
    void the_same_name_gives_the_same_meters() {
        PortMeters port = metrics.port(HTTP);

        assertThat(metrics.port(HTTP)).isSameAs(port);
        assertThat(port.endpoint(FIRST)).isSameAs(port.endpoint(endpoint(1)));
        assertThat(metrics.find(HTTP, FIRST)).containsSame(port.endpoint(FIRST));
        assertThat(metrics.find(HTTP, endpoint(2))).isEmpty();
        assertThat(metrics.find(HTTPS, FIRST)).isEmpty();
    }

    @Test
    void an_idle_endpoint_that_is_retired_disappears_at_once() {
        EndpointMeters endpoint = metrics.port(HTTP).endpoint(FIRST);
        endpoint.retire();
        endpoint.retire();

        assertThat(seriesOf("endpoint=\"")).isEmpty();
        assertThat(metrics.find(HTTP, FIRST)).isEmpty();
        assertThat(metrics.port(HTTP).endpoint(FIRST)).isNotSameAs(endpoint);
        assertThat(seriesOf("endpoint=\"")).isNotEmpty();
    }

    @Test
    void a_busy_endpoint_that_is_retired_disappears_after_its_last_connection_and_off_the_event_loop() {
        EndpointMeters endpoint = metrics.port(HTTP).endpoint(FIRST);
        endpoint.opened();
        endpoint.opened();
        endpoint.retire();
        endpoint.closed();
        assertThat(removals).isEmpty();
        assertThat(seriesOf("endpoint=\"")).isNotEmpty();

        endpoint.closed();
        assertThat(seriesOf("endpoint=\"")).as("the closing thread leaves the registry alone").isNotEmpty();
        runRemovals();
        assertThat(seriesOf("endpoint=\"")).isEmpty();
    }

    @Test
    void an_endpoint_that_comes_back_before_its_last_connection_closed_goes_on() {
        EndpointMeters endpoint = metrics.port(HTTP).endpoint(FIRST);
        endpoint.opened();
        endpoint.retire();
        assertThat(metrics.port(HTTP).endpoint(FIRST)).isSameAs(endpoint);
        endpoint.closed();
        runRemovals();

        assertThat(seriesOf("sluice_endpoint_connections_total{")).singleElement().asString().endsWith(" 1.0");
    }

    @Test
    void an_endpoint_that_comes_back_before_the_removal_ran_goes_on() {
        EndpointMeters endpoint = metrics.port(HTTP).endpoint(FIRST);
        endpoint.opened();
        endpoint.retire();
        endpoint.closed();
        assertThat(metrics.port(HTTP).endpoint(FIRST)).isSameAs(endpoint);
        runRemovals();

        assertThat(seriesOf("endpoint=\"")).isNotEmpty();
    }

    @Test
    void a_retired_port_takes_its_endpoints_along() {
        PortMeters http = metrics.port(HTTP);
        http.endpoint(FIRST);
        metrics.port(HTTPS).endpoint(FIRST);
        http.retire();

        assertThat(seriesOf("port=\"http\"")).isEmpty();
        assertThat(seriesOf("port=\"https\"")).isNotEmpty();
    }

    @Test
    void a_busy_port_that_is_retired_disappears_after_its_last_connection() {
        PortMeters port = metrics.port(HTTP);
        EndpointMeters endpoint = port.endpoint(FIRST);
        port.accepted();
        endpoint.opened();
        port.retire();
        runRemovals();
        assertThat(seriesOf("port=\"http\"")).isNotEmpty();

        endpoint.closed();
        port.closed(ConnectionOutcome.COMPLETED, 1);
        runRemovals();
        assertThat(seriesOf("port=\"http\"")).isEmpty();
    }

    @Test
    void a_port_that_comes_back_goes_on() {
        PortMeters port = metrics.port(HTTP);
        port.accepted();
        port.retire();
        assertThat(metrics.port(HTTP)).isSameAs(port);
        port.closed(ConnectionOutcome.COMPLETED, 1);
        runRemovals();

        assertThat(seriesOf("sluice_connections_total{")).singleElement().asString().endsWith(" 1.0");
    }

    @Test
    void endpoints_beyond_the_bound_count_but_have_no_series() {
        PortMeters port = metrics.port(HTTP);
        for (int i = 1; i <= 5; i++) {
            port.endpoint(endpoint(i)).opened();
        }
        assertThat(seriesOf("sluice_endpoint_connections_total{")).hasSize(3);
        assertThat(lines()).contains("sluice_metrics_series_dropped 2.0");
        assertThat(metrics.find(HTTP, endpoint(5)).orElseThrow().active()).isEqualTo(1);

        port.endpoint(endpoint(1)).closed();
        port.endpoint(endpoint(1)).retire();
        assertThat(lines()).contains("sluice_metrics_series_dropped 2.0");
        port.endpoint(endpoint(5));
        assertThat(seriesOf("sluice_endpoint_connections_total{")).hasSize(3)
                .anyMatch(line -> line.contains("10.1.0.5:8080"));
        assertThat(lines()).contains("sluice_metrics_series_dropped 1.0");

        port.endpoint(endpoint(4)).closed();
        port.retire();
        assertThat(lines()).contains("sluice_metrics_series_dropped 0.0");
    }

    @Test
    void a_port_and_an_endpoint_have_as_many_series_as_documented() {
        PortMeters port = metrics.port(HTTP);
        assertThat(seriesOf("port=\"http\"")).hasSize(19);
        port.connected(1_000_000);
        port.closed(ConnectionOutcome.COMPLETED, 2_000_000);
        assertThat(seriesOf("port=\"http\"")).hasSize(49);
        EndpointMeters endpoint = port.endpoint(FIRST);
        assertThat(seriesOf("endpoint=\"")).hasSize(6);
        endpoint.connected(1_000_000);
        endpoint.firstByte(1_000_000);
        assertThat(seriesOf("endpoint=\"")).hasSize(28);
        endpoint.connectFailed(EndpointFailure.UNREACHABLE);
        endpoint.connectFailed(EndpointFailure.OTHER);
        assertThat(seriesOf("endpoint=\"")).hasSize(30);
    }

    @Test
    void the_bound_holds_through_endless_change() {
        for (int i = 1; i <= 1000; i++) {
            EndpointMeters endpoint = metrics.port(HTTP).endpoint(endpoint(i));
            endpoint.opened();
            endpoint.retire();
            endpoint.closed();
            runRemovals();
        }
        assertThat(seriesOf("endpoint=\"")).isEmpty();
        assertThat(lines()).contains("sluice_metrics_series_dropped 0.0");
    }

    @Test
    void nothing_is_lost_when_retire_and_the_last_close_meet() throws InterruptedException {
        PrometheusMeterRegistry other = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        ProxyMetrics concurrent = new ProxyMetrics(other, 10, 10, Runnable::run);
        for (int i = 1; i <= 500; i++) {
            EndpointMeters endpoint = concurrent.port(HTTP).endpoint(endpoint(i));
            endpoint.opened();
            CountDownLatch go = new CountDownLatch(1);
            Thread closer = Thread.ofVirtual().start(() -> {
                try {
                    go.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                endpoint.closed();
            });
            go.countDown();
            endpoint.retire();
            closer.join();
        }
        assertThat(other.scrape()).doesNotContain("endpoint=\"");
    }

    private void runRemovals() {
        for (Runnable removal = removals.poll(); removal != null; removal = removals.poll()) {
            removal.run();
        }
    }

    private List<String> lines() {
        return registry.scrape().lines().toList();
    }

    private List<String> seriesOf(String part) {
        return registry.scrape().lines().filter(line -> !line.startsWith("#") && line.contains(part)).toList();
    }

    private static EndpointAddress endpoint(int i) {
        return new EndpointAddress(IpAddresses.parse("10.1." + i / 256 + "." + i % 256), 8080);
    }
}
