package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.it.testbed.DatagramPod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Flows of datagrams while daemons follow each other. */
class FlowHandoverIT {

    private static final String RANGE = "127." + (114 + ProcessHandle.current().pid() % 50) + "."
            + ProcessHandle.current().pid() / 50 % 250 + ".";
    private static final String ADDRESS = RANGE + "10";
    private static final String ADMIN = RANGE + "1";
    private static final int GENERATIONS = 3;
    /** More than one message has. */
    private static final int FLOWS = 300;

    @TempDir
    private Path directory;
    private final List<DatagramPod> pods = new ArrayList<>();
    private NodeDaemon daemon;

    @BeforeEach
    void prepare() throws IOException {
        Files.createDirectory(directory.resolve("manifests"));
        Files.writeString(directory.resolve("manifests/udp.yaml"), """
                apiVersion: v1
                kind: Service
                metadata: {name: udp}
                spec: {clusterIP: %s, ports: [{port: 8000, targetPort: 8080, protocol: UDP}]}
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: udp}
                subsets: [{addresses: [{ip: %s}, {ip: %s}], ports: [{port: 8080, protocol: UDP}]}]
                """.formatted(ADDRESS, RANGE + "20", RANGE + "21"));
        pods.add(DatagramPod.at(RANGE + "20", 8080, "pod-0"));
        pods.add(DatagramPod.at(RANGE + "21", 8080, "pod-1"));
    }

    @AfterEach
    void end() throws IOException {
        if (daemon != null) {
            daemon.close();
        }
        for (DatagramPod pod : pods) {
            pod.close();
        }
    }

    private void run(String transport) {
        try {
            daemon = NodeDaemon.start("run", "--handover-socket", directory.resolve("handover.sock").toString(), "-f",
                    directory.resolve("manifests").toString(), "--metrics-bind-address", ADMIN + ":10249",
                    "--healthz-bind-address", ADMIN + ":10256", "--transport", transport);
            daemon.awaitLog("serving ");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private int senders() {
        return pods.stream().mapToInt(pod -> pod.senders().size()).sum();
    }

    @ParameterizedTest
    @MethodSource("io.sluice.it.testbed.Transports#ofLongTests")
    void every_flow_goes_on_with_its_endpoint_and_port(String transport) throws Exception {
        run(transport);
        List<DatagramSocket> clients = new ArrayList<>();
        List<String> served = new ArrayList<>();
        try {
            for (int i = 0; i < FLOWS; i++) {
                DatagramSocket client =
                        DatagramPod.client(new InetSocketAddress(InetAddress.ofLiteral(ADDRESS), 8000));
                clients.add(client);
                served.add(DatagramPod.ask(client));
            }
            assertThat(senders()).isEqualTo(FLOWS);
            for (int generation = 0; generation < GENERATIONS; generation++) {
                NodeDaemon old = daemon;
                Thread starting = Thread.ofPlatform().start(() -> run(transport));
                try (old) {
                    for (int i = 0; old.isAlive() || starting.isAlive(); i = (i + 1) % FLOWS) {
                        assertThat(DatagramPod.ask(clients.get(i))).isEqualTo(served.get(i));
                    }
                    assertThat(old.log()).contains("flows of datagrams that go on in the new process: " + FLOWS);
                }
                for (int i = 0; i < FLOWS; i++) {
                    assertThat(DatagramPod.ask(clients.get(i))).isEqualTo(served.get(i));
                }
            }
            assertThat(senders()).as(daemon.log()).isEqualTo(FLOWS);
        } finally {
            clients.forEach(DatagramSocket::close);
        }
    }
}
