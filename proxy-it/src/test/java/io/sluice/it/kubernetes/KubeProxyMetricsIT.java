package io.sluice.it.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.URI;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What dashboards made for kube-proxy show moves with what happens in the cluster. */
class KubeProxyMetricsIT {

    private static final String IPV4 = "{ip_family=\"IPv4\"}";
    private static final String PROGRAMMED = "kubeproxy_network_programming_duration_seconds_count" + IPV4;

    private Cluster cluster;

    @BeforeEach
    void create() throws Exception {
        cluster = new Cluster();
    }

    @AfterEach
    void close() throws Exception {
        cluster.close();
    }

    private double metric(String series) throws Exception {
        return cluster.sluice.metric(series);
    }

    private void slice(int number, String node, Instant changed) {
        cluster.api.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "kubia-a",
                  "labels": {"kubernetes.io/service-name": "kubia"},
                  "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "%s"}},
                 "addressType": "IPv4", "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
                 "endpoints": [{"addresses": ["%s"], "nodeName": "%s"}]}"""
                .formatted(changed, cluster.sluice.address(number), node));
    }

    @Test
    void the_time_from_a_change_to_its_effect_is_measured_and_deletions_are_not() throws Exception {
        cluster.service("kubia", 100);
        slice(1, "node", Instant.now().minusSeconds(3600));
        cluster.start().awaitSynced();
        cluster.awaitEndpoints("kubia", 1);
        cluster.awaitWatching();
        assertThat(metric(PROGRAMMED)).as("changes from before the start").isZero();
        slice(2, "node", Instant.now());
        cluster.awaitEndpoints("kubia", 2);
        await().until(() -> metric(PROGRAMMED) == 1);
        slice(3, "node", Instant.now());
        await().until(() -> metric(PROGRAMMED) == 2);
        cluster.api.delete("endpointslices", "default", "kubia-a");
        cluster.awaitEndpoints("kubia");

        assertThat(metric(PROGRAMMED)).isEqualTo(2);
        assertThat(metric("kubeproxy_network_programming_duration_seconds_sum" + IPV4)).isPositive();
        assertThat(metric("kubeproxy_network_programming_duration_seconds_count{ip_family=\"IPv6\"}")).isZero();
    }

    @Test
    void steps_are_counted_and_dated() throws Exception {
        Instant begun = Instant.now();
        cluster.start().awaitSynced();
        cluster.awaitWatching();
        double steps = metric("kubeproxy_sync_proxy_rules_duration_seconds_count" + IPV4);
        double services = metric("kubeproxy_sync_proxy_rules_service_changes_total");
        double endpoints = metric("kubeproxy_sync_proxy_rules_endpoint_changes_total");
        cluster.service("kubia", 100);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.awaitEndpoints("kubia", 1);

        await().until(() -> metric("kubeproxy_sync_proxy_rules_endpoint_changes_total") == endpoints + 1);
        assertThat(metric("kubeproxy_sync_proxy_rules_service_changes_total")).isEqualTo(services + 1);
        assertThat(metric("kubeproxy_sync_proxy_rules_duration_seconds_count" + IPV4)).isGreaterThan(steps);
        double queued = metric("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds" + IPV4);
        assertThat(queued).isGreaterThanOrEqualTo((double) begun.getEpochSecond());
        assertThat(metric("kubeproxy_sync_proxy_rules_last_timestamp_seconds" + IPV4)).isGreaterThanOrEqualTo(queued);
    }

    @Test
    void what_cannot_be_applied_yet_is_pending() throws Exception {
        cluster.service("kubia", 100);
        cluster.service("other", 101);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.api.refuse("endpointslices", 403);
        cluster.start();
        await().until(() -> metric("kubeproxy_sync_proxy_rules_service_changes_pending") == 2);
        assertThat(metric("kubeproxy_sync_proxy_rules_endpoint_changes_pending")).isZero();
        cluster.api.refuse("endpointslices", 0);
        cluster.awaitSynced();

        await().until(() -> metric("kubeproxy_sync_proxy_rules_service_changes_pending") == 0
                && metric("kubeproxy_sync_proxy_rules_endpoint_changes_pending") == 0);
    }

    @Test
    void a_local_policy_without_local_endpoints_is_counted() throws Exception {
        String internal = "kubeproxy_sync_proxy_rules_no_local_endpoints_total"
                + "{ip_family=\"IPv4\",traffic_policy=\"internal\"}";
        cluster.api.apply("""
                {"kind": "Service", "metadata": {"name": "kubia"}, "spec": {"clusterIP": "%s",
                 "internalTrafficPolicy": "Local", "ports": [{"port": 80}]}}""".formatted(cluster.sluice.address(100)));
        slice(1, "another", Instant.now());
        cluster.start().awaitSynced();
        await().until(() -> metric(internal) == 1);
        slice(1, "node", Instant.now());

        await().until(() -> metric(internal) == 0);
        assertThat(metric(internal.replace("internal", "external"))).isZero();
    }

    @Test
    void requests_to_the_api_server_are_counted_by_their_answer() throws Exception {
        URI api = URI.create(cluster.api.url());
        String labels = "\",host=\"" + api.getHost() + ":" + api.getPort() + "\",method=\"GET\"}";
        cluster.api.refuse("nodes", 403);
        cluster.start().awaitSynced();
        await().until(() -> metric("rest_client_requests_total{code=\"403" + labels) > 0);
        cluster.awaitServicesListed();
        assertThat(metric("rest_client_requests_total{code=\"200" + labels)).as("two lists and a watch at least")
                .isGreaterThanOrEqualTo(3);
        String time = "{host=\"" + api.getHost() + ":" + api.getPort() + "\",verb=\"GET\"}";
        assertThat(metric("rest_client_request_duration_seconds_count" + time)).as("not the watches")
                .isLessThan(metric("rest_client_requests_total{code=\"200" + labels)
                        + metric("rest_client_requests_total{code=\"403" + labels))
                .isGreaterThanOrEqualTo(3);
        assertThat(metric("rest_client_request_duration_seconds_sum" + time)).isPositive();
        cluster.api.stop();

        await().until(() -> metric("rest_client_requests_total{code=\"<error>" + labels) > 0);
        cluster.api.start();
    }

    @Test
    void the_servers_build_is_shown() throws Exception {
        cluster.start().awaitSynced();

        await().until(() -> cluster.sluice.get(false, "/metrics").lines()
                .anyMatch(line -> line.startsWith("kubernetes_build_info{")
                        && line.contains("git_version=\"v1.34.0\"") && line.contains("minor=\"34\"")));
    }
}
