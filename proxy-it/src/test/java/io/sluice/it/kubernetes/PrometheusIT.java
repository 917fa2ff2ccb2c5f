package io.sluice.it.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.balance.Ejections;
import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.Prometheus;
import io.sluice.reconcile.Balancing;
import io.sluice.service.BalancerKind;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a real Prometheus makes of a daemon that has traffic and trouble: nothing on a dashboard stays empty. */
class PrometheusIT {

    private static final Path MONITORING = Path.of("..", "config", "deploy", "monitoring");
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    /** Of kubernetes-mixin's dashboard for kube-proxy; what only a Go program has, and answers of a failing API server, left out. */
    private static final List<String> KUBE_PROXY = List.of("sum(up{job=\"sluice\"})",
            "sum(rate(kubeproxy_sync_proxy_rules_duration_seconds_count{job=\"sluice\"}[1m]))",
            "histogram_quantile(0.99, rate(kubeproxy_sync_proxy_rules_duration_seconds_bucket{job=\"sluice\"}[1m])) >= 0",
            "sum(rate(kubeproxy_network_programming_duration_seconds_count{job=\"sluice\"}[1m])) by (instance)",
            "histogram_quantile(0.99, sum(rate(kubeproxy_network_programming_duration_seconds_bucket{job=\"sluice\"}[1m]))"
                    + " by (instance, le)) >= 0",
            "sum(rate(rest_client_requests_total{job=\"sluice\", code=~\"2..\"}[1m]))",
            "histogram_quantile(0.99, sum(rate(rest_client_request_duration_seconds_bucket{job=\"sluice\", verb=\"GET\"}[1m]))"
                    + " by (verb, le))",
            "process_resident_memory_bytes{job=\"sluice\"}", "rate(process_cpu_seconds_total{job=\"sluice\"}[1m])");

    private Cluster cluster;

    @BeforeEach
    void start() throws Exception {
        assumeTrue(Prometheus.program("prometheus").isPresent() && Prometheus.program("promtool").isPresent(),
                "prometheus is not installed");
        cluster = new Cluster();
        cluster.sluice.maxConnections(5_000, 2).balancing(new Balancing(BalancerKind.ROUND_ROBIN, List.of(), 100,
                new Ejections.Rules(Duration.ofSeconds(1), Duration.ofMinutes(1), 50)));
        cluster.service("kubia", 100);
        cluster.service("busy", 101);
        cluster.service("empty", 102);
        cluster.slice("busy-a", "busy", 1);
        ServerSocket taken = cluster.sluice.with(new ServerSocket());
        taken.bind(new InetSocketAddress(cluster.sluice.address(101), 80));
        cluster.sluice.with(Backend.echo(cluster.sluice.address(1)));
        cluster.start().awaitSynced().awaitWatching();
    }

    @AfterEach
    void close() throws Exception {
        if (cluster != null) {
            cluster.close();
        }
    }

    /** Nobody listens at the second address. */
    private void slice(int... numbers) {
        StringBuilder endpoints = new StringBuilder();
        for (int number : numbers) {
            endpoints.append(endpoints.isEmpty() ? "" : ", ").append("{\"addresses\": [\"")
                    .append(cluster.sluice.address(number)).append("\"], \"nodeName\": \"node\"}");
        }
        cluster.api.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "kubia-a",
                  "labels": {"kubernetes.io/service-name": "kubia"},
                  "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "%s"}},
                 "addressType": "IPv4", "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
                 "endpoints": [%s]}""".formatted(Instant.now(), endpoints));
        cluster.awaitEndpoints("kubia", numbers);
    }

    /** Two connections exchange bytes at once, a third is one too many. */
    private void traffic() throws IOException {
        try (Socket first = cluster.sluice.connect("kubia"); Socket second = cluster.sluice.connect("kubia")) {
            for (Socket socket : List.of(first, second)) {
                socket.getOutputStream().write("hello".getBytes(StandardCharsets.US_ASCII));
                assertThat(socket.getInputStream().readNBytes(5)).hasSize(5);
            }
            try (Socket third = cluster.sluice.connect("kubia")) {
                third.getOutputStream().write('x');
                assertThat(third.getInputStream().read()).isNegative();
            } catch (IOException e) {
                assertThat(e).as("the third is reset").hasMessageContaining("reset");
            }
            first.shutdownOutput();
            assertThat(first.getInputStream().read()).isNegative();
            second.setSoLinger(true, 0);
        }
        cluster.sluice.awaitIdle();
    }

    /** Every query of the dashboard, by the title of its panel, as Grafana asks it with everything selected. */
    private static Map<String, String> dashboard() throws IOException {
        Map<String, String> queries = new LinkedHashMap<>();
        JsonNode dashboard = JsonMapper.shared().readTree(Files.readString(MONITORING.resolve("dashboard.json")));
        for (JsonNode panel : dashboard.path("panels")) {
            for (JsonNode target : panel.path("targets")) {
                queries.put(panel.path("title").asString("") + ", " + target.path("refId").asString(""),
                        target.path("expr").asString("").replaceAll("\\$(instance|namespace|service)\\b", ".*")
                                .replace("$__rate_interval", "1m"));
            }
        }
        assertThat(queries).hasSizeGreaterThan(15).allSatisfy((title, query) -> assertThat(query).doesNotContain("$"));
        return queries;
    }

    @Test
    void every_panel_shows_something_and_every_rule_can_be_evaluated() throws Exception {
        InetSocketAddress metrics = cluster.sluice.sluice().metricsAddress().orElseThrow();
        try (Prometheus prometheus =
                new Prometheus(cluster.sluice.address(90), metrics, MONITORING.resolve("rules.yaml"))) {
            slice(1, 2);
            // Each counter that moves has been seen at rest.
            await().atMost(PATIENCE).until(() -> prometheus.query("sluice_endpoint_connections_failed_total{endpoint=\""
                    + cluster.sluice.address(2)
                    + ":8080\"} == 0 and on () kubeproxy_network_programming_duration_seconds_count"
                    + "{ip_family=\"IPv4\"} > 0").size() > 0);
            Map<String, String> queries = dashboard();
            KUBE_PROXY.forEach(query -> queries.put("kube-proxy: " + query, query));
            slice(1, 2, 3);
            await().atMost(PATIENCE).pollInterval(Duration.ofMillis(500)).untilAsserted(() -> {
                traffic();
                List<String> empty = new ArrayList<>();
                for (Map.Entry<String, String> query : queries.entrySet()) {
                    if (prometheus.query(query.getValue()).isEmpty()) {
                        empty.add(query.getKey());
                    }
                }
                assertThat(empty).isEmpty();
            });
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(prometheus.rules()).isNotEmpty().allSatisfy(
                    rule -> assertThat(rule.path("health").asString("")).as(rule.path("lastError").asString("") + rule
                            .path("name").asString("")).isEqualTo("ok")));
            assertThat(states(prometheus.rules())).containsEntry("SluiceDown", "inactive")
                    .containsEntry("SluiceListenersFailed", "pending");
        }
    }

    private static Map<String, String> states(JsonNode rules) {
        Map<String, String> states = new LinkedHashMap<>();
        rules.forEach(rule -> states.put(rule.path("name").asString(""), rule.path("state").asString("")));
        return states;
    }

    /** Names that are not ours to choose: kube-proxy's, and those of Micrometer and its binders. */
    @Test
    void promtool_finds_nothing_to_complain_of_in_names_that_are_ours(@TempDir Path directory) throws Exception {
        slice(1, 2);
        // It listens a moment after its endpoints are known.
        await().atMost(PATIENCE).ignoreExceptionsInstanceOf(ConnectException.class).untilAsserted(this::traffic);
        String metrics = cluster.sluice.get(false, "/metrics");
        Path scraped = Files.writeString(directory.resolve("metrics"), metrics.substring(metrics.indexOf("# HELP")));
        Process promtool =
                new ProcessBuilder(Prometheus.program("promtool").orElseThrow().toString(), "check", "metrics")
                        .redirectInput(scraped.toFile()).redirectErrorStream(true).start();
        String said = new String(promtool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(promtool.waitFor()).as(said).isIn(0, 3);
        Pattern others = Pattern.compile("(kubeproxy|netty|jvm|process|system|disk)_\\w+ .*");
        assertThat(said.lines().filter(line -> !line.isBlank() && !others.matcher(line).matches())).isEmpty();
    }
}
