package io.sluice.healthcheck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.ServiceName;
import io.sluice.source.manifest.ManifestOptions;
import io.sluice.source.manifest.ManifestSource;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HealthCheckPortsTest {

    private static final InetAddress HERE = InetAddress.ofLiteral("127.135.1.1");
    private static final int PORT = 31_999;

    @TempDir
    private Path directory;
    private volatile boolean healthy = true;
    private final HealthCheckPorts ports =
            new HealthCheckPorts(() -> List.of(HERE), () -> healthy, Duration.ofMillis(50));

    @BeforeEach
    void start() {
        ports.start();
    }

    @AfterEach
    void close() {
        ports.close();
    }

    private ClusterSnapshot snapshot(String policy, String endpoints) throws IOException {
        Path file = Files.writeString(directory.resolve("services.yaml"), """
                apiVersion: v1
                kind: Service
                metadata: {name: web, namespace: shop}
                spec:
                  type: LoadBalancer
                  clusterIP: 127.135.1.10
                  externalTrafficPolicy: %s
                  healthCheckNodePort: %d
                  ports: [{name: a, port: 80}, {name: b, port: 81}]
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: web, namespace: shop, labels: {kubernetes.io/service-name: web}}
                addressType: IPv4
                ports: [{name: a, port: 8080}, {name: b, port: 8081}]
                endpoints: [%s]
                """.formatted(policy, PORT, endpoints));
        return ManifestSource
                .load(new ManifestOptions(List.of(file.toString()), List.of(), 30_000, 32_767, "here")).snapshot();
    }

    private static String ask(String request) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(HERE, PORT), 10_000);
            socket.setSoTimeout(10_000);
            socket.getOutputStream()
                    .write((request + " HTTP/1.1\r\nHost: x\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            two pods here, of two ports each | {addresses: [127.0.3.1], nodeName: here}, {addresses: [127.0.3.2], nodeName: here}        | true  | 200 | 2
            one here, one elsewhere          | {addresses: [127.0.3.1], nodeName: here}, {addresses: [127.0.3.2], nodeName: there}       | true  | 200 | 1
            one elsewhere                    | {addresses: [127.0.3.2], nodeName: there}                                                 | true  | 503 | 0
            one of no known node             | {addresses: [127.0.3.2]}                                                                  | true  | 503 | 0
            one here that is not ready       | {addresses: [127.0.3.1], nodeName: here, conditions: {ready: false}}                      | true  | 503 | 0
            one here that terminates         | {addresses: [127.0.3.1], nodeName: here, conditions: {ready: false, serving: true, terminating: true}} | true | 503 | 0
            one here, the proxy is ill       | {addresses: [127.0.3.1], nodeName: here}                                                  | false | 503 | 1
            """)
    void the_answer_is_that_of_kube_proxy(String what, String endpoints, boolean well, int status, int local)
            throws IOException {
        healthy = well;
        ports.update(snapshot("Local", endpoints));
        await().ignoreExceptions().untilAsserted(() -> {
            String answer = ask("GET /anything?at=all");
            assertThat(answer).startsWith("HTTP/1.1 " + status)
                    .contains("\r\nX-Load-Balancing-Endpoint-Weight: " + local)
                    .contains("\r\nContent-Type: application/json\r\n").endsWith("""
                            {
                            \t"service": {
                            \t\t"namespace": "shop",
                            \t\t"name": "web"
                            \t},
                            \t"localEndpoints": %d,
                            \t"serviceProxyHealthy": %b
                            }""".formatted(local, well));
        });
    }

    @Test
    void a_head_request_has_no_body() throws IOException {
        ports.update(snapshot("Local", "{addresses: [127.0.3.1], nodeName: here}"));
        await().ignoreExceptions().untilAsserted(() -> assertThat(ask("HEAD /")).startsWith("HTTP/1.1 200")
                .endsWith("\r\n\r\n"));
    }

    @Test
    void a_service_with_the_policy_cluster_has_no_check_and_one_that_changes_loses_it() throws IOException {
        ports.update(snapshot("Local", "{addresses: [127.0.3.1], nodeName: here}"));
        await().ignoreExceptions().until(() -> ask("GET /").startsWith("HTTP/1.1 200"));
        ClusterSnapshot before = snapshot("Local", "");
        assertThat(before.services()).containsKey(new ServiceName("shop", "web"));
        Files.delete(directory.resolve("services.yaml"));
        ports.update(new ClusterSnapshot(2, before.asOf(), before.node(), Map.of(), List.of()));
        await().until(() -> {
            try {
                ask("GET /");
                return false;
            } catch (IOException e) {
                return true;
            }
        });
    }

    @Test
    void a_port_that_is_taken_is_tried_again() throws IOException {
        try (ServerSocket taken = new ServerSocket()) {
            taken.bind(new InetSocketAddress(HERE, PORT));
            ports.update(snapshot("Local", "{addresses: [127.0.3.1], nodeName: here}"));
        }
        await().ignoreExceptions().until(() -> ask("GET /").startsWith("HTTP/1.1 200"));
    }

    @Test
    void half_sent_requests_keep_nobody_from_an_answer() throws IOException {
        ports.update(snapshot("Local", "{addresses: [127.0.3.1], nodeName: here}"));
        await().ignoreExceptions().until(() -> ask("GET /").startsWith("HTTP/1.1 200"));
        List<Socket> held = new ArrayList<>();
        try {
            for (int i = 0; i < 600; i++) {
                Socket half = new Socket();
                held.add(half);
                half.connect(new InetSocketAddress(HERE, PORT), 10_000);
                half.getOutputStream().write("GET / HTTP/1.1\r\nX: ".getBytes(StandardCharsets.US_ASCII));
                if (i % 100 == 99) {
                    assertThat(ask("GET /")).startsWith("HTTP/1.1 200");
                }
            }
        } finally {
            for (Socket half : held) {
                half.close();
            }
        }
    }
}
