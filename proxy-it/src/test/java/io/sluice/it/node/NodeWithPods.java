package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.netlink.Conntrack;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests of {@code --address-mode nftables} on a node with pods on cables of their own. Each ends with a look whether the
 * daemon, or {@code sluice cleanup} after it, has taken everything back.
 *
 * <pre>
 * client 10.50.1.2   pod 10.50.2.2   neighbour 10.50.3.2   (fd50:1::2 …), each behind a cable with the node at .1
 * </pre>
 */
abstract class NodeWithPods {

    static final Duration PATIENCE = Duration.ofSeconds(60);
    static final String SERVICES = """
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec:
              type: NodePort
              clusterIPs: [10.96.77.1, "fd96:77::1"]
              externalIPs: [203.0.113.7]
              ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: local}
            spec:
              type: NodePort
              externalTrafficPolicy: Local
              clusterIPs: [10.96.77.2]
              externalIPs: [203.0.113.8]
              ports: [{port: 80, targetPort: 8080, nodePort: 30081}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: empty}
            spec: {clusterIP: 10.96.77.3, ports: [{port: 80}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: masqueraded, annotations: {sluice.io/preserve-source: "false"}}
            spec: {clusterIP: 10.96.77.4, ports: [{port: 80, targetPort: 8080}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: far}
            spec: {clusterIP: 10.96.77.5, internalTrafficPolicy: Local, ports: [{port: 80, targetPort: 8080}]}
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: far, labels: {kubernetes.io/service-name: far}}
            addressType: IPv4
            ports: [{port: 8080}]
            endpoints: [{addresses: [10.50.2.2], nodeName: elsewhere}]
            ---
            """;

    @TempDir
    static Path directory;
    static NetworkNamespace node;
    static NetworkNamespace client;
    static NetworkNamespace pod;
    static NetworkNamespace neighbour;
    static ServerSocket server;
    static Path manifest;
    NodeDaemon daemon;
    String before;

    @BeforeAll
    static void build() throws Exception {
        String whyNot = NetworkNamespace.whyNot();
        assumeTrue(whyNot.isEmpty(), whyNot);
        node = NetworkNamespace.create("n");
        client = NetworkNamespace.create("c");
        pod = NetworkNamespace.create("p");
        neighbour = NetworkNamespace.create("x");
        node.join("c0", client, 1);
        node.join("p0", pod, 2);
        node.join("x0", neighbour, 3);
        node.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                "net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.default.rp_filter=1");
        // Where a node sends what is not in the cluster; a process of the node has to have a route to a Service.
        node.ip("route add default via 10.50.3.2", "-6 route add default via fd50:3::2");
        // As the network scripts of some distributions do.
        node.ip("-6 route add unreachable ::ffff:0.0.0.0/96 dev lo");
        server = pod.inside(() -> new ServerSocket(8080));
        Thread.ofPlatform().daemon().start(() -> tellWhoCalls(server));
        manifest = directory.resolve("services.yaml");
    }

    @AfterAll
    static void end() throws Exception {
        if (server != null) {
            server.close();
        }
        for (NetworkNamespace namespace : new NetworkNamespace[] {node, client, pod, neighbour}) {
            if (namespace != null) {
                namespace.close();
            }
        }
    }

    @BeforeEach
    void serve() throws Exception {
        before = state();
        // A port that a client has used in the test before may be known to conntrack, and would not be led to an endpoint.
        node.inside(() -> {
            try (Conntrack kernel = Conntrack.open()) {
                kernel.forget(0, 0);
            }
            return null;
        });
        write(SERVICES + slices("web", "10.50.2.2", "fd50:2::2") + slices("local", "10.50.2.2")
                + slices("masqueraded", "10.50.2.2"));
    }

    @AfterEach
    void everything_is_taken_back() throws Exception {
        if (daemon.isAlive()) {
            assertThat(daemon.stop()).as(daemon.log()).isZero();
        } else {
            try (NodeDaemon cleanup = NodeDaemon.start(node, "cleanup")) {
                assertThat(cleanup.awaitExit()).isZero();
            }
        }
        daemon.close();
        assertThat(state()).isEqualTo(before);
        try (NodeDaemon cleanup = NodeDaemon.start(node, "cleanup")) {
            assertThat(cleanup.awaitExit()).isZero();
            assertThat(cleanup.log()).contains("Nothing of sluice is left here.");
        }
    }

    void run(String... more) throws IOException {
        runIn("nftables", more);
    }

    void runIn(String addressMode, String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("-f", directory.toString(), "--address-mode", addressMode,
                "--nodeport-addresses", "10.50.0.0/16", "--hostname-override", "here"));
        arguments.addAll(List.of(more));
        daemon = NodeDaemon.run(node, arguments.toArray(String[]::new));
    }

    /** Asks again and again; completes with the number of answers, or with the first failure. */
    static CompletableFuture<Integer> askUntil(AtomicBoolean over, NetworkNamespace from) {
        CompletableFuture<Integer> answers = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                int count = 0;
                for (; !over.get(); count++) {
                    ask(from, "10.96.77.1", 80);
                }
                answers.complete(count);
            } catch (Exception e) {
                answers.completeExceptionally(e);
            }
        });
        return answers;
    }

    /** The kernel takes connections for as long as it ends the process, which goes on after the process is gone. */
    static void awaitDeath() {
        await().atMost(PATIENCE).until(() -> node.run("ss", "-Hltnu").isBlank());
    }

    static void write(String text) throws IOException {
        Path fresh = Files.writeString(directory.resolve("fresh"), text);
        Files.move(fresh, manifest, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }

    static String slices(String service, String... addresses) {
        return slices(service, 8080, addresses);
    }

    static String slices(String service, int port, String... addresses) {
        StringBuilder all = new StringBuilder();
        for (String address : addresses) {
            boolean six = address.contains(":");
            all.append("""
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: %1$s-%2$s, labels: {kubernetes.io/service-name: %1$s}}
                    addressType: IPv%2$s
                    ports: [{port: %3$d}]
                    endpoints: [{addresses: ["%4$s"], nodeName: here}]
                    ---
                    """.formatted(service, six ? "6" : "4", port, address));
        }
        return all.toString();
    }

    /** What Sluice might leave, but for its table. */
    static String state() throws IOException, InterruptedException {
        return node.ip("-4 rule show", "-6 rule show") + node.ip("-4 route show table all proto 115")
                + node.ip("-6 route show table all proto 115");
    }

    /** Says who calls, and then repeats what is sent. */
    static void tellWhoCalls(ServerSocket socket) {
        while (!socket.isClosed()) {
            try {
                Socket caller = socket.accept();
                Thread.ofPlatform().daemon().start(() -> answer(caller));
            } catch (IOException e) {
                return;
            }
        }
    }

    static void answer(Socket caller) {
        try (caller) {
            caller.getOutputStream().write((caller.getInetAddress().getHostAddress() + "\n")
                    .getBytes(StandardCharsets.US_ASCII));
            caller.getInputStream().transferTo(caller.getOutputStream());
        } catch (IOException e) {
            // The caller has gone.
        }
    }

    static Socket talk(NetworkNamespace from, String ip) throws Exception {
        return talk(from, ip, 80);
    }

    static Socket talk(NetworkNamespace from, String ip, int port) throws Exception {
        Socket socket = from.inside(() -> {
            Socket connected = new Socket();
            connected.setSoTimeout(10_000);
            connected.connect(new InetSocketAddress(InetAddress.getByName(ip), port), 5_000);
            return connected;
        });
        line(socket);
        return socket;
    }

    static String line(Socket socket) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int octet = socket.getInputStream().read(); octet != '\n'; octet = socket.getInputStream().read()) {
            if (octet < 0) {
                throw new IOException("the end after '" + line + "'");
            }
            line.append((char) octet);
        }
        return line.toString();
    }

    static void assertEchoes(Socket socket) throws IOException {
        socket.getOutputStream().write("and on it goes\n".getBytes(StandardCharsets.US_ASCII));
        assertThat(line(socket)).isEqualTo("and on it goes");
    }

    /** Who the endpoint says has called. */
    static String ask(NetworkNamespace from, String ip, int port) throws Exception {
        return from.inside(() -> {
            try (Socket socket = new Socket()) {
                socket.setSoTimeout(10_000);
                socket.connect(new InetSocketAddress(InetAddress.getByName(ip), port), 5_000);
                socket.shutdownOutput();
                return line(socket);
            } catch (SocketTimeoutException e) {
                throw new SocketTimeoutException(e.getMessage() + "; half-open on the node: " + halfOpen());
            }
        });
    }

    private static String halfOpen() throws IOException, InterruptedException {
        return node.run("sh", "-c", "cat /proc/net/nf_conntrack; ss -Htan").lines()
                .filter(line -> line.contains("SYN")).collect(Collectors.joining("; "));
    }

    static void assertRefused(NetworkNamespace from, String ip, int port) {
        long begun = System.nanoTime();
        assertThatThrownBy(() -> ask(from, ip, port)).isInstanceOf(ConnectException.class)
                .hasMessageContaining("refused");
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(3));
    }
}
