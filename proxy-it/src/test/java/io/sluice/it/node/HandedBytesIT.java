package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What passes on connections that the kernel goes on with: every byte, and every ending. */
class HandedBytesIT extends NodeThatHandsOver {

    private static final int MEGABYTES = 32;
    private static final int CONNECTIONS = Integer.getInteger("sluice.it.handoffs", 400);
    private static final int STREAMS = 40;

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
        // No reset is lost: nobody sends it again, so that the other peer would wait, with or without a proxy.
        node.run("nft", "add table inet loss; add chain inet loss in { type filter hook prerouting priority -400; };"
                + " add rule inet loss in tcp flags & rst == 0 numgen random mod 100 < 2 drop");
        try {
            assertEveryEnding("epoll", CONNECTIONS / 4, 1.0 / 2);
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
}
