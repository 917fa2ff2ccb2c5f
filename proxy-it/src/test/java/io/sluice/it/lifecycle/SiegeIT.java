package io.sluice.it.lifecycle;

import static io.sluice.it.testbed.Script.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Descriptors;
import io.sluice.it.testbed.Gate;
import io.sluice.it.testbed.Script;
import io.sluice.it.testbed.ScriptedPeer;
import io.sluice.it.testbed.ScriptedServer;
import io.sluice.it.testbed.SluiceProcess;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Clients that hold connections to the admin addresses, and web pages that would like to read there. */
class SiegeIT {

    private static final int PROBES = 15;
    /** Between ten connections and ten more: others need the processors, too. */
    private static final long PAUSE_NANOS = 10_000_000;
    private static final int PATIENCE_MILLIS = 10_000;

    /**
     * Keeps connections open, each begun with some octets, and never reads an answer. What the server has ended is opened
     * again.
     */
    private static final class Siege implements Closeable {

        private final Deque<SocketChannel> held = new ArrayDeque<>();
        private final AtomicInteger opened = new AtomicInteger();
        private final Thread thread;
        private volatile boolean over;

        /** @param firstAddress the number of the first of the clients' addresses; 0 is 127.0.0.1 */
        Siege(InetSocketAddress target, int connections, int firstAddress, int addresses, String octets) {
            thread = Thread.ofPlatform().name("siege").start(() -> {
                for (int turn = 0; !over; turn++) {
                    SocketChannel oldest = held.size() < connections ? null : held.poll();
                    if (oldest != null && holds(oldest)) {
                        held.add(oldest);
                    } else {
                        held.add(open(target, firstAddress + opened.getAndIncrement() % addresses, octets));
                    }
                    if (turn % 10 == 0) {
                        LockSupport.parkNanos(PAUSE_NANOS);
                    }
                }
                held.forEach(Siege::close);
            });
            await().atMost(Duration.ofMinutes(1)).until(() -> opened.get() >= connections);
        }

        private static SocketChannel open(InetSocketAddress target, int address, String octets) {
            try {
                SocketChannel client = SocketChannel.open();
                try {
                    client.setOption(StandardSocketOptions.SO_RCVBUF, 4096);
                    client.bind(new InetSocketAddress(
                            InetAddress.ofLiteral("127.0." + address / 250 + "." + (1 + address % 250)), 0));
                    client.connect(target);
                    client.write(ByteBuffer.wrap(octets.getBytes(StandardCharsets.US_ASCII)));
                    client.configureBlocking(false);
                } catch (IOException e) {
                    client.close(); // refused, or it was this one's turn to give way
                }
                return client;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        /** Whether the server has not ended it; takes one octet of an answer, if there is one. */
        private static boolean holds(SocketChannel client) {
            try {
                return client.isOpen() && client.read(ByteBuffer.allocate(1)) >= 0 || close(client);
            } catch (IOException e) {
                return close(client);
            }
        }

        private static boolean close(SocketChannel client) {
            try {
                client.close();
                return false;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        public void close() throws IOException {
            over = true;
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
    }

    @ParameterizedTest(name = "{0} connections from {1} addresses")
    @CsvSource({"300, 1", "600, 500"})
    void half_sent_requests_keep_no_probe_of_the_node_from_its_answer(int connections, int addresses)
            throws IOException {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.service("kubia").run();
            for (String purpose : new String[] {"health checks", "metrics"}) {
                sluice.with(new Siege(sluice.serving(purpose), connections, 0, addresses,
                        "GET /livez HTTP/1.1\r\nHost: x\r\nX-a: "));
            }
            for (int i = 0; i < PROBES; i++) {
                assertThat(probe(sluice, "health checks", "/livez")).startsWith("HTTP/1.1 200 ");
                assertThat(probe(sluice, "metrics", "/healthz")).startsWith("HTTP/1.1 200 ");
            }
        }
    }

    /** As kubelet probes: three failures in a row count. On a busy machine a probe may be slower to ask than those around it. */
    private static String probe(SluiceProcess sluice, String purpose, String path) {
        String answer = "";
        for (int attempt = 0; attempt < 3 && !answer.startsWith("HTTP/1.1 "); attempt++) {
            try {
                answer = get(sluice, purpose, path, "x");
            } catch (IOException e) {
                answer = e.toString();
            }
        }
        return answer;
    }

    @Test
    void scrapes_that_nobody_reads_keep_no_probe_and_no_scrape_from_its_answer() throws IOException {
        try (SluiceProcess sluice = new SluiceProcess()) {
            StringBuilder services = new StringBuilder();
            for (int i = 0; i < 400; i++) {
                services.append("{apiVersion: v1, kind: Service, metadata: {name: s").append(i)
                        .append("}, spec: {ports: [{port: 80}]}}\n---\n");
            }
            sluice.manifests().replace("many.yaml", services.toString());
            sluice.run();
            assertThat(get(sluice, "health checks", "/livez", "x")).startsWith("HTTP/1.1 200 ");
            sluice.with(
                    new Siege(sluice.serving("metrics"), 250, 1, 1,
                            "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            for (int i = 0; i < PROBES; i++) {
                assertThat(get(sluice, "health checks", "/livez", "x")).startsWith("HTTP/1.1 200 ");
                assertThat(get(sluice, "metrics", "/healthz", "x")).startsWith("HTTP/1.1 200 ");
            }
            await().atMost(Duration.ofMinutes(1)).ignoreExceptions().until(
                    () -> get(sluice, "metrics", "/metrics", "localhost").contains("sluice_services 400"));
            assertThat(sluice.lines()).noneMatch(line -> line.contains("OutOfMemory") || line.contains("\tat "));
        }
    }

    @Test
    void a_web_page_that_gives_its_name_our_address_reads_nothing() throws IOException {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.service("kubia").run("--metrics-allowed-hosts", "prometheus.example,*.mon.example",
                    "--hostname-override", "laptop");
            for (String path : new String[] {"/metrics", "/api/v1/services", "/api/v1/connections", "/"}) {
                assertThat(get(sluice, "metrics", path, "rebind.evil.example:10249"))
                        .startsWith("HTTP/1.1 403 ").contains("--metrics-allowed-hosts").doesNotContain("kubia");
                for (String host : new String[] {"127.0.0.1", "localhost:1", "LAPTOP", "prometheus.example.",
                        "a.mon.example"}) {
                    assertThat(get(sluice, "metrics", path, host)).as(host).startsWith("HTTP/1.1 200 ");
                }
            }
            assertThat(get(sluice, "health checks", "/livez", "lb.example")).startsWith("HTTP/1.1 200 ");
            assertThat(get(sluice, "health checks", "/readyz", "lb.example")).startsWith("HTTP/1.1 200 ")
                    .endsWith("{\"ready\":true}\n");
            sluice.awaitLine("the name rebind.evil.example is not allowed here");
        }
    }

    @Test
    void a_probe_is_answered_when_the_process_has_no_descriptors_left() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            Gate over = new Gate();
            sluice.with(ScriptedServer.at(sluice.ip(1), script().send(10).await(over)));
            sluice.service("kubia", sluice.ip(1)).run(300, "--max-connections", "1000");
            assertThat(get(sluice, "health checks", "/livez", "x")).startsWith("HTTP/1.1 200 ");
            for (int i = 0; i < 200; i++) {
                sluice.with(ScriptedPeer.client(sluice.address("kubia"),
                        script().then(new Script.Step.ReceiveToEndOrReset(1_000, Duration.ZERO))));
            }
            await().atMost(Duration.ofMinutes(1)).until(() -> Descriptors.all(sluice.pid()) > 290);
            assertThat(get(sluice, "health checks", "/livez", "x")).startsWith("HTTP/1.1 200 ");
            over.open();
            for (int i = 0; i < PROBES; i++) {
                assertThat(get(sluice, "health checks", "/livez", "x")).startsWith("HTTP/1.1 200 ");
            }
        }
    }

    private static String get(SluiceProcess sluice, String purpose, String path, String host) throws IOException {
        try (Socket socket = new Socket()) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.connect(sluice.serving(purpose), PATIENCE_MILLIS);
            socket.getOutputStream().write(("GET " + path + " HTTP/1.1\r\nHost: " + host
                    + "\r\nConnection: close\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
