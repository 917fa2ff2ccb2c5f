package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.node.AddressDemand;
import io.sluice.node.LocalRoutes;
import io.sluice.node.ServiceAddresses.Provided;
import io.sluice.service.IpAddresses;
import java.net.ConnectException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NodeAddressesIT {

    private static final String[] RUN = {"--address-mode", "local-route", "--service-cidr",
            "10.96.0.0/16,fd00:10:96::/112", "--nodeport-addresses", "192.168.0.0/16,fd00:77::/64", "--cluster-cidr",
            "10.244.0.0/24,fd00:244::/64"};

    private static final String MANIFESTS = """
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec:
              type: LoadBalancer
              clusterIPs: [10.96.0.10, "fd00:10:96::10"]
              ipFamilyPolicy: RequireDualStack
              ipFamilies: [IPv4, IPv6]
              externalIPs: [203.0.113.5, "fd00:113::5"]
              ports: [{name: http, port: 80, targetPort: 8080, nodePort: 30080}]
            status: {loadBalancer: {ingress: [{ip: 203.0.113.6, ipMode: VIP}, {ip: 203.0.113.7, ipMode: Proxy}]}}
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: web-4, labels: {kubernetes.io/service-name: web}}
            addressType: IPv4
            ports: [{name: http, port: 8080}]
            endpoints: [{addresses: [10.244.0.11]}, {addresses: [10.244.0.12]}]
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: web-6, labels: {kubernetes.io/service-name: web}}
            addressType: IPv6
            ports: [{name: http, port: 8080}]
            endpoints: [{addresses: ["fd00:244::11"]}, {addresses: ["fd00:244::12"]}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: self}
            spec:
              clusterIPs: [10.100.0.20, "fd00:10:100::20"]
              ipFamilyPolicy: RequireDualStack
              ipFamilies: [IPv4, IPv6]
              ports: [{name: http, port: 80, targetPort: 8080}]
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: self-4, labels: {kubernetes.io/service-name: self}}
            addressType: IPv4
            ports: [{name: http, port: 8080}]
            endpoints: [{addresses: [10.244.0.11]}]
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: self-6, labels: {kubernetes.io/service-name: self}}
            addressType: IPv6
            ports: [{name: http, port: 8080}]
            endpoints: [{addresses: ["fd00:244::11"]}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: greedy}
            spec:
              clusterIP: 10.100.0.30
              externalIPs: [192.168.77.2, 10.244.0.12]
              ports: [{name: http, port: 8081, targetPort: 8080}]
            ---
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: greedy, labels: {kubernetes.io/service-name: greedy}}
            addressType: IPv4
            ports: [{name: http, port: 8080}]
            endpoints: [{addresses: [10.244.0.12]}]
            """;

    @TempDir
    private static Path directory;
    private static Path manifests;
    private static TestNode net;
    private static String before;
    private static NodeDaemon daemon;

    @BeforeAll
    static void start() throws Exception {
        String whyNot = NetworkNamespace.whyNot();
        assumeTrue(whyNot.isEmpty(), whyNot);
        manifests = Files.writeString(directory.resolve("services.yaml"), MANIFESTS);
        net = new TestNode();
        before = net.node.state();
    }

    @BeforeEach
    void running() throws Exception {
        if (daemon == null || !daemon.isAlive()) {
            daemon = run();
        }
    }

    @AfterAll
    static void end() throws Exception {
        if (net != null) {
            net.close();
        }
    }

    private static NodeDaemon run(String... more) throws Exception {
        String[] arguments = new String[RUN.length + more.length + 2];
        arguments[0] = "-f";
        arguments[1] = manifests.toString();
        System.arraycopy(RUN, 0, arguments, 2, RUN.length);
        System.arraycopy(more, 0, arguments, RUN.length + 2, more.length);
        return net.with(NodeDaemon.run(net.node, arguments));
    }

    /** Who answers {@code times} connections. */
    private static Set<String> answers(NetworkNamespace from, String address, int port, int times) throws Exception {
        Set<String> answers = new TreeSet<>();
        for (int i = 0; i < times; i++) {
            answers.add(from.ask(address, port).substring(0, 1));
        }
        return answers;
    }

    private static Set<String> routes(NetworkNamespace namespace) throws Exception {
        Set<String> routes = new TreeSet<>();
        namespace.ip("-4 route show table local proto 115", "-6 route show table local proto 115").lines()
                .forEach(line -> routes.add(line.split(" ", -1)[1]));
        return routes;
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.96.0.10", "fd00:10:96::10"})
    void a_cluster_address_works_from_a_pod_and_from_the_node(String address) throws Exception {
        assertThat(answers(net.client, address, 80, 4)).containsExactly("a", "b");
        assertThat(answers(net.node, address, 80, 4)).containsExactly("a", "b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.168.77.2", "fd00:77::2"})
    void a_node_port_works_from_outside(String address) throws Exception {
        assertThat(answers(net.outside, address, 30_080, 4)).containsExactly("a", "b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"203.0.113.5", "203.0.113.6", "fd00:113::5"})
    void external_and_load_balancer_addresses_work_from_outside_and_from_a_pod(String address) throws Exception {
        assertThat(answers(net.outside, address, 80, 4)).containsExactly("a", "b");
        assertThat(answers(net.client, address, 80, 4)).containsExactly("a", "b");
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.100.0.20", "fd00:10:100::20"})
    void a_pod_that_reaches_itself_through_its_service_gets_an_answer(String address) throws Exception {
        assertThat(net.podA.ask(address, 80)).startsWith("a to ").doesNotContain("10.244.0.11")
                .doesNotContain("fd00:244:0:0:0:0:0:11");
    }

    @Test
    void a_cluster_address_that_no_service_has_refuses_at_once() {
        assertThatThrownBy(() -> net.client.ask("10.96.7.7", 80)).isInstanceOf(ConnectException.class)
                .hasMessageContaining("refused");
        assertThatThrownBy(() -> net.client.ask("10.96.0.10", 81)).isInstanceOf(ConnectException.class)
                .hasMessageContaining("refused");
    }

    @Test
    void ranges_are_one_route_and_what_is_outside_of_them_has_one_each() throws Exception {
        assertThat(routes(net.node)).containsExactlyInAnyOrder("10.96.0.0/16", "fd00:10:96::/112", "203.0.113.5",
                "203.0.113.6", "fd00:113::5", "10.100.0.20", "fd00:10:100::20", "10.100.0.30");
    }

    @Test
    void the_nodes_own_address_is_shared_and_a_pods_address_is_not_taken() throws Exception {
        assertThat(answers(net.outside, "192.168.77.2", 8081, 1)).containsExactly("b");
        assertThat(daemon.log()).contains("10.244.0.12 is not made an address of this node: it is the address of an"
                + " endpoint");
        assertThat(net.node.ask("10.244.0.12", 8080)).startsWith("b");
    }

    @Test
    void routes_that_somebody_removes_are_back_at_once() throws Exception {
        net.node.ip("route del local 10.96.0.0/16 dev lo table local",
                "-6 route del local fd00:10:100::20 dev lo table local");
        await().untilAsserted(() -> assertThat(routes(net.node)).contains("10.96.0.0/16", "fd00:10:100::20"));
        assertThat(answers(net.client, "10.96.0.10", 80, 4)).containsExactly("a", "b");
        daemon.awaitLog("local routes that somebody else removed");
    }

    @Test
    void node_ports_follow_the_nodes_addresses() throws Exception {
        net.node.ip("addr add 192.168.77.3/24 dev eth0");
        await().ignoreExceptions().untilAsserted(
                () -> assertThat(answers(net.outside, "192.168.77.3", 30_080, 2)).containsExactly("a", "b"));
        net.node.ip("addr del 192.168.77.3/24 dev eth0");
        await().untilAsserted(() -> assertThat(net.node.run("ss", "-Hltn")).doesNotContain("192.168.77.3"));
    }

    @Test
    void primary_is_the_address_of_the_way_out_and_node_ports_are_served_there_alone() throws Exception {
        try (NetworkNamespace machine = NetworkNamespace.create("m"); NetworkNamespace world =
                NetworkNamespace.create("w")) {
            machine.ip("link add cni0 type bridge", "link set cni0 up", "addr add 10.245.0.1/24 dev cni0",
                    "addr add fd00:245::1/64 dev cni0 nodad");
            for (String cable : List.of("eth0", "eth1", "eth2")) {
                machine.cable(cable, world, cable);
                machine.ip("link set " + cable + " up", "addr add 192.168.8" + cable.charAt(3) + ".2/24 dev " + cable,
                        "addr add fd00:8" + cable.charAt(3) + "::2/64 dev " + cable + " nodad");
                world.ip("link set " + cable + " up", "addr add 192.168.8" + cable.charAt(3) + ".9/24 dev " + cable);
            }
            machine.ip("route add default via 192.168.81.9", "-6 route add default via fd00:81::9");
            Path web = Files.writeString(directory.resolve("primary.yaml"), """
                    apiVersion: v1
                    kind: Service
                    metadata: {name: web}
                    spec:
                      type: NodePort
                      clusterIPs: [127.120.7.7, "::1"]
                      ports: [{port: 8079, nodePort: 30079}]
                    ---
                    apiVersion: v1
                    kind: Endpoints
                    metadata: {name: web}
                    subsets: [{addresses: [{ip: 127.0.0.1}, {ip: "::1"}], ports: [{port: 8080}]}]
                    """);
            try (NodeDaemon served = NodeDaemon.run(machine, "-f", web.toString(), "--nodeport-addresses", "primary")) {
                await().untilAsserted(() -> assertThat(nodePort(machine, 30_079)).as(served.log())
                        .containsExactly("192.168.81.2", "[fd00:81::2]"));
                machine.ip("route replace default via 192.168.82.9", "-6 route replace default via fd00:82::9");
                await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> assertThat(nodePort(machine, 30_079))
                        .as(served.log()).containsExactly("192.168.82.2", "[fd00:82::2]"));
            }
        }
    }

    /** The addresses that {@code port} is listened at. */
    private static Set<String> nodePort(NetworkNamespace namespace, int port) throws Exception {
        Set<String> addresses = new TreeSet<>();
        namespace.run("ss", "-Hltn", "sport", "=", Integer.toString(port)).lines()
                .map(line -> line.strip().split("\\s+", -1)[3])
                .forEach(address -> addresses.add(address.substring(0, address.lastIndexOf(':'))));
        return addresses;
    }

    @Test
    void routes_sockets_and_addresses_are_as_they_were_after_the_end_a_crash_and_a_cleanup() throws Exception {
        assertThat(daemon.stop()).isZero();
        assertThat(net.node.state()).isEqualTo(before);

        NodeDaemon crashed = run();
        crashed.kill();
        assertThat(routes(net.node)).as("what a crash leaves").isNotEmpty();
        NodeDaemon cleanup = net.with(NodeDaemon.start(net.node, "cleanup"));
        assertThat(cleanup.awaitExit()).isZero();
        assertThat(cleanup.log()).contains("Removed 8 local routes.");
        assertThat(net.node.state()).isEqualTo(before);

        net.node.ip("route add local 10.99.99.99 dev lo table local proto 115");
        NodeDaemon keeping = run("--keep-addresses");
        assertThat(routes(net.node)).as("what an earlier run left and nobody wants").doesNotContain("10.99.99.99");
        assertThat(keeping.stop()).isZero();
        assertThat(routes(net.node)).contains("10.96.0.0/16");

        running();
        assertThat(answers(net.client, "10.96.0.10", 80, 4)).containsExactly("a", "b");
    }

    @Test
    void ten_thousand_addresses_are_a_matter_of_batches() throws Exception {
        Set<InetAddress> addresses = new HashSet<>();
        for (int i = 0; i < 5_000; i++) {
            addresses.add(IpAddresses.parse("10.70." + i / 250 + "." + (i % 250 + 1)));
            addresses.add(IpAddresses.parse("fd00:70::" + Integer.toHexString(i + 1)));
        }
        try (NetworkNamespace many = NetworkNamespace.create("many")) {
            Duration took = many.inside(() -> {
                LocalRoutes routes = LocalRoutes.open(List.of());
                long start = System.nanoTime();
                Map<InetAddress, AddressDemand.Use> wanted = new HashMap<>();
                addresses.forEach(address -> wanted.put(address, AddressDemand.Use.CLUSTER));
                Provided provided = routes.provide(new AddressDemand(wanted, Map.of(), false));
                Duration added = Duration.ofNanos(System.nanoTime() - start);
                assertThat(provided.failed().values().stream().limit(1)).isEmpty();
                assertThat(routes(many)).hasSize(10_000);
                routes.close(false);
                assertThat(routes(many)).isEmpty();
                return added;
            });
            System.out.println("10,000 local routes added in " + took.toMillis() + " ms");
            assertThat(took).as("usually a third of a second").isLessThan(Duration.ofSeconds(20));
        }
    }
}
