package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import io.sluice.it.testbed.apiserver.ApiServer;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What some tenant of a cluster writes to its API server takes no address from a node, from a machine or from others. */
class TenantsIT {

    private static final int KUBELET = 10_250;

    @TempDir
    private static Path directory;
    private static TestNode net;
    private static HttpServer otherMachine;
    private ApiServer api;
    private NodeDaemon daemon;

    @BeforeAll
    static void build() throws Exception {
        String whyNot = NetworkNamespace.whyNot();
        assumeTrue(whyNot.isEmpty(), whyNot);
        net = new TestNode();
        otherMachine = net.outside.inside(() -> HttpServer.create(new InetSocketAddress("::", KUBELET), 16));
        otherMachine.createContext("/", exchange -> {
            byte[] body = "other machine".getBytes(StandardCharsets.US_ASCII);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        otherMachine.start();
    }

    @AfterAll
    static void end() throws Exception {
        if (otherMachine != null) {
            otherMachine.stop(0);
        }
        if (net != null) {
            net.close();
        }
    }

    @BeforeEach
    void cluster() throws Exception {
        api = new ApiServer(
                net.node.inside(
                        () -> HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0)));
        api.apply("{\"kind\": \"Node\", \"metadata\": {\"name\": \"here\"}}");
        service("victim", "2024-01-01T00:00:00Z", "\"clusterIP\": \"10.96.6.1\", \"clusterIPs\": [\"10.96.6.1\"]", "");
        slice("victim", "IPv4", true, "10.244.0.11", 8080);
    }

    @AfterEach
    void over() throws Exception {
        if (daemon != null) {
            daemon.close();
            daemon = null;
            net.with(NodeDaemon.start(net.node, "cleanup")).awaitExit();
        }
        api.close();
    }

    private void run() throws Exception {
        Path kubeconfig = Files.writeString(directory.resolve("kubeconfig"), """
                apiVersion: v1
                kind: Config
                current-context: test
                contexts: [{name: test, context: {cluster: here, user: me}}]
                clusters: [{name: here, cluster: {server: "%s"}}]
                users: [{name: me, user: {}}]
                """.formatted(api.url()));
        daemon = NodeDaemon.start(net.node, "run", "--kubeconfig", kubeconfig.toString(), "--hostname-override", "here",
                "--address-mode", "local-route", "--service-cidr", "10.96.0.0/16,fd00:10:96::/112");
        daemon.awaitLog("applied in");
    }

    private void service(String name, String created, String spec, String status) {
        api.apply("""
                {"kind": "Service", "metadata": {"name": "%s", "creationTimestamp": "%s"},
                 "spec": {"type": "ClusterIP", %s, "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}]}%s}
                """.formatted(name, created, spec, status));
    }

    private void slice(String service, String family, boolean ready, String address, int port) {
        api.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "%1$s-%5$s-%4$d",
                  "labels": {"kubernetes.io/service-name": "%1$s"}}, "addressType": "%2$s",
                 "ports": [{"port": %4$d, "protocol": "TCP"}],
                 "endpoints": [{"addresses": ["%5$s"], "conditions": {"ready": %3$b}}]}
                """.formatted(service, family, ready, port, address).replace("-" + address + "-",
                "-" + address.replace(':', '-') + "-"));
    }

    private static Set<String> routes() throws Exception {
        Set<String> routes = new TreeSet<>();
        net.node.ip("-4 route show table local proto 115", "-6 route show table local proto 115").lines()
                .forEach(line -> routes.add(line.split(" ", -1)[1]));
        return routes;
    }

    private static String ready() throws Exception {
        return net.node.run("curl", "-s", "http://127.0.0.1:10256/readyz");
    }

    @ParameterizedTest
    @ValueSource(strings = {"ready", "not ready", "headless"})
    void an_endpoint_that_is_another_services_cluster_address_takes_it_from_nobody_whenever_it_comes(String how)
            throws Exception {
        run();
        service("outside", "2024-01-01T00:00:00Z", "\"clusterIP\": \"10.100.0.1\", \"clusterIPs\": [\"10.100.0.1\"]",
                "");
        slice("outside", "IPv4", true, "10.244.0.12", 8080);
        await().ignoreExceptions().untilAsserted(() -> assertThat(net.node.ask("10.100.0.1", 80)).startsWith("b"));
        service("alias", "2020-01-01T00:00:00Z", how.equals("headless")
                ? "\"clusterIP\": \"None\", \"clusterIPs\": [\"None\"]"
                : "\"clusterIP\": \"10.96.9.9\", \"clusterIPs\": [\"10.96.9.9\"]", "");
        slice("alias", "IPv4", !how.equals("not ready"), "10.96.6.1", 80);
        slice("alias", "IPv4", !how.equals("not ready"), "10.100.0.1", 80);
        slice("alias", "IPv4", !how.equals("not ready"), "10.96.77.77", 80);
        daemon.awaitLog("default/alias: has among its endpoints 10.100.0.1, the cluster address of default/outside,"
                + " 10.96.6.1, the cluster address of default/victim");
        for (boolean again : new boolean[] {false, true}) {
            if (again) {
                daemon.close();
                run();
                daemon.awaitLog("default/alias: has among its endpoints");
            }
            assertThat(net.node.ask("10.96.6.1", 80)).startsWith("a");
            assertThat(net.client.ask("10.100.0.1", 80)).startsWith("b");
            assertThat(routes()).containsExactlyInAnyOrder("10.96.0.0/16", "fd00:10:96::/112", "10.100.0.1");
            assertThat(ready()).contains("10.96.6.1, the cluster address of default/victim");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"externalIPs", "loadBalancer"})
    void the_address_of_another_node_stays_that_nodes_and_the_own_one_is_shared(String field) throws Exception {
        api.apply("""
                {"kind": "Node", "metadata": {"name": "worker-2"}, "status": {"addresses": [
                  {"type": "Hostname", "address": "worker-2"}, {"type": "InternalIP", "address": "192.168.77.9"},
                  {"type": "InternalIP", "address": "fd00:77::9"}]}}""");
        claim("greedy", field, "192.168.77.2", "192.168.77.9", "fd00:77::9");
        slice("greedy", "IPv4", true, "10.244.0.11", 8080);
        slice("greedy", "IPv6", true, "fd00:244::11", 8080);
        run();
        daemon.awaitLog("default/greedy: 192.168.77.9 is refused as an address from outside: it is the address of node"
                + " worker-2");
        await().untilAsserted(() -> assertThat(net.node.ask("192.168.77.9", KUBELET)).isEqualTo("other machine"));
        assertThat(net.node.ask("fd00:77::9", KUBELET)).isEqualTo("other machine");
        assertThat(net.client.ask("10.96.6.1", 80)).startsWith("a");
        assertThat(net.outside.ask("192.168.77.2", 80)).startsWith("a");
        assertThat(net.node.ask("192.168.77.2", 80)).startsWith("a");
        assertThat(routes()).containsExactlyInAnyOrder("10.96.0.0/16", "fd00:10:96::/112");
        assertThat(ready()).contains("it is the address of node worker-2", "192.168.77.9:80", "[fd00:77::9]:80");

        api.delete("nodes", "", "worker-2");
        claim("greedy", field, "203.0.113.5");
        await().untilAsserted(() -> assertThat(routes()).contains("203.0.113.5"));
        api.apply("""
                {"kind": "Node", "metadata": {"name": "worker-3"}, "status": {"addresses": [
                  {"type": "ExternalIP", "address": "203.0.113.5"}]}}""");
        await().untilAsserted(() -> assertThat(routes()).doesNotContain("203.0.113.5"));
        assertThat(ready()).contains("it is the address of node worker-3");
    }

    private void claim(String name, String field, String... addresses) {
        String quoted = "\"" + String.join("\", \"", addresses) + "\"";
        List<String> ingress = new ArrayList<>();
        for (String address : addresses) {
            ingress.add("{\"ip\": \"" + address + "\"}");
        }
        String cluster = "\"clusterIP\": \"10.96.9.1\", \"clusterIPs\": [\"10.96.9.1\", \"fd00:10:96::91\"]";
        if (field.equals("externalIPs")) {
            service(name, "2024-01-01T00:00:00Z", cluster + ", \"externalIPs\": [" + quoted + "]", "");
        } else {
            service(name, "2024-01-01T00:00:00Z", cluster, ", \"status\": {\"loadBalancer\": {\"ingress\": ["
                    + String.join(", ", ingress) + "]}}");
        }
    }

    @Test
    void loopback_and_what_the_node_needs_of_its_own_addresses_are_nobodys_external_address() throws Exception {
        api.apply("""
                {"kind": "Service", "metadata": {"name": "greedy"}, "spec": {"type": "ClusterIP",
                  "clusterIP": "10.96.9.1", "clusterIPs": ["10.96.9.1"], "externalIPs": ["127.0.0.1", "192.168.77.2",
                  "169.254.169.254", "192.168.77.255", "10.96.6.1"], "ports": [
                  {"name": "kubelet", "port": 10250, "protocol": "TCP"}, {"name": "web", "port": 81, "protocol": "TCP"},
                  {"name": "health", "port": 10256, "protocol": "TCP"}]}}""");
        api.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "greedy-1",
                  "labels": {"kubernetes.io/service-name": "greedy"}}, "addressType": "IPv4",
                  "ports": [{"name": "kubelet", "port": 8080}, {"name": "web", "port": 8080},
                            {"name": "health", "port": 8080}], "endpoints": [{"addresses": ["10.244.0.11"]}]}""");
        run();
        await().ignoreExceptions().untilAsserted(() -> assertThat(net.node.ask("192.168.77.2", 81)).startsWith("a"));
        assertThat(routes()).containsExactlyInAnyOrder("10.96.0.0/16", "fd00:10:96::/112");
        for (String closed : List.of("127.0.0.1", "10.96.6.1")) {
            assertThatThrownBy(() -> net.node.ask(closed, 81)).isInstanceOf(ConnectException.class);
        }
        net.node.inside(() -> {
            try (ServerSocket kubelet = new ServerSocket()) {
                kubelet.bind(new InetSocketAddress("::", KUBELET));
                return kubelet.getLocalPort();
            }
        });
        assertThat(ready()).contains("it is loopback", "it is link-local",
                "stands for all of 192.168.77.0/24, a network of this node",
                "kubelet has to be able to listen at this port of all addresses of this node",
                "it is the cluster address of default/victim", "this daemon itself answers there");
        assertThat(net.node.ask("10.96.9.1", 81)).startsWith("a");
    }

    @Test
    void of_two_services_with_one_external_address_the_older_has_it_in_any_order_and_after_a_restart()
            throws Exception {
        run();
        for (String[] newcomer : new String[][] {{"newer", "2024-02-01", "10.244.0.12", "2"},
                {"older", "2024-01-01", "10.244.0.11", "1"}}) {
            service(newcomer[0], newcomer[1] + "T00:00:00Z",
                    "\"clusterIP\": \"10.96.3.%1$s\", \"clusterIPs\": [\"10.96.3.%1$s\"]".formatted(newcomer[3])
                            + ", \"externalIPs\": [\"203.0.113.7\", \"203.0.113.7\"]",
                    "");
            slice(newcomer[0], "IPv4", true, newcomer[2], 8080);
            String letter = newcomer[0].equals("newer") ? "b" : "a";
            await().ignoreExceptions()
                    .untilAsserted(() -> assertThat(net.outside.ask("203.0.113.7", 80)).startsWith(letter));
        }
        daemon.awaitLog("default/newer: 203.0.113.7:80 is claimed by default/older as well, which has it: that Service"
                + " is older");
        daemon.close();
        run();
        await().ignoreExceptions().untilAsserted(() -> assertThat(net.outside.ask("203.0.113.7", 80)).startsWith("a"));
        assertThat(ready()).contains("203.0.113.7:80 is claimed by default/older");
    }
}
