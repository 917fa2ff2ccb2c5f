package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Who leads connections to endpoints while there is no proxy: after a crash, and until the next daemon serves. */
class KernelFallbackIT extends NodeWithPods {

    @Test
    void after_a_crash_the_kernel_leads_new_connections_to_endpoints_until_the_next_daemon_serves() throws Exception {
        run();
        assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2");
        daemon.kill();
        daemon.close();
        awaitDeath();
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<Integer> asked = askUntil(over, client);
        CompletableFuture<Integer> askedByNode = askUntil(over, node);
        for (String address : List.of("10.96.77.1", "203.0.113.8")) {
            assertThat(ask(client, address, 80)).as("a cluster address, and the policy Local").isEqualTo("10.50.1.2");
        }
        assertThat(ask(client, "fd96:77::1", 80)).isEqualTo("fd50:1:0:0:0:0:0:2");
        for (String address : List.of("203.0.113.7", "10.96.77.4")) {
            assertThat(ask(client, address, 80)).as("the policy Cluster, and preserve-source: false")
                    .isEqualTo("10.50.2.1");
        }
        assertThat(ask(client, "10.50.1.1", 30_080)).isEqualTo("10.50.2.1");
        assertThat(ask(pod, "10.96.77.1", 80)).as("itself").isEqualTo("10.50.2.1");
        assertThat(ask(node, "fd96:77::1", 80)).as("a process of the node").isEqualTo("fd50:2:0:0:0:0:0:1");
        assertThat(ask(node, "203.0.113.7", 80)).isEqualTo("10.50.2.1");
        assertRefused(client, "10.96.77.3", 80);
        assertRefused(node, "10.96.77.3", 80);
        try (Socket own = talk(node, "10.96.77.1"); Socket talk = talk(client, "10.96.77.1");
                Socket six = talk(client, "fd96:77::1")) {
            run();
            for (int i = 0; i < 20; i++) {
                assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2");
            }
            assertEchoes(talk);
            assertEchoes(six);
            assertEchoes(own);
        }
        over.set(true);
        assertThat(asked.get()).as("connections, of which none failed").isPositive();
        assertThat(askedByNode.get()).as("connections of the node's processes").isPositive();
        assertThat(ask(node, "10.96.77.1", 80)).isEqualTo("10.50.2.1");
    }

    @Test
    void the_kernel_leads_connections_to_the_endpoints_of_the_last_second() throws Exception {
        run();
        write(SERVICES + slices("web", 8081, "10.50.2.2"));
        try (ServerSocket other = pod.inside(() -> new ServerSocket(8081))) {
            Thread.ofPlatform().daemon().start(() -> tellWhoCalls(other));
            await().atMost(PATIENCE).until(() -> node.run("nft", "list", "map", "inet", "sluice", "endpoints4")
                    .contains("10.50.2.2 . 8081"));
            daemon.kill();
            awaitDeath();
            assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2");
        }
    }

    @Test
    void without_a_fallback_connections_are_refused_after_a_crash_until_the_next_daemon_serves() throws Exception {
        run("--fallback", "none");
        assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2");
        daemon.kill();
        // The kernel takes connections for as long as it ends the process.
        await().atMost(PATIENCE).untilAsserted(() -> assertRefused(client, "10.96.77.1", 80));
        assertRefused(node, "10.96.77.1", 80);
        daemon.close();
        run();
        assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2");
        assertThat(ask(node, "10.96.77.1", 80)).isEqualTo("10.50.2.1");
    }

    /** Between two tables there is a moment in which packets meet neither whole; chains and sets that stay have none. */
    @Test
    void the_next_daemon_keeps_the_table_unless_it_is_one_of_another_version() throws Exception {
        run();
        String table = handle();
        daemon.kill();
        awaitDeath();
        run();
        assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2");
        assertThat(handle()).isEqualTo(table);
        daemon.kill();
        awaitDeath();
        node.run("nft", "add chain inet sluice of-another-version { type filter hook prerouting priority 0; }");
        run();
        assertThat(handle()).isNotEqualTo(table);
        assertThat(node.run("nft", "list", "table", "inet", "sluice")).doesNotContain("of-another-version");
        daemon.kill();
        awaitDeath();
        node.run("nft", "flush table inet sluice; delete set inet sluice hairpins4;"
                + " add set inet sluice hairpins4 { type ipv4_addr; }");
        run();
        assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2");
        assertThat(node.run("nft", "list", "set", "inet", "sluice", "hairpins4")).contains("ipv4_addr . ipv4_addr");
    }

    /** Else a client that uses its port again would be known to conntrack as one that needs no address translation. */
    @Test
    void the_connections_of_a_dead_daemon_are_forgotten_with_its_table() throws Exception {
        run();
        try (Socket talk = talk(client, "10.96.77.1"); Socket own = talk(node, "10.96.77.1")) {
            assertEchoes(talk);
            assertEchoes(own);
            assertThat(tracked("mark=8192 ")).as("to the Service").isEqualTo(2);
            assertThat(tracked("mark=4096 ")).as("to its endpoint").isEqualTo(2);
            daemon.kill();
            awaitDeath();
            try (NodeDaemon cleanup = NodeDaemon.start(node, "cleanup")) {
                assertThat(cleanup.awaitExit()).as(cleanup.log()).isZero();
                assertThat(tracked("mark=8192 ") + tracked("mark=4096 ")).isZero();
            }
        }
    }

    private static long tracked(String mark) throws IOException, InterruptedException {
        return node.run("cat", "/proc/net/nf_conntrack").lines().filter(line -> line.contains(mark)).count();
    }

    private static String handle() throws IOException, InterruptedException {
        return node.run("nft", "-a", "list", "table", "inet", "sluice").lines().findFirst().orElseThrow();
    }

    @Test
    void after_a_crash_a_daemon_with_local_routes_takes_the_table_back_and_serves() throws Exception {
        run();
        daemon.kill();
        daemon.close();
        runIn("local-route");
        assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.2.1");
        assertThat(node.run("nft", "list", "tables")).doesNotContain("sluice");
        assertThat(daemon.log()).contains("rules of an earlier daemon");
    }

    @Test
    void a_user_who_may_not_change_the_network_has_nothing_to_clean_up_unless_there_is_something() throws Exception {
        String[] without = {"setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"};
        try (NodeDaemon cleanup = NodeDaemon.start(node, List.of(without), "cleanup")) {
            assertThat(cleanup.awaitExit()).as(cleanup.log()).isZero();
            assertThat(cleanup.log()).contains("Nothing of sluice is left here.");
        }
        run();
        daemon.kill();
        try (NodeDaemon cleanup = NodeDaemon.start(node, List.of(without), "cleanup")) {
            assertThat(cleanup.awaitExit()).isOne();
            assertThat(cleanup.log()).contains("needs CAP_NET_ADMIN");
        }
    }

    /** The kernel has decided at their first packet that these are the proxy's. */
    @Test
    void connections_that_wait_for_the_proxy_when_it_dies_are_reset_and_not_forgotten() throws Exception {
        String queue = node.run("sysctl", "-n", "net.core.somaxconn").strip();
        node.run("sysctl", "-qw", "net.core.somaxconn=1");
        try {
            run();
            daemon.signal("STOP");
            List<CompletableFuture<Exception>> waiting = new ArrayList<>();
            for (int i = 0; i < 30; i++) {
                waiting.add(failure(client));
            }
            await().atMost(PATIENCE).until(() -> client.run("ss", "-Htn", "state", "syn-sent").lines().count() >= 5);
            daemon.kill();
            for (CompletableFuture<Exception> each : waiting) {
                assertThat(each.get()).isNotInstanceOf(SocketTimeoutException.class);
            }
            awaitDeath();
            assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2");
        } finally {
            node.run("sysctl", "-qw", "net.core.somaxconn=" + queue);
        }
    }

    /** How a question fails that has time enough for many first segments. */
    private static CompletableFuture<Exception> failure(NetworkNamespace from) {
        CompletableFuture<Exception> failure = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                failure.complete(new IOException("answered: " + from.inside(() -> {
                    try (Socket socket = new Socket()) {
                        socket.setSoTimeout(30_000);
                        socket.connect(new InetSocketAddress("10.96.77.1", 80), 30_000);
                        return line(socket);
                    }
                })));
            } catch (Exception e) {
                failure.complete(e);
            }
        });
        return failure;
    }

    @Test
    void a_connection_whose_endpoint_goes_between_two_rules_is_made_by_its_next_first_segment() throws Exception {
        run();
        daemon.kill();
        awaitDeath();
        String endpoints = node.run("nft", "list", "map", "inet", "sluice", "endpoints4");
        node.run("nft", "flush", "map", "inet", "sluice", "endpoints4");
        CompletableFuture<Exception> failure = failure(client);
        await().atMost(PATIENCE).until(() -> !client.run("ss", "-Htn", "state", "syn-sent").isBlank());
        node.run("nft", endpoints);
        assertThat(failure.get()).hasMessage("answered: 10.50.1.2");
    }

    /** The table that tells the kernel that a proxy serves goes with its process; that of another one may stay. */
    @Test
    void the_kernel_knows_by_a_table_of_each_daemon_whether_one_serves() throws Exception {
        String socket = directory.resolve("handover.sock").toString();
        run("--handover-socket", socket);
        List<String> first = owned();
        assertThat(first).hasSize(1);
        try (NodeDaemon old = daemon) {
            run("--handover-socket", socket);
            assertThat(old.awaitExit()).as(old.log()).isZero();
        }
        assertThat(owned()).hasSize(1).doesNotContainAnyElementsOf(first);
        node.run("nft", "flush", "ruleset");
        assertThat(owned()).as("nobody else can remove it").hasSize(1);
        await().atMost(PATIENCE).ignoreExceptions().until(() -> ask(node, "10.96.77.1", 80).equals("10.50.2.1"));
        daemon.kill();
        awaitDeath();
        assertThat(owned()).isEmpty();
        assertThat(ask(node, "10.96.77.1", 80)).isEqualTo("10.50.2.1");
    }

    private static List<String> owned() throws IOException, InterruptedException {
        return node.run("nft", "list", "tables").lines().filter(line -> line.contains("sluice-")).toList();
    }
}
