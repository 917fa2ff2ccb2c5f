package io.sluice.it.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import io.sluice.daemon.StartException;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.source.kubernetes.KubernetesOptions.EndpointsFrom;
import io.sluice.reconcile.AppliedState;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What is read from an API server, and how it is served. */
class ClusterIT {

    private Cluster cluster;

    @BeforeEach
    void create() throws Exception {
        cluster = new Cluster();
    }

    @AfterEach
    void close() throws Exception {
        cluster.close();
    }

    private AppliedState applied() {
        return cluster.sluice.sluice().applied().orElseThrow();
    }

    @Test
    void services_slices_and_the_node_are_followed() throws Exception {
        cluster.pod("pod-1", 1);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.start().awaitSynced();
        assertThat(applied().snapshot().node().zone()).isEqualTo("zone-a");

        cluster.service("kubia", 100);
        cluster.awaitEndpoints("kubia", 1);
        assertThat(cluster.sluice.ask("kubia")).isEqualTo("pod-1");
        cluster.api.delete("endpointslices", "default", "kubia-a");
        cluster.awaitEndpoints("kubia");
        assertThatThrownBy(() -> cluster.sluice.ask("kubia")).isInstanceOf(ConnectException.class);
        assertThat(cluster.sluice.get(false, "/api/v1/services")).contains("NoneInCluster",
                "the cluster has no endpoint for selector app=kubia");
        cluster.node("node", "zone-b");
        await().until(() -> "zone-b".equals(applied().snapshot().node().zone()));
        assertThat(cluster.readyz().path("detail").asString()).isEqualTo("watching " + cluster.api.url());
    }

    @Test
    void services_of_other_proxies_are_not_proxied_and_headless_slices_not_asked_for() throws Exception {
        cluster.service("kubia", 100);
        cluster.api.apply("""
                {"kind": "Service", "metadata": {"name": "theirs",
                 "labels": {"service.kubernetes.io/service-proxy-name": "other"}},
                 "spec": {"clusterIP": "10.9.9.9", "ports": [{"port": 80}]}}""");
        cluster.api.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "h", "labels": {"kubernetes.io/service-name": "h",
                 "service.kubernetes.io/headless": ""}}, "addressType": "IPv4", "endpoints": []}""");
        cluster.start().awaitSynced();

        assertThat(applied().snapshot().services()).containsKey(new ServiceName("default", "theirs"));
        assertThat(applied().ports().keySet()).extracting(ServicePortName::service)
                .containsExactly(new ServiceName("default", "kubia"));
        assertThat(cluster.resource("endpoints").path("objects").asInt()).isZero();
    }

    @ParameterizedTest
    @ValueSource(strings = {"service.kubernetes.io/service-proxy-name", "service.kubernetes.io/headless"})
    void a_label_that_leaves_a_service_to_another_proxy_may_come_and_go(String label) throws Exception {
        cluster.pod("pod-1", 1);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.service("kubia", 100);
        cluster.start().awaitSynced();
        await().until(() -> cluster.sluice.ask("kubia").equals("pod-1"));

        cluster.api.apply("""
                {"kind": "Service", "metadata": {"name": "kubia", "labels": {"%s": ""}}, "spec": {"type": "ClusterIP",
                 "clusterIP": "%s", "clusterIPs": ["%s"], "selector": {"app": "kubia"},
                 "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}]}}"""
                .formatted(label, cluster.sluice.address(100), cluster.sluice.address(100)));
        await().untilAsserted(() -> assertThat(applied().ports()).isEmpty());
        assertThat(applied().snapshot().services()).containsKey(new ServiceName("default", "kubia"));
        cluster.service("kubia", 100);
        await().ignoreExceptionsInstanceOf(ConnectException.class)
                .until(() -> cluster.sluice.ask("kubia").equals("pod-1"));
    }

    @Test
    void endpoints_of_headless_services_are_read_for_their_names() throws Exception {
        cluster.api.apply("""
                {"kind": "Service", "metadata": {"name": "db"}, "spec": {"type": "ClusterIP", "clusterIP": "None",
                 "clusterIPs": ["None"], "selector": {"app": "db"}, "ports": [{"port": 5432}]}}""");
        cluster.api.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "db-1", "labels": {"kubernetes.io/service-name": "db",
                 "service.kubernetes.io/headless": ""}}, "addressType": "IPv4",
                 "ports": [{"name": "", "port": 5432, "protocol": "TCP"}],
                 "endpoints": [{"addresses": ["%s"], "hostname": "db-0", "conditions": {"ready": true}}]}"""
                .formatted(cluster.sluice.address(1)));
        cluster.headless().start().awaitSynced();

        assertThat(applied().snapshot().services().get(new ServiceName("default", "db")).ports().getFirst().endpoints()
                .endpoints()).singleElement()
                .satisfies(endpoint -> assertThat(endpoint.hostname()).isEqualTo("db-0"));
    }

    @Test
    void without_endpoint_slices_endpoints_are_read() throws Exception {
        cluster.pod("pod-1", 1);
        cluster.service("kubia", 100);
        cluster.api.hasSlices(false);
        cluster.api.apply("""
                {"kind": "Endpoints", "metadata": {"name": "kubia"}, "subsets": [{"addresses": [{"ip": "%s"}],
                 "notReadyAddresses": [{"ip": "%s"}], "ports": [{"port": 8080}]}]}"""
                .formatted(cluster.sluice.address(1), cluster.sluice.address(2)));
        cluster.start().awaitSynced();

        cluster.awaitEndpoints("kubia", 1);
        assertThat(cluster.sluice.ask("kubia")).isEqualTo("pod-1");
    }

    @Test
    void endpoints_are_read_where_they_are_asked_for() throws Exception {
        cluster.service("kubia", 100);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.api.apply("""
                {"kind": "Endpoints", "metadata": {"name": "kubia"}, "subsets": [{"addresses": [{"ip": "%s"}],
                 "ports": [{"port": 8080}]}]}""".formatted(cluster.sluice.address(2)));
        cluster.endpointsFrom(EndpointsFrom.ENDPOINTS).start().awaitSynced();

        cluster.awaitEndpoints("kubia", 2);
    }

    @Test
    void mirrored_slices_of_hand_made_endpoints_are_served() throws Exception {
        cluster.pod("pod-1", 1);
        cluster.api.apply("""
                {"kind": "Service", "metadata": {"name": "kubia"}, "spec": {"clusterIP": "%s",
                 "ports": [{"port": 80, "targetPort": 1234}]}}""".formatted(cluster.sluice.address(100)));
        // As the controller mirrors them: no conditions but ready, no node's zone, and the Endpoints' own port.
        cluster.api.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "kubia-q2x4z", "labels": {
                  "kubernetes.io/service-name": "kubia",
                  "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io"}},
                 "addressType": "IPv4", "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
                 "endpoints": [{"addresses": ["%s"], "conditions": {"ready": true}},
                               {"addresses": ["%s"], "conditions": {"ready": false}}]}"""
                .formatted(cluster.sluice.address(1), cluster.sluice.address(2)));
        cluster.start().awaitSynced();

        cluster.awaitEndpoints("kubia", 1);
        assertThat(cluster.sluice.ask("kubia")).isEqualTo("pod-1");
    }

    @Test
    void both_families_of_a_service_are_served_each_by_its_own_endpoints() throws Exception {
        cluster.pod("pod-1", 1);
        int port = freePort();
        try (ServerSocket pod = new ServerSocket(0, 50, InetAddress.ofLiteral("::1"))) {
            cluster.api.apply("""
                    {"kind": "Service", "metadata": {"name": "kubia"}, "spec": {"clusterIP": "%s",
                     "clusterIPs": ["%s", "::1"], "ipFamilies": ["IPv4", "IPv6"],
                     "ipFamilyPolicy": "RequireDualStack", "ports": [{"port": %d}]}}"""
                    .formatted(cluster.sluice.address(100), cluster.sluice.address(100), port));
            cluster.slice("kubia-4", "kubia", 1);
            cluster.api.apply("""
                    {"kind": "EndpointSlice", "metadata": {"name": "kubia-6",
                      "labels": {"kubernetes.io/service-name": "kubia"}}, "addressType": "IPv6",
                     "ports": [{"name": "", "port": %d}], "endpoints": [{"addresses": ["::1"]}]}"""
                    .formatted(pod.getLocalPort()));
            cluster.start().awaitSynced();
            await().until(() -> applied().ports().values().stream().anyMatch(p -> p.selections().size() == 2));

            try (Socket client = new Socket(InetAddress.ofLiteral("::1"), port); Socket server = pod.accept()) {
                server.getOutputStream().write(6);
                assertThat(client.getInputStream().read()).isEqualTo(6);
            }
            try (Socket client = new Socket(InetAddress.ofLiteral(cluster.sluice.address(100)), port)) {
                assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                        .isEqualTo("pod-1");
            }
        }
    }

    @Test
    void an_empty_list_that_the_server_keeps_to_is_believed_in_the_end() throws Exception {
        cluster.service("kubia", 100);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.start().awaitSynced();
        cluster.awaitWatching();
        cluster.api.stop();
        cluster.api.forgetEverything();
        cluster.api.start();

        await().atMost(Duration.ofSeconds(90)).until(() -> applied().snapshot().services().isEmpty());
        await().until(() -> cluster.readyz().path("current").asBoolean());
    }

    @Test
    void a_node_that_may_not_be_read_costs_the_zone_and_nothing_else() throws Exception {
        cluster.pod("pod-1", 1);
        cluster.service("kubia", 100);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.api.refuse("nodes", 403);
        cluster.start().awaitSynced();

        cluster.awaitEndpoints("kubia", 1);
        assertThat(applied().snapshot().node().zone()).isNull();
        assertThat(cluster.resource("node").path("problem").asString()).startsWith("may not list nodes (403)");
    }

    @Test
    void a_node_that_is_taken_away_is_not_eligible() throws Exception {
        cluster.start().awaitSynced();
        assertThat(cluster.sluice.get(true, "/healthz")).startsWith("200 ");
        cluster.api.apply("""
                {"kind": "Node", "metadata": {"name": "node"},
                 "spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]}}""");

        await().until(() -> cluster.sluice.get(true, "/healthz").startsWith("503 "));
        assertThat(cluster.sluice.get(true, "/livez")).startsWith("200 ");
    }

    @Test
    void wrong_credentials_are_told_and_tried_again() throws Exception {
        Path token = Files.writeString(cluster.sluice.manifests().directory().resolve("token"), "wrong");
        cluster.api.wantToken("right");
        cluster.user("{tokenFile: token}").start();
        await().until(() -> cluster.resource("services").path("problem").asString("")
                .contains("does not accept our credentials (401)"));
        Files.writeString(token, "right");

        cluster.awaitSynced();
    }

    @Test
    void a_server_that_is_out_of_reach_at_the_start_is_told_once_and_asked_until_it_is_there() throws Exception {
        cluster.pod("pod-1", 1);
        cluster.service("kubia", 100);
        cluster.slice("kubia-a", "kubia", 1);
        cluster.api.stop();
        cluster.start();
        for (String resource : List.of("services", "endpoints", "node")) {
            await().until(() -> cluster.resource(resource).path("problem").asString("").contains(cluster.api.url()));
        }
        assertThat(cluster.sluice.get(true, "/readyz")).startsWith("503 ");
        await().until(
                () -> cluster.sluice.metric("sluice_source_resource_failures_total{resource=\"services\"}") > 2);
        assertThat(cluster.sluice.log().lines(Level.WARN, "retrying until it responds")).hasSize(1);
        cluster.api.start();

        cluster.awaitSynced();
        assertThat(cluster.sluice.ask("kubia")).isEqualTo("pod-1");
    }

    @Test
    void a_mistake_in_a_kubeconfig_ends_the_start_with_one_line() throws Exception {
        cluster.user("{tokenFile: nowhere}");

        assertThatThrownBy(cluster::start).isInstanceOf(StartException.class)
                .hasMessageContaining("names the token file")
                .hasMessageNotContaining("\n");
    }

    @Test
    void a_list_in_pages_is_one_list() throws Exception {
        cluster.api.largestPage(3);
        for (int i = 1; i <= 20; i++) {
            cluster.service("svc-" + i, 100 + i);
            cluster.slice("svc-" + i, "svc-" + i, i);
        }
        cluster.start().awaitSynced();

        assertThat(applied().snapshot().services()).hasSize(20);
        assertThat(applied().ports().values()).allMatch(port -> !port.selections().isEmpty());
        assertThat(cluster.api.lists()).isEqualTo(3);
    }

    @Test
    void a_burst_of_changes_is_applied_in_few_steps() throws Exception {
        cluster.service("kubia", 100);
        cluster.start().awaitSynced();
        cluster.awaitWatching();
        double before = cluster.sluice.metric("sluice_sync_duration_seconds_count");
        for (int i = 0; i < 5000; i++) {
            cluster.slice("kubia-" + i % 50, "kubia", 1 + i % 50, 60 + i % 7);
        }
        cluster.slice("kubia-0", "kubia", 99);
        await().atMost(Duration.ofSeconds(60)).until(() -> applied().snapshot().services().values().iterator().next()
                .ports().getFirst().endpoints().endpoints().stream()
                .anyMatch(e -> e.address().toString().endsWith(".99:8080")));

        assertThat(cluster.sluice.metric("sluice_sync_duration_seconds_count") - before).isBetween(1.0, 100.0);
    }

    @Test
    void the_server_behind_its_own_service_is_asked_directly() throws Exception {
        URI api = URI.create(cluster.api.url());
        cluster.api.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "kubernetes",
                 "labels": {"kubernetes.io/service-name": "kubernetes"}}, "addressType": "IPv4",
                 "ports": [{"name": "https", "port": %d}], "endpoints": [{"addresses": ["127.0.0.1"]}]}"""
                .formatted(api.getPort()));
        // Until the view is there, another proxy on this node has to serve the address: here a plain relay.
        try (Relay relay = Relay.at(cluster.sluice.address(51), api)) {
            cluster.api.apply("""
                    {"kind": "Service", "metadata": {"name": "kubernetes"}, "spec": {"clusterIP": "%s",
                     "ports": [{"name": "https", "port": %d, "targetPort": %d}]}}"""
                    .formatted(cluster.sluice.address(51), relay.port(), api.getPort()));
            cluster.server("http://" + cluster.sluice.address(51) + ":" + relay.port()).start().awaitSynced();
            await().until(() -> cluster.readyz().path("detail").asString().equals("watching " + cluster.api.url()));
        }
        cluster.service("kubia", 100);
        cluster.slice("kubia-a", "kubia", 1);

        cluster.awaitEndpoints("kubia", 1);
    }

    @Test
    void ten_thousand_services_and_fifty_thousand_endpoints() throws Exception {
        Large.fill(cluster.api, 10_000, 5);
        long before = used();
        Instant begun = Instant.now();
        cluster.api.largestPage(500);
        cluster.start();
        await().atMost(Duration.ofMinutes(2))
                .until(() -> cluster.resource("endpoints").path("watch").asString().equals("Watching")
                        && cluster.resource("services").path("watch").asString().equals("Watching"));
        Duration listed = Duration.between(begun, Instant.now());
        await().atMost(Duration.ofMinutes(2)).until(() -> cluster.sluice.sluice().applied().isPresent());
        Duration took = Duration.between(begun, Instant.now());
        JsonNode services = cluster.resource("services");
        System.out.printf(
                "10,000 Services and 50,000 endpoints: listed after %d ms, all listeners open after "
                        + "%d ms, heap %+d MiB%n",
                listed.toMillis(), took.toMillis(), (used() - before) >> 20);

        assertThat(services.path("objects").asInt()).isEqualTo(10_000);
        assertThat(applied().ports()).hasSize(10_000);
        assertThat(applied().ports().values()).allMatch(port -> port.selections().values().iterator().next()
                .internalEndpoints().size() == 5);
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0, 50, InetAddress.ofLiteral("::1"))) {
            return free.getLocalPort();
        }
    }

    private static long used() throws InterruptedException {
        for (int i = 0; i < 3; i++) {
            System.gc();
            TimeUnit.MILLISECONDS.sleep(50);
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
