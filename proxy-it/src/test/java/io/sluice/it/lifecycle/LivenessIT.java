package io.sluice.it.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.BlackHole;
import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.NotifySocket;
import io.sluice.it.testbed.ScriptedServer;
import io.sluice.it.testbed.SluiceProcess;
import io.sluice.it.testbed.TcpTable;
import io.sluice.proxy.Transport;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When a process ends by itself, when it says that it should be started again, and when it does not. */
class LivenessIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int SERVICES = 1_500;

    @Test
    void out_of_memory_ends_the_process_with_a_code_of_its_own_and_a_line() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.service("kubia", sluice.ip(1)).shippedJavaOptions("-Xmx10m");
            // As many objects as so small a heap may read, and more than it can serve, if it comes that far.
            sluice.manifests().replace("many.yaml", IntStream.range(0, SERVICES).mapToObj("""
                    ---
                    apiVersion: v1
                    kind: Service
                    metadata: {name: s%d, labels: {a: some text that takes memory again and again}}
                    spec: {selector: {app: x}, ports: [{port: 8088, name: a}, {port: 8089, name: b}]}
                    """::formatted).collect(Collectors.joining()));
            sluice.begin();
            assertThat(sluice.exitCode()).isEqualTo(3);
            assertThat(sluice.lines()).anyMatch(line -> line.contains("java.lang.OutOfMemoryError"));
            await().atMost(PATIENCE).until(() -> {
                try {
                    HttpClientConnection.hit(sluice.address("kubia"));
                    return false;
                } catch (ConnectException e) {
                    return true;
                }
            });
        }
    }

    @Test
    void a_process_that_was_stopped_for_longer_than_the_stall_timeout_is_alive_when_it_goes_on() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.run("--stall-timeout", "3s");
            assertThat(sluice.health("/livez")).startsWith("200 ");
            sluice.signal("STOP");
            await().pollDelay(Duration.ofSeconds(7)).until(() -> true);
            sluice.signal("CONT");
            await().during(Duration.ofSeconds(4)).atMost(PATIENCE)
                    .until(() -> sluice.health("/livez").startsWith("200 "));
            assertThat(sluice.lines()).noneMatch(line -> line.contains("has made no progress"));
        }
    }

    @Test
    void manifests_that_cannot_be_read_to_their_end_are_told_and_are_no_reason_to_be_started_again() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.begin("-f", "-", "--stall-timeout", "2s"); // nobody closes its standard input
            sluice.awaitLine("sluice-manifests (source) has been waiting for the end of standard input since ");
            await().atMost(PATIENCE).untilAsserted(() -> assertThat(sluice.health("/readyz")).startsWith("503 ")
                    .contains("\"detail\":\"reading manifests since "));
            assertThat(sluice.health("/livez")).startsWith("200 ");
            assertThat(sluice.admin("/metrics")).contains("sluice_thread_stalls_total{kind=\"source\"} 1.0");
        }
    }

    /** The kernel connects while the process is stopped, within the time for it; the process sees that late. */
    @EachTransport
    void a_connection_that_came_about_while_the_process_was_stopped_has_not_timed_out(Transport transport)
            throws Exception {
        try (SluiceProcess sluice = new SluiceProcess();
                BlackHole endpoint = new BlackHole(sluice.ip(1));
                Socket client = new Socket()) {
            sluice.service("late", sluice.ip(1)).run("--transport", transport.name().toLowerCase(Locale.ROOT),
                    "--connect-timeout", "6s", "--connect-retries", "0");
            InetSocketAddress address = new InetSocketAddress(sluice.ip(1), ScriptedServer.PORT);
            long before = TcpTable.connectingTo(address);
            client.connect(sluice.address("late"));
            await().atMost(PATIENCE).until(() -> TcpTable.connectingTo(address) > before);
            sluice.signal("STOP");
            long stopped = System.nanoTime();
            try (Socket connected = endpoint.accept()) {
                await().atMost(PATIENCE).until(() -> System.nanoTime() - stopped > Duration.ofSeconds(7).toNanos());
                sluice.signal("CONT");
                connected.getOutputStream().write('!');
                client.setSoTimeout((int) PATIENCE.toMillis());
                assertThat(client.getInputStream().read()).isEqualTo('!');
            }
        }
    }

    /** The process sees the connection, its bytes and its reset at once, before it has looked for an endpoint. */
    @EachTransport
    void what_a_client_sent_before_it_reset_reaches_the_endpoint_and_then_the_reset(Transport transport)
            throws Exception {
        try (SluiceProcess sluice = new SluiceProcess();
                ServerSocket endpoint =
                        new ServerSocket(ScriptedServer.PORT, 16, InetAddress.getByName(sluice.ip(1)))) {
            sluice.service("short", sluice.ip(1)).run("--transport", transport.name().toLowerCase(Locale.ROOT));
            endpoint.setSoTimeout((int) PATIENCE.toMillis());
            for (int i = 0; i < 10; i++) {
                sluice.signal("STOP");
                try (Socket client = new Socket()) {
                    client.connect(sluice.address("short"));
                    client.getOutputStream().write("hello".getBytes(StandardCharsets.US_ASCII));
                    client.setSoLinger(true, 0);
                }
                sluice.signal("CONT");
                try (Socket served = endpoint.accept()) {
                    served.setSoTimeout((int) PATIENCE.toMillis());
                    assertThat(new String(served.getInputStream().readNBytes(5), StandardCharsets.US_ASCII))
                            .isEqualTo("hello");
                    assertThatThrownBy(() -> served.getInputStream().read()).isInstanceOf(SocketException.class);
                }
            }
        }
    }

    @Test
    void the_service_manager_is_told_of_the_start_of_good_health_and_of_the_end(@TempDir Path directory)
            throws Exception {
        Path socket = directory.resolve("notify");
        try (NotifySocket manager = new NotifySocket(socket.toString()); SluiceProcess sluice = new SluiceProcess()) {
            sluice.environment("NOTIFY_SOCKET", socket.toString()).environment("WATCHDOG_USEC", "1000000").run();
            await().atMost(PATIENCE).until(() -> "READY=1".equals(manager.next()));
            await().atMost(PATIENCE).until(() -> "WATCHDOG=1".equals(manager.next()));
            sluice.signal("TERM");
            await().atMost(PATIENCE).until(() -> "STOPPING=1".equals(manager.next()));
            assertThat(sluice.exitCode()).isZero();
        }
    }
}
