package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Connections that the kernel goes on with: from then on the daemon may die. */
class KernelHandoffIT extends NodeThatHandsOver {

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
