package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code --address-mode nftables}: who is seen by a pod, what is taken from whom, and what is left. */
class NftablesModeIT extends NodeWithPods {

    @ParameterizedTest
    @ValueSource(strings = {"io_uring", "epoll"})
    void a_pod_sees_who_the_client_is_as_with_kube_proxy(String transport) throws Exception {
        run("--transport", transport);
        for (int i = 0; i < 5; i++) {
            assertThat(ask(client, "10.96.77.1", 80)).as(daemon.log()).isEqualTo("10.50.1.2");
            assertThat(ask(client, "fd96:77::1", 80)).isEqualTo("fd50:1:0:0:0:0:0:2");
        }
        // From outside: masqueraded under the policy Cluster, not under Local.
        assertThat(ask(client, "203.0.113.7", 80)).isEqualTo("10.50.2.1");
        assertThat(ask(client, "10.50.1.1", 30_080)).isEqualTo("10.50.2.1");
        assertThat(ask(client, "203.0.113.8", 80)).isEqualTo("10.50.1.2");
        assertThat(ask(client, "10.50.1.1", 30_081)).isEqualTo("10.50.1.2");
        assertThat(ask(client, "10.96.77.4", 80)).isEqualTo("10.50.2.1");
        // A pod that reaches itself must not see itself.
        assertThat(ask(pod, "10.96.77.1", 80)).isEqualTo("10.50.2.1");
        // A process of the node, by each kind of address.
        assertThat(ask(node, "10.96.77.1", 80)).isEqualTo("10.50.2.1");
        assertThat(ask(node, "fd96:77::1", 80)).startsWith("fd50:2:0:0:0:0:0:1");
        assertThat(ask(node, "203.0.113.7", 80)).isEqualTo("10.50.2.1");
        assertThat(ask(node, "10.50.3.1", 30_080)).isEqualTo("10.50.2.1");
        // Whoever goes to the pod itself is answered by the pod.
        assertThat(ask(client, "10.50.2.2", 8080)).isEqualTo("10.50.1.2");
    }

    @ParameterizedTest
    @CsvSource({"epoll, nftables, ''", "nio, local-route, the transport nio cannot"})
    void for_a_cluster_connections_are_intercepted_where_that_is_possible(String transport, String mode, String why)
            throws Exception {
        daemon = NodeDaemon.start(node, "run", "--kube-api-server", "http://10.50.3.2:1", "--transport", transport,
                "--hostname-override", "here");
        daemon.awaitLog("address mode " + mode);
        assertThat(daemon.log()).contains(why);
    }

    @Test
    void with_masquerade_all_no_pod_sees_a_client_of_a_cluster_address() throws Exception {
        run("--masquerade-all");
        assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.2.1");
        assertThat(ask(client, "fd96:77::1", 80)).startsWith("fd50:2:0:0:0:0:0:1");
        assertThat(ask(client, "203.0.113.8", 80)).as("the policy Local").isEqualTo("10.50.1.2");
    }

    @Test
    void a_process_of_the_node_that_is_an_endpoint_sees_who_the_client_is() throws Exception {
        write("""
                apiVersion: v1
                kind: Service
                metadata: {name: host}
                spec: {clusterIPs: [10.96.77.6, "fd96:77::6"], ports: [{port: 443, targetPort: 6443}]}
                ---
                """ + slices("host", 6443, "10.50.3.1", "fd50:3::1"));
        run();
        try (ServerSocket host = node.inside(() -> new ServerSocket(6443))) {
            Thread.ofPlatform().daemon().start(() -> tellWhoCalls(host));
            assertThat(ask(client, "10.96.77.6", 443)).isEqualTo("10.50.1.2");
            assertThat(ask(client, "fd96:77::6", 443)).isEqualTo("fd50:1:0:0:0:0:0:2");
            assertThat(ask(node, "10.96.77.6", 443)).isEqualTo("10.50.3.1");
            assertThat(ask(node, "fd96:77::6", 443)).isEqualTo("fd50:3:0:0:0:0:0:1");
            try (Socket talk = talk(client, "10.96.77.6", 443)) {
                assertEchoes(talk);
            }
        }
    }

    @Test
    void no_address_of_a_service_is_an_address_of_the_node() throws Exception {
        run();
        assertThat(node.ip("route show table local", "-6 route show table local")).doesNotContain("10.96.", "fd96:",
                "203.0.113.");
        // What else is at an external address is somebody else's business.
        neighbour.ip("addr add 203.0.113.7/32 dev lo");
        try (ServerSocket other = neighbour.inside(() -> new ServerSocket(2222))) {
            Thread.ofPlatform().daemon().start(() -> tellWhoCalls(other));
            node.ip("route add 203.0.113.7/32 via 10.50.3.2");
            assertThat(ask(client, "203.0.113.7", 2222)).isEqualTo("10.50.1.2");
            assertThat(ask(client, "203.0.113.7", 80)).isEqualTo("10.50.2.1");
        } finally {
            neighbour.ip("addr del 203.0.113.7/32 dev lo");
            node.ip("route del 203.0.113.7/32 via 10.50.3.2");
        }
    }

    @Test
    void a_service_without_endpoints_and_other_ports_of_a_cluster_address_are_refused_at_once() throws Exception {
        run();
        for (NetworkNamespace from : new NetworkNamespace[] {client, node}) {
            assertRefused(from, "10.96.77.3", 80);
            assertRefused(from, "10.96.77.1", 81);
            assertRefused(from, "fd96:77::1", 81);
        }
    }

    @Test
    void under_the_policy_local_packets_are_dropped_where_no_endpoint_is_on_this_node() throws Exception {
        run();
        assertDropped(client, "10.96.77.5");
    }

    @Test
    void the_access_log_and_explain_tell_which_endpoint_sees_this_nodes_address() throws Exception {
        run("--access-log");
        ask(client, "203.0.113.7", 80);
        daemon.awaitLog("203.0.113.7:80 -> 10.50.2.2:8080");
        ask(client, "10.96.77.1", 80);
        daemon.awaitLog("10.96.77.1:80 -> 10.50.2.2:8080");
        ask(pod, "10.96.77.2", 80);
        daemon.awaitLog("10.96.77.2:80 -> 10.50.2.2:8080");
        assertThat(daemon.log().lines().filter(line -> line.contains(" -> 10.50.2.2:8080 "))).satisfiesExactly(
                cluster -> assertThat(cluster).endsWith(" masqueraded"),
                kept -> assertThat(kept).doesNotContain("masqueraded"),
                hairpin -> assertThat(hairpin).endsWith(" masqueraded"));

        assertThat(explain("service=web&from=10.50.1.2")).contains("\"the endpoint sees the client's address\"");
        assertThat(explain("service=web&from=10.50.2.2"))
                .contains("not so 10.50.2.2:8080, masqueraded: the client itself");
        assertThat(explain("service=web&from=10.50.1.2&external=true"))
                .contains(
                        "masqueraded: the endpoint sees this node's address, because externalTrafficPolicy is Cluster");
        assertThat(explain("service=web&from=10.50.1.1")).contains("because the client is a process of this node");
        assertThat(explain("service=masqueraded&from=10.50.1.2")).doesNotContain("the client's address");
    }

    private static String explain(String query) throws Exception {
        return node.run("curl", "-s", "http://127.0.0.1:10249/api/v1/explain?namespace=default&" + query);
    }

    @ParameterizedTest
    @MethodSource("io.sluice.it.testbed.Transports#ofLongTests")
    void what_clients_send_that_may_not_use_an_address_is_dropped(String transport) throws Exception {
        write("""
                apiVersion: v1
                kind: Service
                metadata: {name: web}
                spec:
                  type: LoadBalancer
                  clusterIPs: [10.96.77.1, "fd96:77::1"]
                  loadBalancerSourceRanges: [10.50.1.0/24, 10.50.1.2/32, "fd50:1::/64", 192.0.2.0/24]
                  ports: [{port: 80, targetPort: 8080}]
                status: {loadBalancer: {ingress: [{ip: 203.0.113.9}, {ip: "fd77::9"}]}}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: far}
                spec:
                  type: LoadBalancer
                  externalTrafficPolicy: Local
                  clusterIPs: [10.96.77.5, "fd96:77::5"]
                  externalIPs: [203.0.113.10, "fd77::10"]
                  ports: [{port: 80, targetPort: 8080}]
                ---
                """ + slices("web", "10.50.2.2", "fd50:2::2")
                + slices("far", "10.50.2.2", "fd50:2::2").replace("nodeName: here", "nodeName: elsewhere"));
        run("--transport", transport, "--cluster-cidr", "10.50.1.0/24,fd50:1::/64");
        for (String address : List.of("203.0.113.9", "fd77::9", "203.0.113.10", "fd77::10")) {
            assertThat(ask(client, address, 80)).as("%s from a pod, inside the ranges", address).isNotEmpty();
            assertDropped(neighbour, address);
        }
        assertThat(ask(node, "203.0.113.10", 80)).as("the policy Local is for clients outside").isNotEmpty();
        assertThat(ask(neighbour, "10.96.77.1", 80)).as("ranges are for load balancer addresses").isNotEmpty();
        daemon.kill();
        awaitDeath();
        assertThat(ask(node, "203.0.113.10", 80)).as("a process of the node").isNotEmpty();
        for (String address : List.of("203.0.113.9", "fd77::9", "203.0.113.10", "fd77::10")) {
            assertThat(ask(client, address, 80)).as("%s while no proxy listens", address).isNotEmpty();
            assertDropped(neighbour, address);
        }
    }

    private static void assertDropped(NetworkNamespace from, String address) {
        assertThatThrownBy(() -> from.inside(() -> {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(address, 80), 1_500);
                return null;
            }
        })).as(address).isInstanceOf(SocketTimeoutException.class);
    }

    @Test
    void connections_go_on_when_their_service_goes_and_new_ones_are_refused() throws Exception {
        run();
        try (Socket fromPod = talk(client, "10.96.77.1"); Socket fromNode = talk(node, "10.96.77.1")) {
            write("# nothing");
            daemon.awaitLog("Services 0");
            try (Socket late = talk(client, "10.50.2.2", 8080)) {
                assertEchoes(late);
            }
            assertEchoes(fromPod);
            assertEchoes(fromNode);
            assertThatThrownBy(() -> talk(client, "10.96.77.1")).isInstanceOf(IOException.class);
        }
    }

    @Test
    void rules_that_somebody_removed_come_back() throws Exception {
        run();
        try (NodeDaemon cleanup = NodeDaemon.start(node, "cleanup")) {
            assertThat(cleanup.awaitExit()).isZero();
            assertThat(cleanup.log()).contains("Removed the table of rules");
        }
        await().atMost(PATIENCE).ignoreExceptions().until(() -> ask(client, "10.96.77.1", 80).equals("10.50.1.2"));
        assertThat(daemon.log()).contains("somebody else removed or changed the table inet sluice");
    }

    @Test
    void services_that_are_each_others_endpoints_are_refused_and_no_connection_becomes_many() throws Exception {
        write("""
                apiVersion: v1
                kind: Service
                metadata: {name: a}
                spec: {clusterIP: 10.96.77.10, ports: [{port: 80, targetPort: 80}]}
                ---
                apiVersion: v1
                kind: Service
                metadata: {name: b}
                spec: {clusterIP: 10.96.77.11, ports: [{port: 80, targetPort: 80}]}
                ---
                """ + slices("a", 80, "10.96.77.11") + slices("b", 80, "10.96.77.10"));
        run();
        assertThatThrownBy(() -> ask(client, "10.96.77.10", 80)).isInstanceOf(IOException.class);
        assertThat(node.run("curl", "-s", "http://127.0.0.1:10249/metrics").lines()
                .filter(line -> line.startsWith("sluice_connections_accepted_total"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ')))).sum())
                .isLessThanOrEqualTo(1);
    }

    @Test
    void a_daemon_that_follows_takes_over_without_refusing_anybody() throws Exception {
        Path socket = directory.resolve("handover.sock");
        run("--handover-socket", socket.toString());
        NodeDaemon first = daemon;
        try (Socket talk = talk(client, "10.96.77.1"); Socket fromNode = talk(node, "10.96.77.1")) {
            run("--handover-socket", socket.toString());
            for (int i = 0; i < 200; i++) {
                assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2");
            }
            assertEchoes(talk);
            assertEchoes(fromNode);
        }
        try (first) {
            assertThat(first.awaitExit()).as(first.log()).isZero();
        }
        assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2");
        assertThat(ask(node, "10.96.77.1", 80)).isEqualTo("10.50.2.1");
        Files.deleteIfExists(socket);
    }

    @ParameterizedTest
    @CsvSource({"nftables, local-route", "local-route, nftables"})
    void a_daemon_of_another_address_mode_takes_over_without_refusing_anybody(String old, String next)
            throws Exception {
        Path socket = directory.resolve("handover.sock");
        runIn(old, "--handover-socket", socket.toString());
        NodeDaemon first = daemon;
        AtomicBoolean over = new AtomicBoolean();
        try (first) {
            try (Socket talk = talk(client, "10.96.77.1"); Socket fromNode = talk(node, "10.96.77.1")) {
                List<CompletableFuture<Integer>> clients = List.of(askUntil(over, client), askUntil(over, node));
                runIn(next, "--handover-socket", socket.toString());
                daemon.awaitLog("accepts no more");
                for (int i = 0; i < 50; i++) {
                    ask(client, "10.96.77.1", 80);
                }
                over.set(true);
                for (CompletableFuture<Integer> asked : clients) {
                    assertThat(asked.get()).isPositive();
                }
                assertEchoes(talk);
                assertEchoes(fromNode);
            }
            assertThat(first.awaitExit()).as(first.log()).isZero();
        }
        assertThat(ask(client, "10.96.77.1", 80)).isEqualTo(next.equals("nftables") ? "10.50.1.2" : "10.50.2.1");
        assertThat(ask(client, "10.50.1.1", 30_080)).isEqualTo("10.50.2.1");
        assertThat(node.run("nft", "list", "tables").contains("sluice")).isEqualTo(next.equals("nftables"));
        Files.deleteIfExists(socket);
    }
}
