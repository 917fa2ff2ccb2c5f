package io.sluice.it.dataplane;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Load;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.proxy.Transport;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Which endpoint a connection goes to. */
class SpreadIT {

    private static Map<String, Integer> hits(InetSocketAddress address, int connections) throws Exception {
        Map<String, Integer> hits = new TreeMap<>();
        for (int i = 0; i < connections; i++) {
            hits.merge(HttpClientConnection.hit(address), 1, Integer::sum);
        }
        return hits;
    }

    @EachTransport
    void connections_are_spread_exactly_evenly(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            for (int i = 1; i <= 3; i++) {
                sluice.pod(i, "pod-" + i);
            }
            sluice.service("kubia", sluice.address(1), sluice.address(2), sluice.address(3)).start();
            assertThat(hits(sluice.vip("kubia"), 30))
                    .isEqualTo(Map.of("pod-1", 10, "pod-2", 10, "pod-3", 10));
        }
    }

    @Test
    void connections_of_many_clients_at_once_are_spread_exactly_evenly_too() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            List<Pod> pods = new ArrayList<>();
            for (int i = 1; i <= 3; i++) {
                pods.add(sluice.pod(i, "pod-" + i));
            }
            sluice.service("kubia", sluice.address(1), sluice.address(2), sluice.address(3)).start();
            Load load = sluice.with(Load.ofShortConnections(sluice.vip("kubia"), 8)).awaitAnswers(1_000);
            load.stopAndExpectNoFailure();
            IntStream counts = pods.stream().mapToInt(Pod::connections);
            assertThat(counts.summaryStatistics()).satisfies(
                    statistics -> assertThat(statistics.getMax() - statistics.getMin()).isLessThanOrEqualTo(1));
        }
    }

    @Test
    void each_port_and_node_port_of_a_service_goes_to_its_own_target() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "web");
            sluice.with(Pod.at(sluice.address(1), 9090, "admin"));
            sluice.manifests().edit("all.yaml", """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: kubia}
                    spec:
                      type: NodePort
                      selector: {app: kubia}
                      ports: [{name: web, port: 80, targetPort: http}, {name: admin, port: 81, targetPort: 9090}]
                    ---
                    apiVersion: v1
                    kind: Pod
                    metadata: {name: p, labels: {app: kubia}, annotations: {sluice.io/pod-ip: %s}}
                    spec: {containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
                    """.formatted(sluice.address(1)));
            sluice.start();
            InetSocketAddress web = sluice.vip("kubia");
            assertThat(hits(web, 2)).isEqualTo(Map.of("web", 2));
            assertThat(hits(new InetSocketAddress(web.getAddress(), 81), 2)).isEqualTo(Map.of("admin", 2));
            for (int i = 0; i < 2; i++) {
                int nodePort = sluice.applied("kubia").service().ports().get(i).nodePort();
                assertThat(hits(new InetSocketAddress(InetAddress.getLoopbackAddress(), nodePort), 2))
                        .isEqualTo(Map.of(i == 0 ? "web" : "admin", 2));
            }
        }
    }

    @Test
    void an_endpoint_that_refuses_is_passed_over_and_no_client_notices() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            sluice.pod(2, "pod-2");
            Pod third = sluice.pod(3, "pod-3");
            sluice.service("kubia", sluice.address(1), sluice.address(2), sluice.address(3)).start();
            third.refuse();
            assertThat(hits(sluice.vip("kubia"), 60).keySet()).containsExactly("pod-1", "pod-2");
            assertThat(sluice.metric("sluice_connections_failed_total", "kubia")).isZero();
            assertThat(sluice.metric("sluice_connect_retries_total", "kubia")).isPositive();
            third.start();
            assertThat(hits(sluice.vip("kubia"), 6).keySet()).contains("pod-3");
        }
    }

    @Test
    void endpoints_by_selector_follow_readiness() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            sluice.pod(2, "pod-2");
            sluice.manifests().edit("kubia.yaml", Manifests.selectingService("kubia"))
                    .edit("pod-1.yaml", Manifests.pod("kubia", "pod-1", sluice.address(1), true))
                    .edit("pod-2.yaml", Manifests.pod("kubia", "pod-2", sluice.address(2), false));
            sluice.start();
            assertThat(hits(sluice.vip("kubia"), 4)).isEqualTo(Map.of("pod-1", 4));
            sluice.manifests().edit("pod-2.yaml", Manifests.pod("kubia", "pod-2", sluice.address(2), true));
            sluice.awaitEndpoints("kubia", sluice.address(1), sluice.address(2));
            assertThat(hits(sluice.vip("kubia"), 4)).isEqualTo(Map.of("pod-1", 2, "pod-2", 2));
        }
    }
}
