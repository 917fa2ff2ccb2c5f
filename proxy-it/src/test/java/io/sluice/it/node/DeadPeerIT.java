package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.it.testbed.EachTransport;
import io.sluice.proxy.Transport;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * A node and one other host, whose cable is cut: an endpoint there ({@code far}), or a client of an endpoint on the node
 * ({@code near}).
 */
class DeadPeerIT {

    private static final String NODE = "10.98.0.1";
    private static final String HOST = "10.98.0.2";
    private static final String FAR = "127.120.6.1";
    private static final int SERVICE_PORT = 8080;
    private static final int NODE_PORT = 30_080;
    private static final int FAR_PORT = 9_000;
    private static final int NEAR_PORT = 9_001;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    /** More than all buffers on the way hold. */
    private static final int BULK = 64 << 20;
    /** Several times the time after which a peer is dead. */
    private static final Duration SLOW = Duration.ofSeconds(6);

    private static final String MANIFEST = """
            apiVersion: v1
            kind: Service
            metadata: {name: far, annotations: {ANNOTATIONS}}
            spec: {clusterIP: 127.120.6.1, ports: [{port: 8080, targetPort: 9000}]}
            ---
            apiVersion: v1
            kind: Endpoints
            metadata: {name: far}
            subsets: [{addresses: [{ip: 10.98.0.2}], ports: [{port: 9000}]}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: near, annotations: {ANNOTATIONS}}
            spec: {type: NodePort, clusterIP: 127.120.6.2, ports: [{port: 8080, targetPort: 9001, nodePort: 30080}]}
            ---
            apiVersion: v1
            kind: Endpoints
            metadata: {name: near}
            subsets: [{addresses: [{ip: 127.0.0.1}], ports: [{port: 9001}]}]
            """;

    private final Deque<Closeable> resources = new ArrayDeque<>();
    @TempDir
    private Path directory;
    private NetworkNamespace node;
    private NetworkNamespace host;
    private NodeDaemon daemon;
    private ServerSocket far;
    private ServerSocket near;

    /** Both ends of a connection through the proxy. */
    private record Pair(Socket client, Socket endpoint) {}

    @BeforeEach
    void prepare() throws Exception {
        assumeTrue(NetworkNamespace.whyNot().isEmpty());
        node = with(NetworkNamespace.create("n"));
        host = with(NetworkNamespace.create("h"));
        node.cable("eth0", host, "eth0");
        node.ip("link set eth0 up", "addr add " + NODE + "/24 dev eth0");
        host.ip("link set eth0 up", "addr add " + HOST + "/24 dev eth0");
        far = with(listen(host, HOST, FAR_PORT));
        near = with(listen(node, "127.0.0.1", NEAR_PORT));
    }

    @AfterEach
    void end() throws IOException {
        while (!resources.isEmpty()) {
            resources.pop().close();
        }
    }

    @EachTransport
    void a_peer_whose_host_is_dead_is_noticed_idle_or_busy_and_both_sides_are_reset(Transport transport)
            throws Exception {
        start(transport, "", "--keepalive-idle", "1s", "--keepalive-interval", "1s", "--keepalive-count", "2",
                "--dead-peer-timeout", "2s");
        peersDie();
    }

    @EachTransport
    void a_service_says_itself_when_its_peers_are_dead(Transport transport) throws Exception {
        start(transport, "sluice.io/keepalive-idle: 1s, sluice.io/keepalive-interval: 1s,"
                + " sluice.io/keepalive-count: \"2\", sluice.io/dead-peer-timeout: 2s");
        peersDie();
    }

    private void peersDie() throws Exception {
        Pair idleFar = far();
        Pair idleNear = near();
        // One of each has something to send at once, one goes on for as long as it is let.
        List<Socket> busyWithFar = List.of(far().client(), far().client());
        List<Socket> busyWithNear = List.of(near().endpoint(), near().endpoint());
        awaitKeepalive(2 * 6);
        host.ip("link set eth0 down");
        List<CompletableFuture<Void>> floods = new ArrayList<>();
        List<Socket> waiting = new ArrayList<>(List.of(idleFar.client(), idleNear.endpoint()));
        for (List<Socket> sockets : List.of(busyWithFar, busyWithNear)) {
            sockets.getFirst().getOutputStream().write('!');
            waiting.add(sockets.getFirst());
            floods.add(flood(sockets.getLast()));
        }

        for (Socket socket : waiting) {
            isReset(socket);
        }
        for (CompletableFuture<Void> flood : floods) {
            assertThat(flood).failsWithin(PATIENCE).withThrowableThat().withCauseInstanceOf(IOException.class);
        }
        int each = 3;
        await().atMost(PATIENCE).untilAsserted(() -> {
            assertThat(ended("default/far", "sA")).as(daemon.log()).isEqualTo(each);
            assertThat(ended("default/near", "cA")).as(daemon.log()).isEqualTo(each);
        });
        String metrics = metrics();
        assertThat(metrics).contains(
                "sluice_connections_dead_peer_total{namespace=\"default\",port=\"\",service=\"far\",side=\"backend\"} "
                        + each + ".0",
                "sluice_connections_dead_peer_total{namespace=\"default\",port=\"\",service=\"near\",side=\"client\"} "
                        + each + ".0");
    }

    /** Until so many sockets of the daemon are idle and have the options of connections that live on. */
    private void awaitKeepalive(int sockets) {
        await().atMost(PATIENCE).until(() -> node.run("ss", "-Htno", "state", "established").lines()
                .filter(line -> line.contains("timer:(keepalive")).count() >= sockets);
    }

    @EachTransport
    void a_reader_that_takes_nothing_for_long_is_slow_and_not_dead(Transport transport) throws Exception {
        start(transport, "", "--keepalive-idle", "1s", "--keepalive-interval", "1s", "--keepalive-count", "2",
                "--dead-peer-timeout", "1s");
        Pair toEndpoint = far();
        Pair toClient = near();
        CompletableFuture<Void> upload = flood(toEndpoint.client());
        CompletableFuture<Void> download = flood(toClient.endpoint());
        await().during(SLOW).atMost(SLOW.plus(PATIENCE)).until(() -> !upload.isDone() && !download.isDone());

        assertThat(read(toEndpoint.endpoint())).isEqualTo(BULK);
        assertThat(read(toClient.client())).isEqualTo(BULK);
        assertThat(ended("default/far", "sA") + ended("default/near", "cA")).isZero();
    }

    private void start(Transport transport, String annotations, String... flags) throws Exception {
        Path manifest =
                Files.writeString(directory.resolve("services.yaml"), MANIFEST.replace("ANNOTATIONS", annotations));
        List<String> words = new ArrayList<>(List.of("-f", manifest.toString(), "--access-log", "--transport",
                transport.name().toLowerCase(Locale.ROOT), "--connect-timeout", "300ms", "--nodeport-addresses",
                "10.98.0.0/24"));
        words.addAll(List.of(flags));
        daemon = with(NodeDaemon.run(node, words.toArray(String[]::new)));
    }

    private static ServerSocket listen(NetworkNamespace where, String address, int port) throws Exception {
        return where.inside(() -> {
            ServerSocket server = new ServerSocket();
            server.setReceiveBufferSize(16 << 10);
            server.bind(new InetSocketAddress(address, port));
            return server;
        });
    }

    private Pair far() throws Exception {
        return pair(node, FAR, SERVICE_PORT, far);
    }

    private Pair near() throws Exception {
        return pair(host, NODE, NODE_PORT, near);
    }

    /** A connection on which a byte has gone both ways. */
    private Pair pair(NetworkNamespace from, String address, int port, ServerSocket server) throws Exception {
        Socket client = with(from.inside(() -> {
            Socket socket = new Socket();
            socket.setReceiveBufferSize(16 << 10);
            socket.connect(new InetSocketAddress(address, port), 10_000);
            return socket;
        }));
        Socket endpoint = with(server.accept());
        for (Socket each : List.of(client, endpoint)) {
            each.setSoTimeout((int) PATIENCE.toMillis());
        }
        client.getOutputStream().write('?');
        assertThat(endpoint.getInputStream().read()).isEqualTo('?');
        endpoint.getOutputStream().write('.');
        assertThat(client.getInputStream().read()).isEqualTo('.');
        return new Pair(client, endpoint);
    }

    /** Sends on a thread of its own until it is all sent, or fails. */
    private static CompletableFuture<Void> flood(Socket socket) {
        CompletableFuture<Void> flooded = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                socket.getOutputStream().write(new byte[BULK]);
                socket.shutdownOutput();
                flooded.complete(null);
            } catch (IOException e) {
                flooded.completeExceptionally(e);
            }
        });
        return flooded;
    }

    private static int read(Socket socket) throws IOException {
        byte[] buffer = new byte[64 << 10];
        int sum = 0;
        for (int n = socket.getInputStream().read(buffer); n >= 0; n = socket.getInputStream().read(buffer)) {
            sum += n;
        }
        return sum;
    }

    private static void isReset(Socket socket) {
        assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketException.class)
                .hasMessageContaining("reset");
    }

    /** Connections of a Service that are in the access log with this end. */
    private long ended(String service, String termination) throws IOException {
        return daemon.log().lines().filter(line -> line.contains(" " + service) && line.endsWith(" " + termination))
                .count();
    }

    private String metrics() throws Exception {
        return node.inside(() -> {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), 10_249)) {
                socket.getOutputStream().write("GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n"
                        .getBytes(StandardCharsets.US_ASCII));
                return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            }
        });
    }

    private <T extends Closeable> T with(T resource) {
        resources.push(resource);
        return resource;
    }
}
