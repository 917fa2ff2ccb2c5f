package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Backend;
import io.sluice.node.Predecessor;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One daemon follows another at the same addresses. */
class HandoverIT {

    /** Of this run alone: several may be under way on one machine. */
    private static final String RANGE = "127." + (64 + ProcessHandle.current().pid() % 50) + "."
            + ProcessHandle.current().pid() / 50 % 250 + ".";
    private static final String ADDRESS = RANGE + "10";
    private static final String LATER = RANGE + "11";
    private static final String POD = RANGE + "20";
    private static final String ADMIN = RANGE + "1";
    private static final int CLIENTS = 16;
    private static final int GENERATIONS = 3;

    @TempDir
    private Path directory;
    private Path socket;
    private Backend backend;
    private final List<NodeDaemon> daemons = new ArrayList<>();

    @BeforeEach
    void prepare() throws IOException {
        socket = directory.resolve("handover.sock");
        Files.createDirectory(directory.resolve("manifests"));
        backend = Backend.echo(POD);
        service("web", ADDRESS);
    }

    @AfterEach
    void end() throws IOException {
        for (NodeDaemon daemon : daemons) {
            daemon.close();
        }
        backend.close();
    }

    private void service(String name, String address) throws IOException {
        Files.writeString(directory.resolve("manifests").resolve(name + ".yaml"), """
                apiVersion: v1
                kind: Service
                metadata: {name: %s}
                spec: {clusterIP: %s, ports: [{port: 8000, targetPort: 8080}]}
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: %s}
                subsets: [{addresses: [{ip: %s}], ports: [{port: 8080}]}]
                """.formatted(name, address, name, POD));
    }

    private NodeDaemon daemon(String... more) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("-f", directory.resolve("manifests").toString(),
                "--handover-socket", socket.toString(), "--metrics-bind-address", ADMIN + ":10249",
                "--healthz-bind-address", ADMIN + ":10256", "--bind-address-hard-fail", "--drain-timeout", "10m",
                "--dns-listen", ADMIN + ":5353"));
        arguments.addAll(List.of(more));
        NodeDaemon daemon = NodeDaemon.run(arguments.toArray(String[]::new));
        daemons.add(daemon);
        return daemon;
    }

    private static Socket connect(String address) throws IOException {
        Socket client = new Socket();
        client.setSoTimeout(30_000);
        client.connect(new InetSocketAddress(address, 8000), 30_000);
        return client;
    }

    private static void exchange(Socket client, int value) throws IOException {
        client.getOutputStream().write(value);
        int answer = client.getInputStream().read();
        if (answer != value) {
            throw new IOException("sent " + value + ", got " + answer);
        }
    }

    @Test
    void no_connection_is_refused_or_reset_while_daemons_follow_each_other_under_load() throws Exception {
        Map<String, AtomicInteger> failures = new ConcurrentHashMap<>();
        AtomicInteger served = new AtomicInteger();
        AtomicBoolean stop = new AtomicBoolean();
        NodeDaemon current = daemon();
        List<Thread> clients = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            clients.add(Thread.ofVirtual().start(() -> {
                for (int n = 0; !stop.get(); n++) {
                    try (Socket client = connect(ADDRESS)) {
                        exchange(client, n & 0x7f);
                        served.incrementAndGet();
                    } catch (IOException e) {
                        failures.computeIfAbsent(e.toString(), text -> new AtomicInteger()).incrementAndGet();
                    }
                }
            }));
        }
        for (int generation = 1; generation < GENERATIONS; generation++) {
            NodeDaemon next;
            try (Socket old = connect(ADDRESS)) {
                exchange(old, 1);
                next = daemon();
                exchange(old, 2);
                assertThat(current.isAlive()).as("it serves the connection that is left").isTrue();
                int before = served.get();
                await().until(() -> served.get() > before + 200);
                exchange(old, 3);
            }
            assertThat(current.awaitExit()).as(current.log()).isZero();
            current = next;
        }
        stop.set(true);
        for (Thread client : clients) {
            client.join();
        }
        System.out.println(served + " connections over " + GENERATIONS + " daemons, failed: " + failures);
        assertThat(failures).isEmpty();
        assertThat(current.stop()).isZero();
        assertThat(socket).doesNotExist();
    }

    @Test
    void a_successor_that_gives_up_changes_nothing() throws Exception {
        NodeDaemon daemon = daemon();
        try (Predecessor asked = Predecessor.find(socket).orElseThrow()) {
            assertThat(asked.size()).isEqualTo(1);
            service("late", LATER);
            daemon.awaitLog("applied in");
        }
        await().ignoreExceptions().untilAsserted(() -> {
            try (Socket client = connect(LATER)) {
                exchange(client, 7);
            }
        });
        try (Socket client = connect(ADDRESS)) {
            exchange(client, 8);
        }
        assertThat(daemon.stop()).isZero();
    }

    @Test
    void a_signal_waits_for_the_successor_that_is_getting_ready() throws Exception {
        NodeDaemon daemon = daemon();
        try (Predecessor asked = Predecessor.find(socket).orElseThrow()) {
            daemon.terminate();
            daemon.awaitLog("waiting until the new process accepts");
            try (Socket client = connect(ADDRESS)) {
                exchange(client, 5);
            }
            asked.takeOver();
        }
        assertThat(daemon.awaitExit()).as(daemon.log()).isZero();
    }

    @Test
    void a_daemon_that_stays_does_nothing_more_after_a_handover_and_ends_with_the_signal() throws Exception {
        NodeDaemon first = daemon("--stay-after-handover");
        NodeDaemon next = daemon("--stay-after-handover");
        first.awaitLog("waiting for the signal to end");
        assertThat(next.stop()).as(next.log()).isZero();
        assertThatThrownBy(() -> connect(ADDRESS)).as("nobody is left who accepts")
                .isInstanceOf(ConnectException.class);
        assertThat(first.isAlive()).isTrue();
        assertThat(first.stop()).as(first.log()).isZero();
    }

    @Test
    void what_a_crash_left_at_the_path_is_in_nobodys_way() throws Exception {
        daemon().kill();
        assertThat(socket).exists();
        NodeDaemon next = daemon();
        try (Socket client = connect(ADDRESS)) {
            exchange(client, 9);
        }
        assertThat(next.stop()).isZero();
    }
}
