package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.it.testbed.DatagramPod;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code --address-mode nftables} with UDP Services: a client, the node and a pod, on cables of their own. */
class InterceptedDatagramsIT {

    private static final Duration SOON = Duration.ofSeconds(30);
    private static final String SERVICES = """
            apiVersion: v1
            kind: Service
            metadata: {name: echo}
            spec:
              type: NodePort
              clusterIPs: [10.96.78.1, "fd96:78::1"]
              ports: [{port: 7000, targetPort: 9000, nodePort: 30070, protocol: UDP}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: empty}
            spec: {clusterIP: 10.96.78.2, ports: [{port: 7000, protocol: UDP}]}
            ---
            """;

    @TempDir
    private Path directory;
    private NetworkNamespace node;
    private NetworkNamespace client;
    private NetworkNamespace pod;
    private NodeDaemon daemon;
    private DatagramPod four;
    private DatagramPod six;

    @BeforeEach
    void build() throws Exception {
        String whyNot = NetworkNamespace.whyNot();
        assumeTrue(whyNot.isEmpty(), whyNot);
        node = NetworkNamespace.create("n");
        client = NetworkNamespace.create("c");
        pod = NetworkNamespace.create("p");
        node.join("c0", client, 1);
        node.join("p0", pod, 2);
        node.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                "net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.default.rp_filter=1");
        node.ip("route add default via 10.50.2.2", "-6 route add default via fd50:2::2");
        four = pod.inside(() -> DatagramPod.at("10.50.2.2", 9000, "four"));
        six = pod.inside(() -> DatagramPod.at("fd50:2::2", 9000, "six"));
        slices("10.50.2.2", "fd50:2::2");
    }

    @AfterEach
    void end() throws IOException {
        if (daemon != null) {
            daemon.close();
        }
        for (DatagramPod server : new DatagramPod[] {four, six}) {
            if (server != null) {
                server.close();
            }
        }
        for (NetworkNamespace namespace : new NetworkNamespace[] {node, client, pod}) {
            if (namespace != null) {
                namespace.close();
            }
        }
    }

    private void slices(String ipv4, String ipv6) throws IOException {
        StringBuilder all = new StringBuilder(SERVICES);
        for (String ip : new String[] {ipv4, ipv6}) {
            boolean isIpv6 = ip.contains(":");
            all.append("""
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: echo-%s, labels: {kubernetes.io/service-name: echo}}
                    addressType: %s
                    ports: [{port: 9000, protocol: UDP}]
                    endpoints: [%s]
                    ---
                    """.formatted(isIpv6 ? "6" : "4", isIpv6 ? "IPv6" : "IPv4",
                    ip.isEmpty() ? "" : "{addresses: [\"" + ip + "\"]}"));
        }
        Path next = directory.resolve("services.tmp");
        Files.writeString(next, all);
        Files.move(next, directory.resolve("services.yaml"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }

    private void run(String transport, String... more) throws IOException {
        String[] arguments = new String[more.length + 10];
        System.arraycopy(new String[] {"-f", directory.toString(), "--address-mode", "nftables",
                "--nodeport-addresses", "10.50.0.0/16", "--hostname-override", "here", "--transport", transport}, 0,
                arguments, 0, 10);
        System.arraycopy(more, 0, arguments, 10, more.length);
        daemon = NodeDaemon.run(node, arguments);
    }

    private static DatagramSocket socket(NetworkNamespace from, String ip, int port) throws Exception {
        return from.inside(() -> DatagramPod.client(new InetSocketAddress(InetAddress.ofLiteral(ip), port)));
    }

    private static String ask(NetworkNamespace from, String ip, int port) throws Exception {
        try (DatagramSocket socket = socket(from, ip, port)) {
            return DatagramPod.ask(socket);
        }
    }

    @ParameterizedTest
    @MethodSource("io.sluice.it.testbed.Transports#ofLongTests")
    void a_pod_sees_who_has_sent_a_datagram_as_with_kube_proxy(String transport) throws Exception {
        run(transport);
        for (int i = 0; i < 5; i++) {
            assertThat(ask(client, "10.96.78.1", 7000)).as(daemon.log()).isEqualTo("four 10.50.1.2");
            assertThat(ask(client, "fd96:78::1", 7000)).isEqualTo("six fd50:1:0:0:0:0:0:2");
            // From outside: masqueraded.
            assertThat(ask(client, "10.50.1.1", 30_070)).isEqualTo("four 10.50.2.1");
            // A process of the node, and a pod that reaches itself.
            assertThat(ask(node, "10.96.78.1", 7000)).isEqualTo("four 10.50.2.1");
            assertThat(ask(node, "fd96:78::1", 7000)).startsWith("six fd50:2:0:0:0:0:0:1");
            assertThat(ask(pod, "10.96.78.1", 7000)).isEqualTo("four 10.50.2.1");
        }
        try (DatagramSocket socket = socket(client, "10.96.78.1", 7000)) {
            for (int bytes : new int[] {65_507, 1, 30_000}) {
                socket.send(new DatagramPacket(new byte[bytes], bytes));
                DatagramPacket reply = new DatagramPacket(new byte[100], 100);
                socket.receive(reply);
                assertThat(reply.getLength()).isPositive();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 0})
    void a_pod_on_a_bridge_is_served_with_br_netfilter_and_without(int callIptables) throws Exception {
        node.ip("link add br0 type bridge", "link set br0 up", "addr add 10.50.7.1/24 dev br0",
                "addr add fd50:7::1/64 dev br0 nodad");
        if (node.run("sysctl", "-a").contains("net.bridge.bridge-nf-call-iptables")) {
            node.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=" + callIptables,
                    "net.bridge.bridge-nf-call-ip6tables=" + callIptables);
        }
        NetworkNamespace bridged = NetworkNamespace.create("b");
        try (bridged) {
            node.cable("b0", bridged, "eth0");
            node.ip("link set b0 master br0", "link set b0 up");
            bridged.ip("addr add 10.50.7.2/24 dev eth0", "addr add fd50:7::2/64 dev eth0 nodad", "link set eth0 up",
                    "route add default via 10.50.7.1", "-6 route add default via fd50:7::1");
            run("auto");
            for (int i = 0; i < 5; i++) {
                assertThat(ask(bridged, "10.96.78.1", 7000)).as(daemon.log()).isEqualTo("four 10.50.7.2");
                assertThat(ask(bridged, "fd96:78::1", 7000)).isEqualTo("six fd50:7:0:0:0:0:0:2");
                assertThat(ask(bridged, "10.50.7.1", 30_070)).isEqualTo("four 10.50.2.1");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.sluice.it.testbed.Transports#ofLongTests")
    void who_has_no_endpoint_refuses_and_serves_again(String transport) throws Exception {
        run(transport);
        assertRefused("10.96.78.2", 7000);
        assertRefused("10.96.78.1", 7001);
        try (DatagramSocket socket = socket(client, "10.96.78.1", 7000)) {
            assertThat(DatagramPod.ask(socket)).isEqualTo("four 10.50.1.2");
            slices("", "fd50:2::2");
            await().atMost(SOON).untilAsserted(() -> assertRefused("10.96.78.1", 7000));
            assertThat(ask(client, "fd96:78::1", 7000)).isEqualTo("six fd50:1:0:0:0:0:0:2");
            slices("10.50.2.2", "fd50:2::2");
            await().atMost(SOON).ignoreExceptionsInstanceOf(IOException.class)
                    .until(() -> DatagramPod.ask(socket).equals("four 10.50.1.2"));
        }
        daemon.kill();
        await().atMost(SOON).ignoreExceptionsInstanceOf(IOException.class)
                .until(() -> ask(client, "10.96.78.1", 7000).equals("four 10.50.1.2")); // by the kernel, on its own
        run(transport);
        assertThat(ask(client, "10.96.78.1", 7000)).isEqualTo("four 10.50.1.2");
        assertThat(daemon.stop()).as(daemon.log()).isZero();
        try (NodeDaemon cleanup = NodeDaemon.start(node, "cleanup")) {
            assertThat(cleanup.awaitExit()).isZero();
            assertThat(cleanup.log()).contains("Nothing of sluice is left here.");
        }
    }

    @ParameterizedTest
    @MethodSource("io.sluice.it.testbed.Transports#ofLongTests")
    void the_next_daemon_takes_over_and_no_exchange_is_lost(String transport) throws Exception {
        Path handover = directory.resolve("handover");
        run(transport, "--handover-socket", handover.toString());
        assertThat(ask(client, "10.96.78.1", 7000)).isEqualTo("four 10.50.1.2");
        NodeDaemon first = daemon;
        try (first; DatagramSocket standing = socket(client, "10.96.78.1", 7000)) {
            assertThat(DatagramPod.ask(standing)).isEqualTo("four 10.50.1.2");
            Thread starting = start(transport, handover);
            while (first.isAlive()) {
                assertThat(ask(client, "10.96.78.1", 7000)).isEqualTo("four 10.50.1.2");
                assertThat(DatagramPod.ask(standing)).isEqualTo("four 10.50.1.2");
            }
            starting.join();
            for (int i = 0; i < 20; i++) {
                assertThat(ask(client, "10.96.78.1", 7000)).isEqualTo("four 10.50.1.2");
                assertThat(DatagramPod.ask(standing)).isEqualTo("four 10.50.1.2");
            }
        }
    }

    @ParameterizedTest
    @MethodSource("io.sluice.it.testbed.Transports#ofLongTests")
    void a_flow_goes_on_through_the_next_daemons_with_its_endpoint_and_port(String transport) throws Exception {
        pod.ip("addr add 10.50.2.3/24 dev eth0");
        Path handover = directory.resolve("handover");
        slices("10.50.2.2\", \"10.50.2.3", "fd50:2::2");
        try (DatagramPod other = pod.inside(() -> DatagramPod.at("10.50.2.3", 9000, "other"))) {
            run(transport, "--handover-socket", handover.toString());
            try (DatagramSocket seen = socket(client, "10.96.78.1", 7000);
                    DatagramSocket masqueraded = socket(client, "10.50.1.1", 30_070)) {
                String first = DatagramPod.ask(seen);
                String second = DatagramPod.ask(masqueraded);
                for (int generation = 0; generation < 3; generation++) {
                    NodeDaemon old = daemon;
                    Thread starting = start(transport, handover);
                    try (old) {
                        while (old.isAlive() || starting.isAlive()) {
                            assertThat(DatagramPod.ask(seen)).isEqualTo(first);
                            assertThat(DatagramPod.ask(masqueraded)).isEqualTo(second);
                            Thread.sleep(2);
                        }
                    }
                }
                assertThat(four.senders().size() + other.senders().size()).isEqualTo(2);
            }
        }
    }

    private Thread start(String transport, Path handover) {
        return Thread.ofPlatform().start(() -> {
            try {
                run(transport, "--handover-socket", handover.toString());
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        });
    }

    private void assertRefused(String ip, int port) throws Exception {
        assertThatThrownBy(() -> ask(client, ip, port)).isInstanceOf(java.net.PortUnreachableException.class);
    }
}
