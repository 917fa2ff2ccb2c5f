package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EmptyReason;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState.PortState;
import io.sluice.source.SourceException;
import io.sluice.source.probe.LocalPod;
import io.sluice.source.probe.LocalReadiness;
import io.sluice.source.probe.LocalReadiness.WithoutProbe;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Processes on this machine become ready and not ready, and their Services' endpoints with them. */
@Timeout(60)
class LocalReadinessTest {

    private static final String API = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              selector: {matchLabels: {app: api}}
              template:
                metadata: {labels: {app: api}}
                spec:
                  containers:
                    - name: api
                      ports: [{name: http, containerPort: 8080}, {name: admin, containerPort: 9000}]
            PROBE
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: api}
            spec: {selector: {app: api}, ports: [{port: 80, targetPort: http}]}
            """;
    private static final ServiceName POD = new ServiceName("default", "api-1");

    @TempDir
    private Path directory;
    private ManifestFiles files;
    private ManifestSource source;
    private final List<ClusterSnapshot> snapshots = new CopyOnWriteArrayList<>();

    @BeforeEach
    void directory() {
        files = new ManifestFiles(directory);
    }

    @AfterEach
    void close() {
        if (source != null) {
            source.close();
        }
    }

    private static String api(String probe) {
        return API.replace("PROBE", probe.isEmpty() ? "" : "          readinessProbe: " + probe);
    }

    private LocalReadiness start(String probe, int port, WithoutProbe withoutProbe) throws SourceException {
        files.write("all.yaml", api(probe));
        LocalReadiness readiness = new LocalReadiness(withoutProbe);
        source = new ManifestSource(files.options().with(GivenEndpoint.parse(List.of("api=127.0.0.1:" + port))),
                readiness);
        source.start(snapshots::add);
        return readiness;
    }

    private PortState port() {
        return port(snapshots.getLast());
    }

    private static PortState port(ClusterSnapshot snapshot) {
        return snapshot.services().get(new ServiceName("default", "api")).ports().getFirst();
    }

    private String why() {
        return why(snapshots.getLast());
    }

    private static String why(ClusterSnapshot snapshot) {
        EmptyReason reason = port(snapshot).whyEmpty();
        return reason == null ? "" : reason.describe();
    }

    @Test
    void a_process_is_an_endpoint_once_its_probe_has_succeeded_and_until_it_fails() throws Exception {
        int port;
        try (ServerSocket process = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            port = process.getLocalPort();
            start("{tcpSocket: {port: http}, periodSeconds: 1, failureThreshold: 1}", port, WithoutProbe.READY);
            // By now the probe may have succeeded.
            assertThat(why(snapshots.getFirst())).isEqualTo(
                    "1 endpoint, not ready: api-1 (its readiness probe has not succeeded yet)");
            await().untilAsserted(() -> assertThat(why()).isEmpty());
        }

        await().untilAsserted(() -> assertThat(why()).isEqualTo("1 endpoint, not ready: api-1 (readiness probe:"
                + " 127.0.0.1:" + port + " does not accept connections: connection refused)"));
        assertThat(port().endpoints().endpoints().getFirst().serving()).isFalse();
    }

    @Test
    void readiness_is_followed_while_an_edit_is_broken() throws Exception {
        try (ServerSocket process = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            LocalReadiness readiness = start("", process.getLocalPort(), WithoutProbe.PROBED_BY_CONNECTING);
            await().untilAsserted(() -> assertThat(why()).isEmpty());

            files.write("all.yaml", "kind: [");
            await().until(() -> !source.freshness().current());
            readiness.stopped(POD, "its program has exited");
            await().untilAsserted(() -> assertThat(why())
                    .isEqualTo("1 endpoint, not ready: api-1 (its program has exited)"));
            readiness.started(POD);
            await().untilAsserted(() -> assertThat(why()).isEmpty());

            assertThat(snapshots.stream().map(ClusterSnapshot::version)).isSorted().doesNotHaveDuplicates();
        }
    }

    @Test
    void a_pod_without_a_probe_is_ready_as_with_kubelet() throws Exception {
        start("", 1, WithoutProbe.READY);

        assertThat(why()).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            {httpGet: {path: ok, port: http}}             | HttpGet[scheme=http, path=/ok, port=8080, headers={}] | 127.0.0.1:3000
            {httpGet: {port: admin, scheme: HTTPS}}       | HttpGet[scheme=https, path=/, port=9000, headers={}]  | 127.0.0.1:9000
            {httpGet: {port: 80, httpHeaders: [{name: A, value: b}]}} | HttpGet[scheme=http, path=/, port=80, headers={A=b}] | 127.0.0.1:80
            {tcpSocket: {port: 8080}}                     | TcpSocket[port=8080]      | 127.0.0.1:3000
            {grpc: {port: 9000}}                          | TcpSocket[port=9000]      | 127.0.0.1:9000
            {exec: {command: [a, b c]}}                   | Exec[command=[a, b c]]    | 127.0.0.1:3000
            """)
    void a_probe_is_made_where_the_process_is(String probe, String action, String target) {
        files.write("all.yaml", api(probe));

        LocalPod pod = ManifestSource.load(files.options().with(GivenEndpoint.parse(List.of("api=127.0.0.1:3000")))
                .withProbes()).localPods().getFirst();

        assertThat(pod.probe().action()).hasToString(action);
        assertThat(pod.target()).hasToString(target);
        assertThat(pod.probe().period()).hasSeconds(10);
        assertThat(pod.probe().failureThreshold()).isEqualTo(3);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            {}                                     | readinessProbe: needs exactly one of httpGet, tcpSocket, exec and grpc
            {tcpSocket: {port: 1}, exec: {}}       | readinessProbe: needs exactly one of httpGet, tcpSocket, exec and grpc
            {tcpSocket: {port: htp}}               | readinessProbe.tcpSocket.port: 'htp' is not a port of the container
            {tcpSocket: {port: 0}}                 | readinessProbe.tcpSocket.port: '0' must be a whole number between 1 and 65535
            {exec: {command: []}}                  | readinessProbe.exec.command: is missing
            {httpGet: {port: 1, scheme: FTP}}      | readinessProbe.httpGet.scheme: 'FTP' must be HTTP or HTTPS
            {tcpSocket: {port: 1}, periodSeconds: 0} | readinessProbe.periodSeconds: '0' must be a whole number between 1 and 86400
            """)
    void a_mistake_in_a_probe_is_told_with_its_place_if_probes_are_made(String probe, String message)
            throws IOException {
        files.write("all.yaml", api(probe));
        ManifestOptions options = files.options().with(GivenEndpoint.parse(List.of("api=127.0.0.1:3000")));

        assertThat(ManifestSource.load(options.withProbes()).errors()).singleElement().asString()
                .startsWith(directory + "/all.yaml:12: Deployment default/api spec.template.spec.containers[0].")
                .endsWith(message);
        assertThat(ManifestSource.load(options).problems()).isEmpty();
    }
}
