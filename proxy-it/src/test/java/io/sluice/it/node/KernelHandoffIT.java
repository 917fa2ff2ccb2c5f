package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections that the kernel goes on with: from then on the daemon may die. */
class KernelHandoffIT extends NodeWithPods {

    private static final int MEGABYTES = 32;
    private static final int CONNECTIONS = Integer.getInteger("sluice.it.handoffs", 1_000);
    private static final int STREAMS = 100;

    private void runHanding(String policy, String transport) throws Exception {
        run("--kernel-handoff", policy, "--transport", transport, "--access-log", "--handover-socket",
                directory.resolve("handover").toString());
        await().atMost(PATIENCE).ignoreExceptions()
                .untilAsserted(() -> assertThat(ask(client, "10.96.77.1", 80)).isEqualTo("10.50.1.2"));
    }

    /** With one that goes on, the daemon would leave a table. */
    @AfterEach
    void the_kernel_has_none_that_goes_on() {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(node.run("sh", "-c",
                "for f in ipv4 ipv6; do conntrack -L -f $f 2>/dev/null; done | grep -w mark=20480 || true").lines())
                .allMatch(line -> line.contains("TIME_WAIT") || line.contains(" CLOSE ")));
    }

    /** The connections that the kernel has, from the client's port. */
    private static String entry(Socket socket) throws Exception {
        return node.run("sh", "-c",
                "conntrack -L -f " + family(socket) + " 2>/dev/null | grep -w mark=20480 | grep -w sport="
                        + socket.getLocalPort() + " || true");
    }

    private static String family(Socket socket) {
        return socket.getInetAddress() instanceof java.net.Inet4Address ? "ipv4" : "ipv6";
    }

    private static void awaitKernel(Socket socket) {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(entry(socket)).contains("ESTABLISHED"));
    }

    /** Sockets of the daemon's connections. */
    private static String sockets() throws Exception {
        return node.run("ss", "-Htn", "state", "established");
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring"})
    void the_kernel_goes_on_at_once_and_no_byte_is_lost(String transport) throws Exception {
        runHanding("eager", transport);

        for (String service : new String[] {"10.96.77.1", "fd96:77::1", "10.96.77.4"}) {
            try (Socket socket = talk(client, service)) {
                awaitKernel(socket);
                assertEchoes(socket);
                assertThat(echoed(socket)).isTrue();
            }
        }

        assertThat(sockets()).isBlank();
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(daemon.log()).contains(" -N"));
    }

    /** Sends some megabytes, ends the stream, and compares what comes back. */
    private static boolean echoed(Socket socket) throws Exception {
        CompletableFuture<Void> sent = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                byte[] bytes = new byte[1 << 20];
                Random random = new Random(7);
                for (int i = 0; i < MEGABYTES; i++) {
                    random.nextBytes(bytes);
                    socket.getOutputStream().write(bytes);
                }
                socket.shutdownOutput();
                sent.complete(null);
            } catch (Exception e) {
                sent.completeExceptionally(e);
            }
        });
        InputStream in = socket.getInputStream();
        Random random = new Random(7);
        byte[] expected = new byte[1 << 20];
        for (int i = 0; i < MEGABYTES; i++) {
            random.nextBytes(expected);
            assertThat(in.readNBytes(expected.length)).isEqualTo(expected);
        }
        assertThat(in.read()).isEqualTo(-1);
        sent.join();
        return true;
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring"})
    void a_connection_that_lives_goes_to_the_kernel_when_it_is_quiet(String transport) throws Exception {
        runHanding("auto", transport);

        try (Socket socket = talk(client, "10.96.77.1")) {
            assertEchoes(socket);
            assertThat(entry(socket)).isEmpty();
            awaitKernel(socket);
            assertThat(sockets()).isBlank();
            assertEchoes(socket);
            assertThat(echoed(socket)).isTrue();
        }
    }

    @Test
    void a_client_that_speaks_first_does_not_wait() throws Exception {
        try (ServerSocket silent = pod.inside(() -> new ServerSocket(8081))) {
            Thread.ofPlatform().daemon().start(() -> echo(silent));
            write(SERVICES + slices("web", 8081, "10.50.2.2") + slices("masqueraded", 8081, "10.50.2.2"));
            run("--kernel-handoff", "eager");

            for (String service : new String[] {"10.96.77.1", "10.96.77.4"}) {
                await().atMost(PATIENCE).ignoreExceptions().until(() -> {
                    connect(service).close();
                    return true;
                });
                long begun = System.nanoTime();
                for (int i = 0; i < 20; i++) {
                    try (Socket socket = connect(service)) {
                        socket.getOutputStream().write("hello\n".getBytes(StandardCharsets.US_ASCII));
                        assertThat(line(socket)).isEqualTo("hello");
                        assertThat(entry(socket)).as(service).contains("ESTABLISHED");
                    }
                }
                // A client that is not told that it may send probes after 200 ms.
                assertThat((System.nanoTime() - begun) / 20).as(service).isLessThan(200_000_000);
            }
        }
    }

    @Test
    void an_endpoint_that_speaks_first_and_never_pauses_is_handed_over_at_once() throws Exception {
        try (ServerSocket speaker = pod.inside(() -> new ServerSocket(8083))) {
            Thread.ofPlatform().daemon().start(() -> speak(speaker));
            write(SERVICES + slices("web", 8083, "10.50.2.2", "fd50:2::2") + slices("masqueraded", 8083, "10.50.2.2"));
            run("--kernel-handoff", "eager");

            for (String service : new String[] {"10.96.77.1", "fd96:77::1", "10.96.77.4"}) {
                await().atMost(PATIENCE).ignoreExceptions().until(() -> hears(service));
                double before = metric("sluice_handoffs_total{result=\"handed\"} ");
                for (int i = 0; i < 5; i++) {
                    assertThat(hears(service)).as(service).isTrue();
                }
                assertThat(metric("sluice_handoffs_total{result=\"handed\"} ")).as(service).isEqualTo(before + 5);
            }
        }
    }

    @Test
    void while_somebody_taps_the_peers_are_told_by_the_proxy_that_they_may_send() throws Exception {
        runHanding("eager", "epoll");
        try (NodeDaemon tap = NodeDaemon.start(node, "tap", "-A")) {
            await().atMost(PATIENCE).untilAsserted(() -> {
                try (Socket socket = talk(client, "10.96.77.1")) {
                    assertThat(entry(socket)).isEmpty();
                }
            });
            long begun = System.nanoTime();
            for (int i = 0; i < 20; i++) {
                try (Socket socket = talk(client, "10.96.77.1")) {
                    assertEchoes(socket);
                }
            }
            // A peer that is not told that it may send probes after 200 ms.
            assertThat((System.nanoTime() - begun) / 20).isLessThan(200_000_000);
            assertThat(tap.log()).contains("10.50.1.2");
        }
    }

    @Test
    void the_kernel_does_not_forget_a_connection_of_which_one_side_has_finished() throws Exception {
        String setting = "net.netfilter.nf_conntrack_tcp_timeout_close_wait";
        String before = node.run("sysctl", "-n", setting).strip();
        node.run("sysctl", "-qw", setting + "=6");
        CompletableFuture<Void> mayAnswer = new CompletableFuture<>();
        try (ServerSocket server = pod.inside(() -> new ServerSocket(8084))) {
            Thread.ofPlatform().daemon().start(() -> answerAfterTheEnd(server, mayAnswer));
            write(SERVICES + slices("web", 8084, "10.50.2.2"));
            run("--kernel-handoff", "eager");
            await().atMost(PATIENCE).ignoreExceptions().until(() -> {
                connect("10.96.77.1").close();
                return true;
            });
            try (Socket socket = connect("10.96.77.1")) {
                socket.getOutputStream().write("question\n".getBytes(StandardCharsets.US_ASCII));
                socket.shutdownOutput();
                await().atMost(PATIENCE).untilAsserted(() -> {
                    // tcp, its number, seconds left: more than the kernel gives it.
                    assertThat(entry(socket)).containsPattern("^tcp +6 +(6[1-9]|[7-9][0-9]|[0-9]{3}) CLOSE_WAIT");
                });
                mayAnswer.complete(null);
                assertThat(line(socket)).isEqualTo("answer");
            }
        } finally {
            node.run("sysctl", "-qw", setting + "=" + before);
        }
    }

    private static void answerAfterTheEnd(ServerSocket server, CompletableFuture<Void> mayAnswer) {
        while (!server.isClosed()) {
            try {
                Socket caller = server.accept();
                Thread.ofPlatform().daemon().start(() -> {
                    try (caller) {
                        if (caller.getInputStream().readAllBytes().length > 0) {
                            mayAnswer.join();
                            caller.getOutputStream().write("answer\n".getBytes(StandardCharsets.US_ASCII));
                        }
                    } catch (IOException e) {
                        // The caller has gone.
                    }
                });
            } catch (IOException e) {
                return;
            }
        }
    }

    @Test
    void streams_under_load_outlive_whatever_happens_to_the_daemon() throws Exception {
        runHanding("eager", "epoll");
        AtomicBoolean over = new AtomicBoolean();
        List<Future<Long>> streams = new ArrayList<>();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < STREAMS; i++) {
                Socket socket = talk(client, List.of("10.96.77.1", "fd96:77::1", "10.96.77.4").get(i % 3));
                streams.add(threads.submit(() -> exchangesUntil(over, socket)));
            }
            awaitStreams();

            daemon.kill();
            awaitDeath();
            runHanding("eager", "epoll");
            awaitStreams();

            assertThat(daemon.stop()).isZero();
            runHanding("eager", "epoll");
            awaitStreams();

            NodeDaemon old = daemon;
            runHanding("eager", "epoll");
            assertThat(old.awaitExit()).isZero();
            awaitStreams();

            over.set(true);
            for (Future<Long> stream : streams) {
                assertThat(stream.get(10, TimeUnit.SECONDS)).isPositive();
            }
        }
    }

    private static void awaitStreams() {
        await().atMost(PATIENCE).untilAsserted(
                () -> assertThat(metric("sluice_kernel_connections ")).isGreaterThanOrEqualTo(STREAMS));
    }

    /** Sends some bytes and compares what comes back, again and again; how often. */
    private static long exchangesUntil(AtomicBoolean over, Socket socket) throws IOException {
        Random random = new Random(socket.getLocalPort());
        try (socket) {
            long exchanges = 0;
            for (; !over.get(); exchanges++) {
                byte[] bytes = new byte[1 + random.nextInt(20_000)];
                random.nextBytes(bytes);
                socket.getOutputStream().write(bytes);
                assertThat(socket.getInputStream().readNBytes(bytes.length)).isEqualTo(bytes);
            }
            return exchanges;
        }
    }

    /** Sends some megabytes to whoever comes. */
    private static void speak(ServerSocket socket) {
        while (!socket.isClosed()) {
            try {
                Socket caller = socket.accept();
                Thread.ofPlatform().daemon().start(() -> {
                    try (caller) {
                        caller.getOutputStream().write(spoken());
                    } catch (IOException e) {
                        // The caller has gone.
                    }
                });
            } catch (IOException e) {
                return;
            }
        }
    }

    private static byte[] spoken() {
        byte[] bytes = new byte[8 << 20];
        new Random(5).nextBytes(bytes);
        return bytes;
    }

    private static boolean hears(String service) throws Exception {
        try (Socket socket = connect(service)) {
            assertThat(socket.getInputStream().readAllBytes()).isEqualTo(spoken());
            return true;
        }
    }

    private static Socket connect(String ip) throws Exception {
        return connect(0, ip);
    }

    /** @param from the client's port; 0 for any */
    private static Socket connect(int from, String ip) throws Exception {
        return client.inside(() -> {
            Socket connected = new Socket();
            connected.setReuseAddress(true);
            connected.bind(new InetSocketAddress(from));
            connected.setSoTimeout(10_000);
            connected.connect(new InetSocketAddress(InetAddress.getByName(ip), 80), 5_000);
            return connected;
        });
    }

    /** How a connection ends. */
    private enum Ending {
        CLIENT_FINISHES, SERVER_FINISHES, SERVER_FINISHES_FIRST, CLIENT_RESETS, SERVER_RESETS
    }

    @ParameterizedTest
    @ValueSource(strings = {"epoll", "io_uring"})
    void every_byte_arrives_and_every_ending_is_the_same(String transport) throws Exception {
        assertEveryEnding(transport, CONNECTIONS, 9.0 / 10);
    }

    @Test
    void a_strict_firewall_and_a_network_that_masquerades_are_passed() throws Exception {
        node.run("nft", "add table inet strict; add chain inet strict forward { type filter hook forward priority 0;"
                + " policy drop; }; add rule inet strict forward ct state invalid drop;"
                + " add rule inet strict forward ct state established,related accept;"
                + " add chain inet strict out { type nat hook postrouting priority 100; };"
                + " add rule inet strict out ip saddr 10.50.1.0/24 ip daddr 10.50.2.0/24 masquerade");
        try {
            run("--kernel-handoff", "eager");
            for (String service : new String[] {"10.96.77.1", "fd96:77::1", "10.96.77.4"}) {
                await().atMost(PATIENCE).ignoreExceptions().until(() -> {
                    connect(service).close();
                    return true;
                });
                try (Socket socket = connect(service)) {
                    assertThat(line(socket)).isEqualTo(service.contains(":") ? "fd50:1:0:0:0:0:0:2" : "10.50.2.1");
                    awaitKernel(socket);
                    assertThat(echoed(socket)).isTrue();
                }
            }
        } finally {
            node.run("nft", "delete table inet strict");
        }
    }

    @Test
    void every_byte_arrives_and_every_ending_is_the_same_while_packets_are_lost() throws Exception {
        node.run("nft", "add table inet loss; add chain inet loss in { type filter hook prerouting priority -400; };"
                + " add rule inet loss in meta l4proto tcp numgen random mod 100 < 2 drop");
        try {
            assertEveryEnding("epoll", CONNECTIONS / 10, 1.0 / 2);
        } finally {
            node.run("nft", "delete table inet loss");
        }
    }

    /** @param handed the least share of connections that the kernel has */
    private void assertEveryEnding(String transport, int connections, double handed) throws Exception {
        try (ServerSocket server = pod.inside(() -> new ServerSocket(8082, 1_000))) {
            Thread.ofPlatform().daemon().start(() -> serveEndings(server));
            write(SERVICES + slices("web", 8082, "10.50.2.2", "fd50:2::2"));
            run("--kernel-handoff", "eager", "--transport", transport);
            await().atMost(PATIENCE).ignoreExceptions().until(() -> end("10.96.77.1", Ending.CLIENT_FINISHES, 1));

            Random random = new Random(11);
            try (ExecutorService clients = Executors.newFixedThreadPool(16)) {
                List<Future<Boolean>> all = new ArrayList<>();
                for (int i = 0; i < connections; i++) {
                    Ending ending = Ending.values()[i % Ending.values().length];
                    String service = i % 4 == 0 ? "fd96:77::1" : "10.96.77.1";
                    int length = 1 + random.nextInt(i % 10 == 0 ? 1_000_000 : 5_000);
                    all.add(clients.submit(() -> end(service, ending, length)));
                }
                for (Future<Boolean> one : all) {
                    assertThat(one.get(60, TimeUnit.SECONDS)).isTrue();
                }
            }

            assertThat(told("get", "connections", "-A")).doesNotContain("connecting");
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(metric("sluice_kernel_connections ")).isZero());
            assertThat(metric("sluice_handoffs_total{result=\"handed\"} ")).isGreaterThan(connections * handed);
        }
    }

    private static double metric(String name) throws Exception {
        return node.ask("127.0.0.1", 10249, "/metrics").lines().filter(line -> line.startsWith(name))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ')))).sum();
    }

    /** Sends some bytes, compares what comes back, and ends. */
    private static boolean end(String service, Ending ending, int length) throws Exception {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        try (Socket socket = connect(service)) {
            DataOutputStream out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()));
            out.writeUTF(ending.name());
            out.writeInt(length);
            out.write(bytes);
            out.flush();
            if (ending == Ending.CLIENT_FINISHES) {
                socket.shutdownOutput();
            }
            assertThat(socket.getInputStream().readNBytes(length)).isEqualTo(bytes);
            switch (ending) {
                case CLIENT_FINISHES, SERVER_FINISHES -> assertThat(socket.getInputStream().read()).isEqualTo(-1);
                case SERVER_FINISHES_FIRST -> {
                    assertThat(socket.getInputStream().read()).isEqualTo(-1);
                    out.writeInt(length);
                    out.flush();
                }
                case CLIENT_RESETS -> socket.setSoLinger(true, 0);
                case SERVER_RESETS -> {
                    out.writeByte(0);
                    out.flush();
                    assertThatThrownBy(() -> socket.getInputStream().read()).hasMessageContaining("reset");
                }
            }
        }
        return true;
    }

    private static void serveEndings(ServerSocket server) {
        while (!server.isClosed()) {
            try {
                Socket caller = server.accept();
                Thread.ofVirtual().start(() -> serveEnding(caller));
            } catch (IOException e) {
                return;
            }
        }
    }

    private static void serveEnding(Socket caller) {
        try (caller) {
            DataInputStream in = new DataInputStream(caller.getInputStream());
            Ending ending = Ending.valueOf(in.readUTF());
            byte[] bytes = in.readNBytes(in.readInt());
            if (ending == Ending.CLIENT_FINISHES && in.read() >= 0) {
                return;
            }
            caller.getOutputStream().write(bytes);
            switch (ending) {
                case CLIENT_FINISHES, SERVER_FINISHES -> {
                }
                case SERVER_FINISHES_FIRST -> {
                    caller.shutdownOutput();
                    in.readInt();
                }
                case CLIENT_RESETS -> in.readAllBytes();
                case SERVER_RESETS -> {
                    in.readByte();
                    caller.setSoLinger(true, 0);
                }
            }
        } catch (IOException e) {
            // The caller has reset it.
        }
    }

    private static String told(String... words) throws Exception {
        try (NodeDaemon asked = NodeDaemon.start(node, words)) {
            assertThat(asked.awaitExit()).as(asked.log()).isZero();
            return asked.log();
        }
    }

    private static void echo(ServerSocket socket) {
        while (!socket.isClosed()) {
            try {
                Socket caller = socket.accept();
                Thread.ofPlatform().daemon().start(() -> {
                    try (caller) {
                        caller.getInputStream().transferTo(caller.getOutputStream());
                    } catch (IOException e) {
                        // The caller has gone.
                    }
                });
            } catch (IOException e) {
                return;
            }
        }
    }

    @Test
    void a_connection_outlives_a_daemon_that_ends_and_is_ended_by_cleanup() throws Exception {
        runHanding("eager", "epoll");
        try (Socket socket = talk(client, "10.96.77.1")) {
            awaitKernel(socket);
            assertThat(daemon.stop()).isZero();
            assertEchoes(socket);
            assertThat(told("cleanup")).contains("Removed the table of rules");
            assertThat(entry(socket)).isEmpty();
        }
    }

    @Test
    void an_operator_ends_a_connection_that_the_kernel_has() throws Exception {
        runHanding("eager", "epoll");
        try (Socket socket = talk(client, "10.96.77.1")) {
            awaitKernel(socket);
            assertThat(told("kill", "--client", "10.50.1.2:" + socket.getLocalPort())).contains("ended 1 ");
            assertThatThrownBy(() -> {
                assertEchoes(socket);
                assertEchoes(socket);
            }).isInstanceOf(IOException.class);
            assertThat(daemon.log()).contains(" ON");
        }
    }

    @Test
    void a_service_that_says_never_keeps_its_connections_here() throws Exception {
        write(SERVICES.replace("{name: masqueraded, annotations: {", "{name: masqueraded, annotations: {"
                + "sluice.io/kernel-handoff: never, ") + slices("masqueraded", "10.50.2.2")
                + slices("web", "10.50.2.2"));
        runHanding("eager", "epoll");
        try (Socket kept = talk(client, "10.96.77.4"); Socket given = talk(client, "10.96.77.1")) {
            awaitKernel(given);
            assertEchoes(kept);
            assertThat(entry(kept)).isEmpty();
        }
    }

    @Test
    void a_client_that_has_one_of_the_proxys_own_ports_stays_with_the_proxy() throws Exception {
        runHanding("eager", "epoll");
        try (Socket kept = connect(12_345, "10.96.77.1"); Socket given = talk(client, "10.96.77.1")) {
            awaitKernel(given);
            assertThat(line(kept)).isEqualTo("10.50.1.2");
            assertEchoes(kept);
            assertThat(entry(kept)).isEmpty();
            assertThat(metric("sluice_handoffs_total{result=\"client-port\"} ")).isPositive();
        }
    }

    @Test
    void a_client_that_uses_its_port_again_has_one_connection() throws Exception {
        runHanding("eager", "epoll");
        long waited = 0;
        for (int i = 0; i < 20; i++) {
            long begun = System.nanoTime();
            try (Socket socket = connect(33_333, "10.96.77.1")) {
                assertThat(line(socket)).isEqualTo("10.50.1.2");
                waited += System.nanoTime() - begun;
                assertEchoes(socket);
                assertThat(entry(socket)).contains("ESTABLISHED");
                socket.setSoLinger(true, 0);
            }
        }
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(metric("sluice_kernel_connections ")).isZero());
        assertThat(metric("sluice_connections_active{")).isZero();
        // An endpoint that is not told that it may send probes after 200 ms.
        assertThat(waited / 20).isLessThan(200_000_000);
    }

    @Test
    void the_daemon_may_die_and_the_next_one_knows_the_connection() throws Exception {
        runHanding("eager", "epoll");
        try (Socket socket = talk(client, "10.96.77.1")) {
            awaitKernel(socket);
            daemon.kill();
            awaitDeath();
            assertEchoes(socket);

            runHanding("eager", "epoll");
            assertEchoes(socket);
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(told("get", "connections", "-o", "wide"))
                    .contains("kernel", ":" + socket.getLocalPort()));
        }
    }
}
