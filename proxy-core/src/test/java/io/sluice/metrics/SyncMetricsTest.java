package io.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointChange;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceType;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Syncs, under both names. */
class SyncMetricsTest {

    private static final Instant AT = Instant.parse("2026-11-23T10:00:00.5Z");

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final SyncMetrics metrics = new SyncMetrics(registry);

    @Test
    void durationAndTimeAreShownUnderOurNameAndKubeProxys() {
        metrics.synced(snapshot(""), AT, Duration.ofMillis(3));

        assertThat(registry.scrape().lines()).contains("sluice_sync_duration_seconds_bucket{le=\"0.002\"} 0",
                "sluice_sync_duration_seconds_bucket{le=\"0.004\"} 1", "sluice_sync_duration_seconds_count 1",
                "sluice_sync_last_timestamp_seconds 1.7954280005E9",
                "kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"16.384\"} 1",
                "kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv6\",le=\"16.384\"} 1",
                "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} 1.7954280005E9",
                "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv6\"} 1.7954280005E9");
    }

    @Test
    void theLastTimeThatSomethingWasQueuedIsShown() {
        metrics.queued(AT.plusSeconds(1));
        metrics.queued(AT);

        assertThat(registry.scrape().lines()).contains(
                "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv4\"} 1.7954280015E9",
                "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} 0.0");
    }

    @Test
    void whatCameWithASnapshotIsMeasuredOnceByFamily() {
        ClusterSnapshot snapshot = new ClusterSnapshot(1, AT, new NodeTopology("node-a", null), Map.of(), List.of(),
                List.of(new EndpointChange(IpFamily.IPV4, AT.minusMillis(300)),
                        new EndpointChange(IpFamily.IPV4, AT.minusSeconds(61)),
                        new EndpointChange(IpFamily.IPV6, AT.plusSeconds(5))));
        metrics.synced(snapshot, AT, Duration.ZERO);
        metrics.synced(snapshot, AT.plusSeconds(100), Duration.ZERO);

        String name = "kubeproxy_network_programming_duration_seconds_";
        assertThat(registry.scrape().lines()).contains(name + "bucket{ip_family=\"IPv4\",le=\"0.25\"} 0",
                name + "bucket{ip_family=\"IPv4\",le=\"0.5\"} 1", name + "bucket{ip_family=\"IPv4\",le=\"60.0\"} 1",
                name + "bucket{ip_family=\"IPv4\",le=\"65.0\"} 2", name + "count{ip_family=\"IPv4\"} 2",
                name + "sum{ip_family=\"IPv4\"} 61.3", name + "bucket{ip_family=\"IPv6\",le=\"0.25\"} 1",
                name + "count{ip_family=\"IPv6\"} 1");
    }

    @Test
    void theBucketsOfNetworkProgrammingAreKubeProxys() {
        List<String> bounds = registry.scrape().lines()
                .filter(line -> line
                        .startsWith("kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\""))
                .map(line -> line.replaceFirst(".*le=\"(.*)\".*", "$1")).toList();

        assertThat(bounds).hasSize(2 + 59 + 12 + 7 + 1).startsWith("0.25", "0.5", "1.0", "2.0")
                .containsSubsequence("59.0", "60.0", "65.0", "115.0", "120.0", "150.0", "300.0", "+Inf");
    }

    /** A Service is written {@code name=port/endpoints}, endpoints as digits. */
    @ParameterizedTest(name = "[{0}] -> [{1}]")
    @CsvSource({"'', '', 0, 0", "'', a=80/1, 1, 1", "'', a=80/, 1, 0", "a=80/1, a=80/1, 0, 0",
            "a=80/1, a=81/1, 1, 0", "a=80/1, a=80/12, 0, 1", "a=80/1, a=80/2, 0, 1", "a=80/1, '', 1, 1",
            "a=80/, '', 1, 0", "a=80/1 b=80/1, b=80/2 c=80/3, 2, 3",
            "b=80/1, a=80/ b=80/1 c=80/2, 2, 1", "a=80/1 b=80/1 c=80/1, b=81/1, 3, 2"})
    void changesAreCountedByService(String before, String after, double services, double endpoints) {
        metrics.synced(snapshot(before), AT, Duration.ZERO);
        double servicesBefore = count("kubeproxy.sync.proxy.rules.service.changes");
        double endpointsBefore = count("kubeproxy.sync.proxy.rules.endpoint.changes");
        metrics.synced(snapshot(after), AT, Duration.ZERO);

        assertThat(count("kubeproxy.sync.proxy.rules.service.changes") - servicesBefore).isEqualTo(services);
        assertThat(count("kubeproxy.sync.proxy.rules.endpoint.changes") - endpointsBefore).isEqualTo(endpoints);
    }

    private double count(String name) {
        return registry.get(name).functionCounter().count();
    }

    private static ClusterSnapshot snapshot(String text) {
        Map<ServiceName, ServiceState> services = new TreeMap<>();
        for (String service : text.isEmpty() ? new String[0] : text.split(" ")) {
            ServiceName name = new ServiceName("default", service.substring(0, 1));
            ServicePort port = new ServicePort("", Protocol.TCP, Integer.parseInt(service.substring(2, 4)), 0, "8080",
                    null);
            List<Endpoint> endpoints = service.substring(5).chars()
                    .mapToObj(digit -> Endpoint
                            .ready(new EndpointAddress(IpAddresses.parse("10.1.0." + (char) digit), 8080)))
                    .toList();
            services.put(name, new ServiceState(
                    new Service(name, ServiceType.CLUSTER_IP, List.of(IpAddresses.parse("10.96.0.1")), false, null,
                            List.of(port), TrafficPolicy.CLUSTER, TrafficPolicy.CLUSTER, SessionAffinity.NONE,
                            List.of(), List.of(), List.of(), 0, false, Map.of(), Map.of(), Instant.EPOCH),
                    List.of(new PortState(port, EndpointSet.of(endpoints), null))));
        }
        return new ClusterSnapshot(1, AT, new NodeTopology("node-a", null), services);
    }
}
