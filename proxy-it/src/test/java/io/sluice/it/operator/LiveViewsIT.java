package io.sluice.it.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.RunningSluice;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An operator looks at single connections of a running daemon. */
class LiveViewsIT {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private RunningSluice sluice;

    @BeforeEach
    void start() throws Exception {
        sluice = new RunningSluice();
        sluice.pod(1, "pod-1");
        // Nobody listens at the second.
        sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
    }

    @AfterEach
    void close() throws IOException {
        sluice.close();
    }

    private static String client(HttpClientConnection connection) {
        return connection.socket().getLocalAddress().getHostAddress() + ":" + connection.socket().getLocalPort();
    }

    /** What comes of a tap, without the lines between events. */
    private static final class Tap implements AutoCloseable {

        private final Socket socket = new Socket();
        private final BufferedReader in;

        Tap(RunningSluice sluice, String query) throws IOException {
            InetSocketAddress server = sluice.sluice().metricsAddress().orElseThrow();
            socket.setSoTimeout((int) PATIENCE.toMillis());
            socket.connect(server);
            socket.getOutputStream().write(("GET /api/v1/tap" + query + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    .getBytes(StandardCharsets.UTF_8));
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            String line = in.readLine();
            assertThat(line).isEqualTo("HTTP/1.1 200 OK");
            while (!line.isEmpty()) {
                line = in.readLine();
            }
        }

        String next() throws IOException {
            String line = in.readLine();
            while (!line.startsWith("data:")) {
                line = in.readLine();
            }
            return line;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    @Test
    void a_tap_shows_a_connection_when_it_opens_and_when_it_closes_and_nothing_of_others() throws Exception {
        sluice.pod(3, "pod-3");
        sluice.manifests().edit("other.yaml", Manifests.service("other", sluice.address(3)));
        sluice.awaitEndpoints("other", sluice.address(3));
        try (Tap tap = new Tap(sluice, "?namespace=default&service=kubia")) {
            await().atMost(PATIENCE).until(() -> {
                sluice.hit("other");
                return true;
            });
            String client;
            try (HttpClientConnection connection = new HttpClientConnection(sluice.vip("kubia"))) {
                connection.ask();
                client = client(connection);
                assertThat(tap.next()).contains("\"event\":\"opened\"").contains("\"client\":\"" + client + "\"")
                        .contains("\"endpoint\":\"" + sluice.address(1) + ":8080\"");
            }
            assertThat(tap.next()).contains("\"event\":\"closed\"").contains("\"client\":\"" + client + "\"")
                    .contains("\"termination\":\"--\"");
        }
    }

    @Test
    void a_connection_is_explained_while_it_is_open_and_after_it_has_ended() throws Exception {
        String client = "";
        boolean retried = false;
        // One of two connections goes to the endpoint at which nobody listens first.
        for (int i = 0; i < 4 && !retried; i++) {
            try (HttpClientConnection connection = new HttpClientConnection(sluice.vip("kubia"))) {
                connection.ask();
                client = client(connection);
                Terminal open = Terminal.run(sluice, "explain", "--connection", client);
                assertThat(open.err()).isEmpty();
                assertThat(open.out()).contains("TCP, established: " + client + " to default/kubia at ")
                        .contains("to " + sluice.address(1) + ":8080").contains("connected after ")
                        .contains("  the endpoint, by the rules of now: ready").contains("balancer: round-robin");
                retried = open.out().contains("  tried " + sluice.address(2) + ":8080: refused after ");
            }
        }
        assertThat(retried).isTrue();
        sluice.awaitIdle();
        Terminal ended = Terminal.run(sluice, "explain", "--connection", client);
        assertThat(ended.out()).contains("TCP, closed: " + client).contains(", --: both sides finished")
                .contains("  tried " + sluice.address(2) + ":8080: refused after ");
        Terminal unknown = Terminal.run(sluice, "explain", "--connection", "127.0.0.1:1");
        assertThat(unknown.err()).isEqualTo("sluice: no connection 127.0.0.1:1 is open, and none is among the last"
                + " 10,000 that were closed\n");
        assertThat(Terminal.run(sluice, "explain", "--connection", "nonsense").err()).contains("is neither");
    }
}
