package io.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Long responses, made while their clients read them. */
class LongBodyTest {

    private static final byte[] PIECE = "0123456789abcdef".repeat(512).getBytes(StandardCharsets.US_ASCII);
    private static final int LONG_PIECES = 4096;
    private static final int LONG = LONG_PIECES * PIECE.length;

    private final AtomicLong made = new AtomicLong();
    private final HttpServer server = new HttpServer("test-long", HttpLimits.DEFAULT);
    private final InetSocketAddress address = server
            .listen(new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0),
                    Site.of(Map.of("/long", Route.view(request -> body(LONG_PIECES, Integer.MAX_VALUE)),
                            "/short", Route.view(request -> body(2, Integer.MAX_VALUE)),
                            "/broken", Route.view(request -> body(LONG_PIECES, 1_000)),
                            "/probe", Route.probe(request -> Response.text("well"))),
                            new AllowedHosts(List.of(), "--hosts")),
                    Duration.ofMinutes(5))
            .firstAttempt().join();

    @AfterEach
    void close() {
        server.close();
    }

    private Response body(int pieces, int failsAt) {
        return Response.pieces("text/plain", () -> new Response.Maker() {
            private int next;

            @Override
            public boolean writeSome(OutputStream out) throws IOException {
                if (next == failsAt) {
                    throw new IllegalStateException("the test's own failure");
                }
                out.write(PIECE);
                made.addAndGet(PIECE.length);
                return ++next < pieces;
            }
        });
    }

    @ParameterizedTest(name = "HTTP/1.{0}, {1}")
    @CsvSource({"0, identity", "0, gzip", "1, identity", "1, gzip"})
    void a_long_body_arrives_whole(int minor, String encoding) throws Exception {
        try (Socket socket = connect(); HttpClient client = HttpClient.newHttpClient()) {
            InputStream in;
            if (minor == 0) {
                send(socket, "GET /long HTTP/1.0~Accept-Encoding: " + encoding + "~~");
                in = socket.getInputStream();
                String head = head(in);
                assertThat(head).doesNotContain("Content-Length", "chunked").contains("Connection: close")
                        .contains(encoding.equals("gzip") ? "Content-Encoding: gzip" : "");
            } else {
                HttpResponse<InputStream> response = client.send(HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + address.getPort() + "/long"))
                        .header("Accept-Encoding", encoding).build(), HttpResponse.BodyHandlers.ofInputStream());
                assertThat(response.headers().firstValue("Transfer-Encoding")).contains("chunked");
                in = response.body();
            }
            try (InputStream body = encoding.equals("gzip") ? new GZIPInputStream(in) : in) {
                assertThat(body.readAllBytes()).hasSize(LONG).startsWith(PIECE).endsWith(PIECE);
            }
        }
    }

    @Test
    void the_connection_goes_on_after_a_long_body() throws Exception {
        try (Socket socket = connect()) {
            send(socket, "GET /long HTTP/1.1~Host: localhost~~GET /short HTTP/1.1~Host: localhost~Connection: close~~");
            String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
            assertThat(all.substring(all.indexOf("\r\n0\r\n\r\n")))
                    .contains("HTTP/1.1 200 OK", "Content-Length: " + 2 * PIECE.length);
        }
    }

    @Test
    void the_head_of_a_long_body_has_no_body() throws Exception {
        try (Socket socket = connect()) {
            send(socket, "HEAD /long HTTP/1.1~Host: localhost~Connection: close~~");
            assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .contains("chunked").endsWith("\r\n\r\n");
        }
    }

    @ParameterizedTest
    @CsvSource({"identity", "gzip"})
    void clients_that_do_not_read_hold_little_and_keep_nobody_waiting(String encoding) throws Exception {
        List<Socket> slow = new ArrayList<>();
        try {
            for (int i = 0; i < 8; i++) {
                Socket socket = connect();
                send(socket, "GET /long HTTP/1.0~Accept-Encoding: " + encoding + "~~");
                slow.add(socket);
                await().until(() -> socket.getInputStream().available() > 0);
            }
            if (encoding.equals("identity")) {
                await().during(Duration.ofMillis(200)).until(made::get, made -> made < 8L * (2 << 20));
            }
            try (Socket other = connect()) {
                send(other, "GET /probe HTTP/1.0~~");
                assertThat(new String(other.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                        .endsWith("well");
            }
            InputStream in = slow.getLast().getInputStream();
            head(in);
            assertThat((encoding.equals("gzip") ? new GZIPInputStream(in) : in).readAllBytes()).hasSize(LONG);
        } finally {
            for (Socket socket : slow) {
                socket.close();
            }
        }
    }

    @Test
    void a_body_that_cannot_be_finished_is_cut_off_visibly() throws Exception {
        try (Socket socket = connect()) {
            send(socket, "GET /broken HTTP/1.0~~");
            assertThatThrownBy(() -> socket.getInputStream().readAllBytes()).isInstanceOf(SocketException.class);
        }
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(64 * 1024);
        socket.setSoTimeout(30_000);
        socket.connect(address, 10_000);
        return socket;
    }

    /** {@code ~} stands for the end of a line. */
    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.replace("~", "\r\n").getBytes(StandardCharsets.US_ASCII));
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            head.append((char) in.read());
        }
        return head.toString();
    }
}
