package io.sluice.it.dataplane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.proxy.Transport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Where connections go. */
class SpreadIT {

    private static Map<String, Integer> hits(RunningSluice sluice, int connections) throws IOException {
        Map<String, Integer> hits = new TreeMap<>();
        for (int i = 0; i < connections; i++) {
            hits.merge(sluice.ask("kubia"), 1, Integer::sum);
        }
        return hits;
    }

    @ParameterizedTest
    @EnumSource(names = {"EPOLL", "IO_URING", "NIO"})
    void connections_are_spread_exactly_evenly(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            for (int i = 1; i <= 3; i++) {
                sluice.with(Backend.named(sluice.address(i), "pod-" + i));
            }
            sluice.service("kubia", sluice.address(1), sluice.address(2), sluice.address(3)).start();
            assertThat(hits(sluice, 30)).containsExactly(Map.entry("pod-1", 10), Map.entry("pod-2", 10),
                    Map.entry("pod-3", 10));
        }
    }

    @Test
    void several_ports_and_a_node_port_go_each_to_their_own_target() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.with(Backend.named(sluice.address(1), "web"));
            try (ServerSocket admin = new ServerSocket()) {
                admin.bind(new InetSocketAddress(sluice.address(1), 9090));
                Thread.ofVirtual().start(() -> {
                    try (Socket socket = admin.accept()) {
                        socket.getOutputStream().write("admin".getBytes(StandardCharsets.UTF_8));
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
                sluice.manifest("all.yaml", """
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
                        """.formatted(sluice.address(1))).start();
                assertThat(sluice.ask("kubia")).isEqualTo("web");
                try (Socket socket = new Socket(sluice.vip("kubia").getAddress(), 81)) {
                    assertThat(socket.getInputStream().readAllBytes()).asString().isEqualTo("admin");
                }
                int nodePort = sluice.sluice().applied().orElseThrow().snapshot().services().values().iterator().next()
                        .service().ports().getFirst().nodePort();
                try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), nodePort)) {
                    assertThat(socket.getInputStream().readAllBytes()).asString().isEqualTo("web");
                }
            }
        }
    }

    @Test
    void an_endpoint_that_refuses_is_passed_over_and_no_client_notices() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.with(Backend.named(sluice.address(1), "pod-1"));
            sluice.with(Backend.named(sluice.address(2), "pod-2"));
            sluice.service("kubia", sluice.address(1), sluice.address(2), sluice.address(3)).start();
            assertThat(hits(sluice, 60).keySet()).containsExactly("pod-1", "pod-2");
            assertThat(
                    sluice.metric("sluice_connections_failed_total{namespace=\"default\",port=\"\",service=\"kubia\"}"))
                    .isZero();
            assertThat(sluice.metric("sluice_connect_retries_total{namespace=\"default\",port=\"\",service=\"kubia\"}"))
                    .isPositive();
        }
    }

    @Test
    void an_endpoint_that_does_not_answer_is_given_up_after_the_connect_timeout() throws Exception {
        try (RunningSluice sluice = new RunningSluice().connectTimeout(Duration.ofMillis(300))) {
            sluice.with(Backend.named(sluice.address(1), "pod-1"));
            sluice.with(Backend.blackHole(sluice.address(2)));
            sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
            assertThat(hits(sluice, 6)).containsExactly(Map.entry("pod-1", 6));
        }
    }

    @Test
    void with_every_endpoint_refusing_the_client_is_reset() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
            assertThatThrownBy(() -> sluice.ask("kubia")).hasMessageContaining("reset");
        }
    }

    @Test
    void without_a_ready_endpoint_connections_are_refused_and_with_one_accepted() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.with(Backend.named(sluice.address(1), "pod-1"));
            sluice.service("kubia").start();
            assertThatThrownBy(() -> sluice.ask("kubia")).isInstanceOf(ConnectException.class);
            assertThat(sluice.get(false, "/api/v1/services")).contains("NoAddressWritten");
            sluice.service("kubia", sluice.address(1));
            await().ignoreExceptions().until(() -> sluice.ask("kubia"), "pod-1"::equals);
        }
    }
}
