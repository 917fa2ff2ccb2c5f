package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.handover.HandoverClient;
import io.sluice.handover.HandoverClient.Answer;
import io.sluice.it.testbed.Backend;
import java.io.Closeable;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One daemon follows another at the same addresses. */
class HandoverIT {

    /** Of this run alone: several may be under way on one machine. */
    private static final String RANGE = "127." + (64 + ProcessHandle.current().pid() % 50) + "."
            + ProcessHandle.current().pid() / 50 % 250 + ".";
    private static final String ADDRESS = RANGE + "10";
    private static final String LATER = RANGE + "11";
    private static final String NEW = RANGE + "12";
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

    private String[] arguments(String... more) {
        List<String> arguments = new ArrayList<>(List.of("run", "--handover-socket", socket.toString(),
                "--metrics-bind-address", ADMIN + ":10249", "--healthz-bind-address", ADMIN + ":10256",
                "--bind-address-hard-fail", "--drain-timeout", "10m"));
        arguments.addAll(List.of(more));
        return arguments.toArray(String[]::new);
    }

    private String[] withManifests(String... more) {
        List<String> arguments =
                new ArrayList<>(List.of("-f", directory.resolve("manifests").toString(), "--dns-listen",
                        ADMIN + ":5353"));
        arguments.addAll(List.of(more));
        return arguments(arguments.toArray(String[]::new));
    }

    private NodeDaemon start(String... arguments) throws IOException {
        NodeDaemon daemon = NodeDaemon.start(arguments);
        daemons.add(daemon);
        return daemon;
    }

    private NodeDaemon daemon(String... more) throws IOException {
        NodeDaemon daemon = start(withManifests(more));
        daemon.awaitLog("serving ");
        return daemon;
    }

    /** One that waits for its API server, at which nobody answers. */
    private NodeDaemon neverReady() throws IOException {
        NodeDaemon daemon = start(arguments("--kube-api-server", "http://" + ADMIN + ":1", "--address-mode", "none"));
        daemon.awaitLog("a daemon serves already");
        daemon.awaitLog("started on");
        return daemon;
    }

    /** A new process that gets its sockets step by step, as the test wants it. */
    private HandoverClient newProcess() throws IOException {
        HandoverClient client = HandoverClient.connect(socket).orElseThrow();
        assertThat(client.greet()).isEqualTo(Answer.DONE);
        return client;
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

    private static void awaitServed(String address) {
        await().atMost(Duration.ofSeconds(60)).ignoreExceptions().untilAsserted(() -> {
            try (Socket client = connect(address)) {
                exchange(client, 7);
            }
        });
    }

    private static int ask(String path, String userAgent) throws IOException, InterruptedException {
        try (HttpClient http = HttpClient.newHttpClient()) {
            return http.send(HttpRequest.newBuilder(URI.create("http://" + ADMIN + ":10256" + path))
                    .header("User-Agent", userAgent).timeout(Duration.ofSeconds(30)).build(),
                    BodyHandlers.discarding()).statusCode();
        }
    }

    private static void awaitAdminAndDns() {
        await().atMost(Duration.ofSeconds(60)).ignoreExceptions().untilAsserted(() -> {
            assertThat(ask("/readyz", "curl/8")).isEqualTo(200);
            try (Socket dns = new Socket(ADMIN, 5353)) {
                assertThat(dns.isConnected()).isTrue();
            }
        });
    }

    /** Clients that open one connection after another. */
    private static final class Clients implements Closeable {

        private final Map<String, AtomicInteger> failures = new ConcurrentHashMap<>();
        private final AtomicInteger served = new AtomicInteger();
        private final AtomicBoolean stop = new AtomicBoolean();
        private final List<Thread> threads = new ArrayList<>();

        Clients() {
            for (int i = 0; i < CLIENTS; i++) {
                threads.add(Thread.ofVirtual().start(() -> {
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
        }

        void awaitMore() {
            int before = served.get();
            await().atMost(Duration.ofSeconds(60)).until(() -> served.get() > before + 200);
        }

        void assertThatNoneFailed() {
            close();
            System.out.println(served + " connections, failed: " + failures);
            assertThat(failures).isEmpty();
        }

        @Override
        public void close() {
            stop.set(true);
            for (Thread thread : threads) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    @Test
    void no_connection_is_refused_or_reset_while_daemons_follow_each_other_under_load() throws Exception {
        NodeDaemon current = daemon();
        try (Clients clients = new Clients()) {
            for (int generation = 1; generation < GENERATIONS; generation++) {
                NodeDaemon next;
                try (Socket old = connect(ADDRESS)) {
                    exchange(old, 1);
                    next = daemon();
                    exchange(old, 2);
                    assertThat(current.isAlive()).as("it serves the connection that is left").isTrue();
                    clients.awaitMore();
                    exchange(old, 3);
                }
                assertThat(current.awaitExit()).as(current.log()).isZero();
                current = next;
            }
            clients.assertThatNoneFailed();
        }
        assertThat(current.stop()).isZero();
        assertThat(socket).doesNotExist();
    }

    @ParameterizedTest
    @MethodSource("io.sluice.it.testbed.Transports#ofLongTests")
    void a_successor_that_never_gets_ready_holds_nobody_up_and_gives_way_to_a_third(String transport)
            throws Exception {
        NodeDaemon first = daemon("--transport", transport);
        try (Clients clients = new Clients()) {
            NodeDaemon stuck = neverReady();
            service("late", LATER);
            awaitServed(LATER);
            assertThat(ask("/readyz", "curl/8")).isEqualTo(200);
            assertThat(ask("/livez", "kube-probe/1.34")).isEqualTo(200);
            assertThat(ask("/readyz", "kube-probe/1.34")).as("kubelet asks about the new pod as well").isEqualTo(503);
            stuck.signal("STOP");
            NodeDaemon third = daemon("--transport", transport);
            assertThat(first.awaitExit()).as(first.log()).isZero();
            stuck.signal("CONT");
            assertThat(stuck.awaitExit()).as(stuck.log()).isZero();
            assertThat(stuck.log()).contains("a process that was started later serves now; this one ends");
            awaitServed(LATER);
            assertThat(ask("/readyz", "kube-probe/1.34")).isEqualTo(200);
            clients.awaitMore();
            clients.assertThatNoneFailed();
            assertThat(third.stop()).as(third.log()).isZero();
        }
    }

    @Test
    void a_successor_that_waits_in_vain_is_forgotten_when_it_is_killed() throws Exception {
        daemon();
        NodeDaemon stuck = neverReady();
        assertThat(ask("/readyz", "kube-probe/1.34")).isEqualTo(503);
        stuck.kill();
        await().untilAsserted(() -> assertThat(ask("/readyz", "kube-probe/1.34")).isEqualTo(200));
        service("late", LATER);
        awaitServed(LATER);
    }

    @ParameterizedTest
    @MethodSource("io.sluice.it.testbed.Transports#ofLongTests")
    void whoever_hangs_with_the_sockets_loses_them_and_a_closed_port_is_refused_all_the_same(String transport)
            throws Exception {
        service("late", LATER);
        daemon("--transport", transport);
        try (Clients clients = new Clients(); HandoverClient hanging = newProcess()) {
            assertThat(hanging.request()).isEqualTo(Answer.DONE);
            Files.delete(directory.resolve("manifests").resolve("late.yaml"));
            service("new", NEW);
            awaitServed(NEW);
            await().atMost(Duration.ofSeconds(30)).untilAsserted(
                    () -> assertThatThrownBy(() -> connect(LATER)).isInstanceOf(ConnectException.class));
            service("late", LATER);
            awaitServed(LATER);
            assertThat(hanging.ready()).isEqualTo(Answer.WITHDRAWN);
            NodeDaemon next = daemon("--transport", transport);
            assertThat(hanging.news()).isEqualTo(Answer.SUPERSEDED);
            awaitServed(LATER);
            clients.awaitMore();
            clients.assertThatNoneFailed();
            assertThat(next.stop()).as(next.log()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void the_old_one_comes_back_if_the_new_one_hangs_or_ends_after_it_was_given_all(boolean ends) throws Exception {
        daemon();
        try (Clients clients = new Clients()) {
            HandoverClient hanging = newProcess();
            assertThat(hanging.request()).isEqualTo(Answer.DONE);
            assertThat(hanging.ready()).isEqualTo(Answer.DONE);
            assertThatThrownBy(() -> ask("/readyz", "curl/8")).isInstanceOf(IOException.class);
            if (ends) {
                hanging.close();
            }
            awaitAdminAndDns();
            service("late", LATER);
            awaitServed(LATER);
            if (!ends) {
                assertThat(hanging.serving()).isEqualTo(Answer.WITHDRAWN);
                hanging.close();
            }
            NodeDaemon next = daemon();
            awaitAdminAndDns();
            clients.awaitMore();
            clients.assertThatNoneFailed();
            assertThat(next.stop()).as(next.log()).isZero();
        }
    }

    @Test
    void a_successor_that_cannot_serve_at_its_own_addresses_ends_and_the_old_one_goes_on() throws Exception {
        NodeDaemon first = daemon();
        try (Clients clients = new Clients(); ServerSocket other = new ServerSocket()) {
            other.bind(new InetSocketAddress(POD, 5353));
            NodeDaemon next = start(withManifests("--dns-listen", POD + ":5353"));
            assertThat(next.awaitExit()).as(next.log()).isEqualTo(1);
            assertThat(next.log()).contains("Cannot answer DNS at " + POD + ":5353");
            awaitAdminAndDns();
            service("late", LATER);
            awaitServed(LATER);
            clients.awaitMore();
            clients.assertThatNoneFailed();
        }
        assertThat(first.stop()).as(first.log()).isZero();
    }

    @Test
    void of_five_that_start_at_once_one_is_left_and_no_connection_fails() throws Exception {
        daemon();
        try (Clients clients = new Clients()) {
            for (int i = 0; i < 5; i++) {
                start(withManifests());
            }
            await().atMost(Duration.ofMinutes(2))
                    .until(() -> daemons.stream().filter(NodeDaemon::isAlive).count() == 1);
            clients.awaitMore();
            clients.assertThatNoneFailed();
        }
        awaitAdminAndDns();
        NodeDaemon left = daemons.stream().filter(NodeDaemon::isAlive).findAny().orElseThrow();
        assertThat(left.stop()).as(left.log()).isZero();
        assertThat(socket).doesNotExist();
    }

    @Test
    void connections_that_say_nothing_keep_no_successor_out() throws Exception {
        NodeDaemon first = daemon();
        List<HandoverClient> silent = new ArrayList<>();
        try {
            for (int i = 0; i < 300; i++) {
                silent.add(HandoverClient.connect(socket).orElseThrow());
            }
            NodeDaemon next = daemon();
            assertThat(first.awaitExit()).as(first.log()).isZero();
            assertThat(next.stop()).as(next.log()).isZero();
        } finally {
            for (HandoverClient client : silent) {
                client.close();
            }
        }
    }

    @Test
    void a_new_process_of_the_earlier_protocol_takes_over_as_well() throws Exception {
        NodeDaemon daemon = daemon();
        try (HandoverClient earlier = HandoverClient.connect(socket).orElseThrow()) {
            earlier.speakEarlierProtocol();
            assertThat(earlier.request()).isEqualTo(Answer.DONE);
            assertThat(earlier.ready()).isEqualTo(Answer.DONE);
        }
        assertThat(daemon.awaitExit()).as(daemon.log()).isZero();
    }

    @Test
    void a_successor_that_gives_up_changes_nothing() throws Exception {
        NodeDaemon daemon = daemon();
        try (HandoverClient asked = newProcess()) {
            assertThat(asked.request()).isEqualTo(Answer.DONE);
            service("late", LATER);
            daemon.awaitLog("applied in");
        }
        awaitServed(LATER);
        awaitServed(ADDRESS);
        assertThat(daemon.stop()).isZero();
    }

    @Test
    void a_signal_waits_for_the_successor_that_is_getting_ready() throws Exception {
        NodeDaemon daemon = daemon();
        try (HandoverClient asked = newProcess()) {
            daemon.terminate();
            daemon.awaitLog("waiting until the new process accepts");
            try (Socket client = connect(ADDRESS)) {
                exchange(client, 5);
            }
            assertThat(asked.request()).isEqualTo(Answer.DONE);
            assertThat(asked.ready()).isEqualTo(Answer.DONE);
            assertThat(asked.serving()).isEqualTo(Answer.DONE);
        }
        assertThat(daemon.awaitExit()).as(daemon.log()).isZero();
    }

    @Test
    void both_may_be_told_to_end_while_one_waits_for_the_other() throws Exception {
        NodeDaemon first = daemon();
        NodeDaemon stuck = neverReady();
        first.terminate();
        first.awaitLog("waiting until the new process accepts");
        assertThat(stuck.stop()).as(stuck.log()).isZero();
        assertThat(first.awaitExit()).as(first.log()).isZero();
        assertThat(socket).doesNotExist();
    }

    @Test
    void a_daemon_that_starts_while_another_drains_has_its_addresses_at_once() throws Exception {
        NodeDaemon first = daemon();
        NodeDaemon next;
        try (Socket open = connect(ADDRESS)) {
            exchange(open, 1);
            first.terminate();
            first.awaitLog("waiting for established ones");
            next = daemon();
            awaitServed(ADDRESS);
            awaitAdminAndDns();
            exchange(open, 2);
        }
        assertThat(first.awaitExit()).as(first.log()).isZero();
        assertThat(next.stop()).as(next.log()).isZero();
    }

    @Test
    void a_successor_of_a_daemon_that_is_killed_serves_alone() throws Exception {
        NodeDaemon first = daemon();
        try (HandoverClient asked = newProcess()) {
            assertThat(asked.request()).isEqualTo(Answer.DONE);
            first.kill();
            assertThat(asked.ready()).isEqualTo(Answer.GONE);
        }
        NodeDaemon stuck = start(arguments("--kube-api-server", "http://" + ADMIN + ":1", "--address-mode", "none"));
        await().ignoreExceptions().untilAsserted(() -> assertThat(ask("/livez", "curl/8")).isEqualTo(200));
        NodeDaemon good = daemon();
        assertThat(stuck.awaitExit()).as("one that has no Services yet gives way: " + stuck.log()).isZero();
        awaitServed(ADDRESS);
        assertThat(good.stop()).as(good.log()).isZero();
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

    @Test
    void a_file_that_is_no_socket_ends_the_start_and_stays() throws Exception {
        Files.writeString(socket, "precious");
        NodeDaemon daemon = start(withManifests());
        assertThat(daemon.awaitExit()).isEqualTo(1);
        assertThat(daemon.log().strip()).isEqualTo("sluice: --handover-socket " + socket
                + ": a file is there, and no socket; it stays as it is. Choose another path, or move it away");
        assertThat(socket).hasContent("precious");
    }
}
