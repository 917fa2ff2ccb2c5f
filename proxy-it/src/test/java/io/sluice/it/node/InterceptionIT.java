package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import io.sluice.nftables.Contents;
import io.sluice.nftables.DirectWay;
import io.sluice.nftables.InterceptionTable;
import io.sluice.nftables.PacketMarks;
import io.sluice.nftables.ProxyPorts;
import io.sluice.nftables.ServiceSocket;
import io.sluice.nftables.Verdict;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What becomes of packets for Services: from a pod on a bridge, from outside, from a process of the node. Addresses are no
 * node's. With br_netfilter and without.
 */
@ParameterizedClass(name = "bridge-nf-call-iptables={0}")
@ValueSource(ints = {1, 0})
class InterceptionIT {

    private static final int PORT = 15_001;
    private static final List<String> WEB = List.of("10.96.77.1", "fd96:77::1");
    private static final List<String> EMPTY = List.of("10.96.77.2", "fd96:77::2");
    private static final List<String> LOCAL = List.of("203.0.113.3", "fd00:113::3");
    private static final Map<IpFamily, ProxyPorts> PORTS = Map.of(IpFamily.IPV4, new ProxyPorts(PORT, PORT + 1),
            IpFamily.IPV6, new ProxyPorts(PORT, PORT + 1));

    @Parameter
    private int callIptables;
    private TestNode machines;
    private NetworkNamespace node;
    private TransparentListener proxy;
    private final InterceptionTable table = new InterceptionTable(PORTS, List.of());

    @BeforeEach
    void node_with_a_listener() throws Exception {
        String whyNot = NetworkNamespace.whyNot();
        assumeTrue(whyNot.isEmpty(), whyNot);
        machines = new TestNode();
        node = machines.node;
        String tables = node.inside(InterceptionTable::whyNot).orElse("");
        assumeTrue(tables.isEmpty(), tables);
        node.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                "net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.all.src_valid_mark=1");
        if (node.run("sysctl", "-a").contains("net.bridge.bridge-nf-call-iptables")) {
            node.run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=" + callIptables,
                    "net.bridge.bridge-nf-call-ip6tables=" + callIptables);
        }
        node.ip("route add default via 192.168.77.9", "-6 route add default via fd00:77::9");
        proxy = machines.with(new TransparentListener(node, PORT));
    }

    @AfterEach
    void end() throws IOException {
        if (machines != null) {
            machines.close();
        }
    }

    private static Contents contents(boolean web) {
        Map<ServiceSocket, Verdict> sockets = new HashMap<>();
        if (web) {
            WEB.forEach(ip -> sockets.put(socket(ip), Verdict.PROXY));
        }
        EMPTY.forEach(ip -> sockets.put(socket(ip), Verdict.REFUSE));
        LOCAL.forEach(ip -> sockets.put(socket(ip), Verdict.DROP));
        Set<InetAddress> clusterIps = new HashSet<>();
        WEB.forEach(ip -> clusterIps.add(IpAddresses.parse(ip)));
        EMPTY.forEach(ip -> clusterIps.add(IpAddresses.parse(ip)));
        return new Contents(sockets, clusterIps);
    }

    private static ServiceSocket socket(String ip) {
        return new ServiceSocket(new EndpointAddress(IpAddresses.parse(ip), 80), Protocol.TCP);
    }

    private void apply(Contents contents) throws Exception {
        node.inside(() -> {
            table.apply(contents);
            return null;
        });
    }

    private boolean repair() throws Exception {
        return node.inside(table::repair);
    }

    /** A connection of a client in a namespace. */
    private static final class Connection implements Closeable {
        private final Socket socket = new Socket();

        private Connection(String ip, int port, int timeoutMillis) throws IOException {
            try {
                socket.connect(new InetSocketAddress(ip, port), timeoutMillis);
                socket.setSoTimeout(10_000);
            } catch (IOException e) {
                socket.close();
                throw e;
            }
        }

        static Connection from(NetworkNamespace client, String ip, int port) throws Exception {
            return client.inside(() -> new Connection(ip, port, 10_000));
        }

        String ask() throws IOException {
            socket.getOutputStream().write('\n');
            return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
                    .readLine();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private List<NetworkNamespace> clients() {
        return List.of(machines.client, machines.outside, node);
    }

    private void assertServed() throws Exception {
        for (NetworkNamespace client : List.of(machines.client, node)) {
            for (String ip : WEB) {
                try (Connection connection = Connection.from(client, ip, 80)) {
                    assertThat(connection.ask()).as(client.name()).isEqualTo(IpAddresses.format(IpAddresses.parse(ip),
                            80));
                }
            }
        }
    }

    private static void assertRefused(NetworkNamespace client, String ip, int port) {
        assertThatThrownBy(() -> Connection.from(client, ip, port).close()).as("%s from %s", ip, client.name())
                .isInstanceOf(ConnectException.class);
    }

    @Test
    void each_verdict_holds_for_pods_machines_outside_and_processes_of_the_node() throws Exception {
        machines.outside.ip("route add 10.96.77.0/24 via 192.168.77.2", "-6 route add fd96:77::/64 via fd00:77::2");
        apply(contents(true));
        for (NetworkNamespace client : clients()) {
            for (String ip : WEB) {
                try (Connection connection = Connection.from(client, ip, 80)) {
                    assertThat(connection.ask()).isEqualTo(IpAddresses.format(IpAddresses.parse(ip), 80));
                }
                assertRefused(client, ip, 81);
            }
            EMPTY.forEach(ip -> assertRefused(client, ip, 80));
            for (String ip : LOCAL) {
                assertThatThrownBy(() -> client.inside(() -> new Connection(ip, 80, 500)))
                        .isInstanceOf(SocketTimeoutException.class);
            }
        }
        assertThat(machines.client.ask("10.244.0.11", 8080)).as("what goes elsewhere").startsWith("a to ");
    }

    @Test
    void while_no_proxy_listens_the_kernel_leads_connections_to_endpoints() throws Exception {
        machines.outside.ip("route add 10.96.77.0/24 via 192.168.77.2", "-6 route add fd96:77::/64 via fd00:77::2",
                "route add 10.244.0.0/24 via 192.168.77.2", "-6 route add fd00:244::/64 via fd00:77::2");
        Map<ServiceSocket, DirectWay> ways = new HashMap<>();
        ways.put(socket(WEB.get(0)), new DirectWay(List.of(endpoint("10.244.0.11"), endpoint("10.244.0.12")), false));
        ways.put(socket(WEB.get(1)), new DirectWay(List.of(endpoint("fd00:244::11")), true));
        Contents direct = new Contents(contents(true).sockets(), contents(true).clusterIps(), ways, Map.of());
        apply(direct);
        assertServed();
        proxy.stopListening();
        Set<String> answers = new HashSet<>();
        await().atMost(Duration.ofSeconds(20)).until(() -> answers.add(machines.outside.ask(WEB.get(0), 80)),
                added -> answers.size() == 2);
        assertThat(answers).containsExactlyInAnyOrder("a to 192.168.77.9", "b to 192.168.77.9");
        assertThat(machines.outside.ask(WEB.get(1), 80)).isEqualTo("a to fd00:244:0:0:0:0:0:1");
        if (callIptables == 1) {
            assertThat(machines.client.ask(WEB.get(0), 80)).endsWith(" to 10.244.0.20");
        }
        assertRefused(node, WEB.get(0), 80);

        ways.put(socket(WEB.get(0)), new DirectWay(List.of(endpoint("10.244.0.11")), false));
        apply(new Contents(direct.sockets(), direct.clusterIps(), ways, Map.of()));
        node.ip("link set veth11 type bridge_slave hairpin on"); // br_netfilter sends it back by the port that it came from
        assertThat(machines.podA.ask(WEB.get(0), 80)).as("itself").isEqualTo("a to 10.244.0.1");
        apply(contents(true));
        assertRefused(machines.outside, WEB.get(0), 80);
        assertThat(repair()).isFalse();
    }

    private static EndpointAddress endpoint(String ip) {
        return new EndpointAddress(IpAddresses.parse(ip), 8080);
    }

    @Test
    void the_port_that_bridges_are_redirected_to_is_nobodys() throws Exception {
        apply(contents(true));
        assertRefused(machines.client, "10.244.0.1", PORT + 1);
        assertRefused(machines.client, "fd00:244::1", PORT + 1);
        assertRefused(machines.outside, "192.168.77.2", PORT + 1);
        assertRefused(machines.outside, "fd00:77::2", PORT + 1);
        assertServed();
    }

    @Test
    void a_connection_goes_on_when_its_service_is_gone_and_when_the_listener_is() throws Exception {
        apply(contents(true));
        try (Connection pod = Connection.from(machines.client, WEB.get(0), 80);
                Connection process = Connection.from(node, WEB.get(1), 80)) {
            apply(contents(false));
            WEB.forEach(ip -> {
                assertRefused(machines.client, ip, 80);
                assertRefused(node, ip, 80);
            });
            assertThat(pod.ask()).isEqualTo("10.96.77.1:80");
            assertThat(process.ask()).isEqualTo("[fd96:77::1]:80");

            apply(contents(true));
            proxy.stopListening();
            WEB.forEach(ip -> {
                assertRefused(machines.client, ip, 80);
                assertRefused(node, ip, 80);
            });
            assertThat(pod.ask()).isEqualTo("10.96.77.1:80");
            assertThat(process.ask()).isEqualTo("[fd96:77::1]:80");
        }
    }

    @Test
    void an_endpoint_replies_to_a_connection_in_a_clients_name() throws Exception {
        apply(contents(true));
        int fd = node.inside(() -> connectAs("192.168.77.9", "10.244.0.11", 8080));
        try (Arena arena = Arena.ofConfined()) {
            byte[] request = "GET / HTTP/1.0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
            SystemCalls.send(fd, arena.allocateFrom(ValueLayout.JAVA_BYTE, request));
            MemorySegment into = arena.allocate(4096);
            StringBuilder answer = new StringBuilder();
            for (long n = SystemCalls.receive(fd, into); n > 0; n = SystemCalls.receive(fd, into)) {
                answer.append(new String(into.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE),
                        StandardCharsets.US_ASCII));
            }
            assertThat(answer.toString()).endsWith("a to 192.168.77.9");
        } finally {
            SystemCalls.close(fd);
        }
    }

    /** A socket as the proxy has it, connected to an endpoint from an address that is not the node's. */
    private static int connectAs(String source, String endpoint, int port) throws IOException {
        int fd = SystemCalls.socket(SocketOptions.AF_INET, SocketOptions.SOCK_STREAM | SocketOptions.SOCK_CLOEXEC, 0);
        try (Arena arena = Arena.ofConfined()) {
            SystemCalls.option(fd, SocketOptions.IPPROTO_IP, SocketOptions.IP_TRANSPARENT,
                    arena.allocateFrom(ValueLayout.JAVA_INT, 1));
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, 36,
                    arena.allocateFrom(ValueLayout.JAVA_INT, PacketMarks.SLUICE.own()));
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_SNDTIMEO,
                    arena.allocateFrom(ValueLayout.JAVA_LONG, 10, 0));
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVTIMEO,
                    arena.allocateFrom(ValueLayout.JAVA_LONG, 10, 0));
            SystemCalls.bind(fd, address(arena, source, 0));
            SystemCalls.connect(fd, address(arena, endpoint, port));
            return fd;
        } catch (IOException e) {
            SystemCalls.close(fd);
            throw e;
        }
    }

    private static MemorySegment address(Arena arena, String ip, int port) {
        MemorySegment address = arena.allocate(16, 8);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) SocketOptions.AF_INET);
        address.set(ValueLayout.JAVA_BYTE, 2, (byte) (port >> 8));
        address.set(ValueLayout.JAVA_BYTE, 3, (byte) port);
        MemorySegment.copy(IpAddresses.parse(ip).getAddress(), 0, address, ValueLayout.JAVA_BYTE, 4, 4);
        return address;
    }

    @Test
    void no_connection_meets_a_gap_while_a_successor_replaces_the_table() throws Exception {
        apply(contents(true));
        AtomicBoolean over = new AtomicBoolean();
        AtomicInteger served = new AtomicInteger();
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = new CopyOnWriteArrayList<>();
        for (NetworkNamespace client : List.of(machines.client, node)) {
            threads.add(Thread.ofPlatform().daemon().start(() -> {
                while (!over.get()) {
                    try (Connection connection = Connection.from(client, WEB.get(0), 80)) {
                        connection.ask();
                        served.incrementAndGet();
                    } catch (Exception e) {
                        failures.add(e);
                        return;
                    }
                }
            }));
        }
        for (int i = 0; i < 20 || served.get() < 20 && failures.isEmpty(); i++) {
            node.inside(() -> {
                new InterceptionTable(PORTS, List.of()).apply(contents(true));
                return null;
            });
        }
        over.set(true);
        for (Thread thread : threads) {
            thread.join(20_000);
        }
        assertThat(failures).isEmpty();
    }

    @Test
    void what_somebody_else_removes_is_put_back_and_what_is_not_ours_stays() throws Exception {
        assumeTrue(node.run("sh", "-c", "command -v nft || true").contains("nft"), "nft is not installed");
        String before = state();
        apply(contents(true));
        assertThat(repair()).isFalse();
        node.run("nft", "add", "table", "inet", "other");
        assertThat(repair()).isFalse();
        for (String removal : List.of("nft delete table inet sluice", "nft flush table inet sluice",
                "nft flush ruleset",
                "ip rule del pref 60", "ip -6 rule del pref 61", "ip route flush table 1151")) {
            node.run(removal.split(" ", -1));
            assertThat(repair()).as(removal).isTrue();
            assertServed();
            assertThat(repair()).as("after " + removal).isFalse();
        }
        node.run("nft", "add", "table", "inet", "other");
        node.run("nft", "flush", "set", "inet", "sluice", "served4");
        apply(contents(false));
        apply(contents(true));
        assertServed();

        node.inside(() -> {
            table.close();
            return null;
        });
        assertThat(state()).isEqualTo(before + "table inet other {\n}\n");
    }

    @Test
    void what_a_dead_process_left_is_counted_and_taken_back() throws Exception {
        apply(contents(true));
        assertThat(node.inside(InterceptionTable::cleanup)).as("a table, and of each family three rules and a route")
                .isEqualTo(1 + 2 * (3 + 1));
        assertThat(node.inside(InterceptionTable::cleanup)).isZero();
        assertThat(node.ip("rule show", "-6 rule show")).doesNotContain("115");
    }

    @Test
    void a_table_that_a_successor_has_replaced_is_left_to_it_and_one_that_is_not_lets_new_connections_pass()
            throws Exception {
        apply(contents(true));
        InterceptionTable next = new InterceptionTable(PORTS, List.of());
        node.inside(() -> {
            next.apply(contents(true));
            assertThat(table.stopIntercepting()).isFalse();
            table.close();
            return null;
        });
        assertServed();

        try (Connection pod = Connection.from(machines.client, WEB.get(0), 80);
                Connection process = Connection.from(node, WEB.get(1), 80)) {
            node.ip("route add local 10.96.77.1 dev lo");
            assertThat(node.inside(next::stopIntercepting)).isTrue();
            assertRefused(machines.client, WEB.get(0), 80);
            try (ServerSocket other = node.inside(() -> new ServerSocket(80))) {
                Connection.from(machines.client, WEB.get(0), 80).close();
                other.accept().close();
            }
            assertThat(pod.ask()).isEqualTo("10.96.77.1:80");
            assertThat(process.ask()).isEqualTo("[fd96:77::1]:80");
        }
        node.inside(() -> {
            next.close();
            return null;
        });
        assertThat(node.run("nft", "list", "tables")).doesNotContain("sluice");
    }

    @Test
    void tens_of_thousands_of_addresses_are_one_batch() throws Exception {
        Map<ServiceSocket, Verdict> sockets = new HashMap<>(contents(true).sockets());
        for (int i = 0; i < 40_000; i++) {
            sockets.put(socket("10." + (100 + (i >> 16)) + '.' + (i >> 8 & 255) + '.' + (i & 255)), Verdict.REFUSE);
        }
        apply(new Contents(sockets, Set.of()));
        assertServed();
        assertRefused(machines.client, "10.100.156.63", 80);
        apply(contents(true));
        assertServed();
        assertThat(repair()).isFalse();
    }

    /** Without link-local routes, which come when their interfaces are ready. */
    private String state() throws Exception {
        String routes = node.ip("rule show", "-6 rule show", "-4 route show table all", "-6 route show table all");
        return routes.lines().filter(line -> !line.contains("fe80:")).collect(Collectors.joining("\n", "", "\n"))
                + node.run("nft", "list", "ruleset");
    }
}
