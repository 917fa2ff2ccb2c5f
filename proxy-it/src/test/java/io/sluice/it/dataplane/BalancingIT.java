package io.sluice.it.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.sluice.balance.Ejections;
import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.BlackHole;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.reconcile.Balancing;
import io.sluice.service.BalancerKind;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How the annotations and fields of a Service decide where its connections go. */
class BalancingIT {

    private static final String FAILED =
            "sluice_endpoint_connections_failed_total{endpoint=\"%s:8080\",namespace=\"default\",port=\"\","
                    + "reason=\"%s\",service=\"kubia\"}";
    private static final String EJECTED =
            "sluice_endpoints_ejected{namespace=\"default\",port=\"\",service=\"kubia\"}";

    private static Balancing ejecting(Duration time) {
        return new Balancing(BalancerKind.ROUND_ROBIN, List.of(), 100,
                new Ejections.Rules(time, Duration.ofSeconds(30), 50));
    }

    private static String yaml(String metadata, String spec, String... endpoints) {
        return Manifests.service("kubia", endpoints)
                .replaceFirst("metadata: \\{name: kubia}", "metadata: {name: kubia" + metadata + "}")
                .replaceFirst("spec: \\{", "spec: {" + spec);
    }

    /** Who answers a client that has this address. */
    private static String askFrom(RunningSluice sluice, String client) throws IOException {
        try (Socket socket = new Socket()) {
            socket.bind(new InetSocketAddress(client, 0));
            socket.setSoTimeout(30_000);
            socket.connect(sluice.vip("kubia"), 30_000);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static Map<String, Integer> hits(RunningSluice sluice, int connections) throws IOException {
        Map<String, Integer> hits = new TreeMap<>();
        for (int i = 0; i < connections; i++) {
            hits.merge(sluice.ask("kubia"), 1, Integer::sum);
        }
        return hits;
    }

    private static String[] pods(RunningSluice sluice, int count) throws IOException {
        String[] addresses = new String[count];
        for (int i = 0; i < count; i++) {
            addresses[i] = sluice.address(i + 1);
            sluice.with(Backend.named(addresses[i], "pod-" + (i + 1)));
        }
        return addresses;
    }

    @Test
    void a_client_stays_with_its_endpoint_through_reloads_until_that_goes() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            String[] pods = pods(sluice, 3);
            String affinity = "sessionAffinity: ClientIP, ";
            sluice.manifest("kubia.yaml", yaml("", affinity, pods)).start();
            Map<String, String> stays = new TreeMap<>();
            for (int i = 1; i <= 6; i++) {
                stays.put("127.0.0." + i, askFrom(sluice, "127.0.0." + i));
            }
            assertThat(new HashSet<>(stays.values())).hasSize(3);
            assertThat(hits(sluice, 5)).containsOnlyKeys(stays.get("127.0.0.1"));

            sluice.manifest("kubia.yaml",
                    yaml("", affinity + "sessionAffinityConfig: {clientIP: {timeoutSeconds: 600}}, ",
                            pods[0], pods[1]));
            sluice.awaitEndpoints("kubia", pods[0], pods[1]);
            for (Map.Entry<String, String> client : stays.entrySet()) {
                String now = askFrom(sluice, client.getKey());
                if (client.getValue().equals("pod-3")) {
                    assertThat(now).isIn("pod-1", "pod-2");
                    assertThat(askFrom(sluice, client.getKey())).isEqualTo(now);
                } else {
                    assertThat(now).isEqualTo(client.getValue());
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void the_annotation_chooses_the_balancer(BalancerKind kind) throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            String[] pods = pods(sluice, 3);
            sluice.manifest("kubia.yaml", yaml(", annotations: {sluice.io/balancer: " + kind.word()
                    + ", sluice.io/weights: \"" + pods[0] + "=3\"}", "", pods)).start();
            assertThat(sluice.get(false, "/api/v1/services")).contains("\"balancer\":\"" + kind.word() + "\"");
            Set<String> seen = new HashSet<>();
            for (int i = 1; i <= 40; i++) {
                seen.add(askFrom(sluice, "127.0.1." + i));
            }
            assertThat(seen).hasSize(3);
            Map<String, Integer> hits = hits(sluice, 15);
            switch (kind) {
                case MAGLEV -> assertThat(hits).hasSize(1);
                case WEIGHTED_ROUND_ROBIN -> assertThat(hits).isEqualTo(Map.of("pod-1", 9, "pod-2", 3, "pod-3", 3));
                case ROUND_ROBIN -> assertThat(hits).isEqualTo(Map.of("pod-1", 5, "pod-2", 5, "pod-3", 5));
                case RANDOM, LEAST_CONNECTIONS -> assertThat(hits).isNotEmpty();
            }
        }
    }

    @Test
    void an_unknown_balancer_is_a_warning_on_its_service_and_nothing_else() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            String[] pods = pods(sluice, 2);
            sluice.manifest("kubia.yaml", yaml(", annotations: {sluice.io/balancer: luck}", "", pods)).start();
            assertThat(hits(sluice, 4)).isEqualTo(Map.of("pod-1", 2, "pod-2", 2));
            assertThat(sluice.get(false, "/api/v1/services")).contains("\"balancer\":\"round-robin\"",
                    "\"warnings\":[\"sluice.io/balancer: 'luck' is not known");
            assertThat(sluice.get(true, "/readyz")).startsWith("200 ").contains("'luck' is not known");
        }
    }

    @Test
    void an_endpoint_that_refuses_is_left_out_until_a_probe_finds_it_back() throws Exception {
        try (RunningSluice sluice = new RunningSluice().balancing(ejecting(Duration.ofMillis(200)))) {
            String[] pods = pods(sluice, 2);
            Backend third = sluice.with(Backend.named(sluice.address(3), "pod-3"));
            sluice.service("kubia", pods[0], pods[1], sluice.address(3)).start();
            assertThat(hits(sluice, 3)).hasSize(3);

            third.stop();
            assertThat(hits(sluice, 6)).doesNotContainKey("pod-3");
            await().until(() -> sluice.metric(EJECTED), Double.valueOf(1)::equals);
            assertThat(sluice.get(false, "/api/v1/services")).contains("\"ejected\":true");
            double failed = sluice.metric(FAILED.formatted(sluice.address(3), "refused"));
            assertThat(hits(sluice, 60)).isEqualTo(Map.of("pod-1", 30, "pod-2", 30));
            assertThat(sluice.metric(FAILED.formatted(sluice.address(3), "refused"))).isEqualTo(failed);

            third.start();
            await().until(() -> sluice.metric(EJECTED), Double.valueOf(0)::equals);
            assertThat(hits(sluice, 6)).isEqualTo(Map.of("pod-1", 2, "pod-2", 2, "pod-3", 2));
        }
    }

    @Test
    void an_endpoint_that_does_not_answer_is_waited_for_once() throws Exception {
        try (RunningSluice sluice = new RunningSluice().connect(Duration.ofMillis(300), 3)
                .balancing(ejecting(Duration.ofSeconds(30)))) {
            String[] pods = pods(sluice, 2);
            sluice.with(new BlackHole(sluice.address(3)));
            sluice.service("kubia", pods[0], pods[1], sluice.address(3)).start();
            String failed = FAILED.formatted(sluice.address(3), "timeout");
            // It is put aside by another thread, for which the next connection has to wait here.
            for (int i = 0; i < 3 && sluice.metric(failed) == 0; i++) {
                assertThat(sluice.ask("kubia")).isIn("pod-1", "pod-2");
            }
            await().until(() -> sluice.metric(EJECTED), Double.valueOf(1)::equals);
            assertThat(hits(sluice, 20)).isEqualTo(Map.of("pod-1", 10, "pod-2", 10));
            assertThat(sluice.metric(failed)).isEqualTo(1);
        }
    }

    @Test
    void the_last_endpoint_is_never_ejected_and_off_means_off() throws Exception {
        for (Balancing balancing : List.of(ejecting(Duration.ofSeconds(30)), Balancing.PLAIN)) {
            try (RunningSluice sluice = new RunningSluice().balancing(balancing)) {
                Backend only = sluice.with(Backend.named(sluice.address(1), "pod-1"));
                sluice.service("kubia", sluice.address(1)).start();
                only.stop();
                for (int i = 0; i < 3; i++) {
                    await().until(() -> catchThrowable(() -> sluice.ask("kubia")) != null);
                }
                only.start();
                assertThat(sluice.ask("kubia")).isEqualTo("pod-1");
                assertThat(sluice.metric(EJECTED)).isZero();
            }
        }
        try (RunningSluice sluice = new RunningSluice()) {
            String[] pods = pods(sluice, 2);
            sluice.service("kubia", pods[0], pods[1], sluice.address(3)).start();
            assertThat(hits(sluice, 30).keySet()).containsExactly("pod-1", "pod-2");
            assertThat(sluice.metric(FAILED.formatted(sluice.address(3), "refused"))).isGreaterThanOrEqualTo(10);
        }
    }

    @Test
    void a_port_number_that_tcp_and_udp_share_works_for_tcp() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            String[] pods = pods(sluice, 2);
            sluice.manifest("kubia.yaml", """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: kubia}
                    spec:
                      ports:
                      - {name: dns, port: 80, protocol: UDP, targetPort: 8080}
                      - {name: dns-tcp, port: 80, targetPort: 8080}
                      - {name: signal, port: 81, protocol: SCTP, targetPort: 8080}
                    ---
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: kubia-1, labels: {kubernetes.io/service-name: kubia}}
                    addressType: IPv4
                    ports:
                    - {name: dns, port: 8080, protocol: UDP}
                    - {name: dns-tcp, port: 8080}
                    - {name: signal, port: 8080, protocol: SCTP}
                    endpoints: [{addresses: [%s]}, {addresses: [%s]}]
                    """.formatted(pods[0], pods[1])).start();
            assertThat(hits(sluice, 4)).isEqualTo(Map.of("pod-1", 2, "pod-2", 2));
            assertThat(sluice.get(false, "/api/v1/services")).contains("\"protocol\":\"UDP\"", "\"protocol\":\"SCTP\"",
                    "\"proxied\":false");
            assertThat(sluice.get(false, "/api/v1/explain?service=kubia&port=signal"))
                    .contains("\"next\":\"nowhere: SCTP is not proxied, only TCP and UDP are\"");
        }
    }

    @Test
    void each_family_of_a_dual_stack_service_goes_to_its_own_endpoints_and_ipv6_alone_works() throws Exception {
        try (RunningSluice sluice = new RunningSluice(); ServerSocket six = named("::1", "six-a");
                ServerSocket other = named("::1", "six-b")) {
            String[] pods = pods(sluice, 1);
            int port = freePort();
            sluice.manifest("dual.yaml", """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: %s}
                    spec: {clusterIPs: %s, ports: [{port: %d}]}
                    ---
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: v4, labels: {kubernetes.io/service-name: kubia}}
                    addressType: IPv4
                    ports: [{port: 8080}]
                    endpoints: [{addresses: [%s]}]
                    ---
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: v6-a, labels: {kubernetes.io/service-name: kubia}}
                    addressType: IPv6
                    ports: [{port: %d}]
                    endpoints: [{addresses: ["::1"]}]
                    ---
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: v6-b, labels: {kubernetes.io/service-name: kubia}}
                    addressType: IPv6
                    ports: [{port: %d}]
                    endpoints: [{addresses: ["::1"]}]
                    """.formatted("kubia", "[" + sluice.address(9) + ", \"::1\"]", port, pods[0], six.getLocalPort(),
                    other.getLocalPort())).start();
            for (int i = 0; i < 2; i++) {
                assertThat(ask(sluice.address(9), port)).isEqualTo("pod-1");
            }
            assertThat(List.of(ask("::1", port), ask("::1", port))).containsExactlyInAnyOrder("six-a", "six-b");

            sluice.manifest("dual.yaml", """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: kubia}
                    spec: {clusterIP: "::1", ipFamilies: [IPv6], ports: [{port: %d}]}
                    ---
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: v6-a, labels: {kubernetes.io/service-name: kubia}}
                    addressType: IPv6
                    ports: [{port: %d}]
                    endpoints: [{addresses: ["::1"]}]
                    """.formatted(port, six.getLocalPort()));
            await().until(() -> List.of(ask("::1", port), ask("::1", port)), List.of("six-a", "six-a")::equals);
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket free = new ServerSocket(0)) {
            return free.getLocalPort();
        }
    }

    /** Says its name to everybody at any free port. */
    private static ServerSocket named(String ip, String name) throws IOException {
        ServerSocket server = new ServerSocket(0, 50, InetAddress.getByName(ip));
        Thread.ofVirtual().start(() -> {
            while (!server.isClosed()) {
                try (Socket socket = server.accept()) {
                    socket.getOutputStream().write(name.getBytes(StandardCharsets.UTF_8));
                } catch (IOException e) {
                    return;
                }
            }
        });
        return server;
    }

    private static String ask(String ip, int port) throws IOException {
        try (Socket socket = new Socket()) {
            socket.setSoTimeout(30_000);
            socket.connect(new InetSocketAddress(ip, port), 30_000);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
