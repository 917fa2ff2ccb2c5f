package io.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.TriggerTime;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Syncs, under both names. */
class SyncMetricsTest {

    private static final Instant AT = Instant.parse("2026-11-23T10:00:00.5Z");

    private static final ClusterSnapshot EMPTY =
            new ClusterSnapshot(1, AT, new NodeTopology("node-a", null), Map.of());

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final SyncMetrics metrics = new SyncMetrics(registry);

    @Test
    void duration_and_time_are_shown_under_our_name_and_kube_proxys() {
        metrics.synced(EMPTY, ChangeCount.NONE, AT, Duration.ofMillis(3));

        assertThat(registry.scrape().lines()).contains("sluice_sync_duration_seconds_bucket{le=\"0.002\"} 0",
                "sluice_sync_duration_seconds_bucket{le=\"0.004\"} 1", "sluice_sync_duration_seconds_count 1",
                "sluice_sync_last_timestamp_seconds 1.7954280005E9",
                "kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"16.384\"} 1",
                "kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv6\",le=\"16.384\"} 1",
                "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} 1.7954280005E9",
                "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv6\"} 1.7954280005E9");
    }

    @Test
    void the_last_time_that_something_was_queued_is_shown() {
        metrics.queued(AT.plusSeconds(1));
        metrics.queued(AT);

        assertThat(registry.scrape().lines()).contains(
                "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv4\"} 1.7954280015E9",
                "kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"} 0.0");
    }

    @Test
    void what_came_with_a_snapshot_is_measured_once_by_family() {
        ClusterSnapshot snapshot = new ClusterSnapshot(1, AT, new NodeTopology("node-a", null), Map.of(), List.of(),
                List.of(new TriggerTime(IpFamily.IPV4, AT.minusMillis(300)),
                        new TriggerTime(IpFamily.IPV4, AT.minusSeconds(61)),
                        new TriggerTime(IpFamily.IPV6, AT.plusSeconds(5))));
        metrics.synced(snapshot, ChangeCount.NONE, AT, Duration.ZERO);
        metrics.synced(snapshot, ChangeCount.NONE, AT.plusSeconds(100), Duration.ZERO);

        String name = "kubeproxy_network_programming_duration_seconds_";
        assertThat(registry.scrape().lines()).contains(name + "bucket{ip_family=\"IPv4\",le=\"0.25\"} 0",
                name + "bucket{ip_family=\"IPv4\",le=\"0.5\"} 1", name + "bucket{ip_family=\"IPv4\",le=\"60.0\"} 1",
                name + "bucket{ip_family=\"IPv4\",le=\"65.0\"} 2", name + "count{ip_family=\"IPv4\"} 2",
                name + "sum{ip_family=\"IPv4\"} 61.3", name + "bucket{ip_family=\"IPv6\",le=\"0.25\"} 1",
                name + "count{ip_family=\"IPv6\"} 1");
    }

    @Test
    void the_buckets_of_network_programming_are_kube_proxys() {
        List<String> bounds = registry.scrape().lines()
                .filter(line -> line
                        .startsWith("kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\""))
                .map(line -> line.replaceFirst(".*le=\"(.*)\".*", "$1")).toList();

        assertThat(bounds).hasSize(2 + 59 + 12 + 7 + 1).startsWith("0.25", "0.5", "1.0", "2.0")
                .containsSubsequence("59.0", "60.0", "65.0", "115.0", "120.0", "150.0", "300.0", "+Inf");
    }

    @Test
    void changes_add_up() {
        metrics.synced(EMPTY, new ChangeCount(2, 1), AT, Duration.ZERO);
        metrics.synced(EMPTY, new ChangeCount(0, 3), AT, Duration.ZERO);

        assertThat(count("kubeproxy.sync.proxy.rules.service.changes")).isEqualTo(2);
        assertThat(count("kubeproxy.sync.proxy.rules.endpoint.changes")).isEqualTo(4);
    }

    private double count(String name) {
        return registry.get(name).functionCounter().count();
    }
}
