package io.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The server over real sockets, with bounds that are soon reached. */
class HttpServerTest {

    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
    private static final Duration LONG = Duration.ofMinutes(5);
    private static final int LARGE = 8 << 20;
    private static final HttpLimits ROOMY =
            smallLimits().requestTime(LONG).idleTime(LONG).answerTime(LONG).answerBytes(3L * LARGE / 2).build();

    private final List<Closeable> opened = new ArrayList<>();
    private final AtomicInteger made = new AtomicInteger();
    private final CountDownLatch mayGoOn = new CountDownLatch(1);
    private HttpServer server;
    private InetSocketAddress address;

    private void serve(HttpLimits limits) {
        Map<String, Route> routes = Map.of("/probe", Route.probe(request -> Response.text("well")),
                "/view", Route.view(request -> Response.text("seen " + request.query())),
                "/large", Route.view(request -> {
                    byte[] part = "0123456789abcdef".repeat(64).getBytes(StandardCharsets.US_ASCII);
                    return new Response(200, "text/plain", out -> {
                        for (int i = 0; i < LARGE / part.length; i++) {
                            out.write(part);
                        }
                    });
                }), "/slow", Route.view(request -> {
                    made.incrementAndGet();
                    try {
                        mayGoOn.await();
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                    return Response.text("at last");
                }));
        server = new HttpServer("test-http", limits);
        address = server.listen(ANY_PORT, Site.of(routes, new AllowedHosts(List.of(), "--hosts")), LONG)
                .firstAttempt().join();
    }

    @AfterEach
    void close() throws IOException {
        mayGoOn.countDown();
        for (Closeable one : opened) {
            one.close();
        }
        server.close();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            a probe                            | GET /probe HTTP/1.1~Host: localhost~~                          | 200 | well
            a probe by any name                | GET /probe HTTP/1.1~Host: evil.example~~                       | 200 | well
            a probe without a name             | GET /probe HTTP/1.1~~                                          | 200 | well
            a probe of HTTP/1.0                | GET /probe HTTP/1.0~~                                          | 200 | well
            its head                           | HEAD /probe HTTP/1.1~Host: localhost~~                         | 200 | ""
            a view                             | GET /view?a=b%20c&d HTTP/1.1~Host: localhost~~                 | 200 | seen {a=b c, d=}
            a view of HTTP/1.0                 | GET /view HTTP/1.0~~                                           | 200 | seen {}
            a view by another name             | GET /view HTTP/1.1~Host: evil.example~~                        | 403 | allow the name with --hosts
            a view without a name              | GET /view HTTP/1.1~~                                           | 400 | no header Host
            a view with two names              | GET /view HTTP/1.1~Host: localhost~Host: localhost~~           | 400 | more than one header Host
            a whole URL                        | GET http://localhost/view?x HTTP/1.1~Host: localhost~~         | 200 | seen {x=}
            a whole URL of another name        | GET http://evil.example/view HTTP/1.1~Host: localhost~~        | 403 | evil.example
            a whole URL without a path         | GET HTTP://localhost?x HTTP/1.1~Host: localhost~~              | 404 | / lists what is
            an encoded path                    | GET /%76iew HTTP/1.1~Host: localhost~~                         | 200 | seen {}
            a path that is not one             | GET /%zz HTTP/1.1~Host: localhost~~                            | 404 | / lists what is
            an unknown path by another name    | GET /secret HTTP/1.1~Host: evil.example~~                      | 403 | evil.example
            a query that is none               | GET /view?%zz HTTP/1.1~Host: localhost~~                       | 400 | not properly encoded
            another method                     | DELETE /view HTTP/1.1~Host: localhost~~                        | 405 | only GET and HEAD
            a body                             | POST /view HTTP/1.1~Host: localhost~Content-Length: 3~~abc     | 405 | only GET and HEAD
            a body in chunks                   | GET /view HTTP/1.1~Host: localhost~Transfer-Encoding: chunked~~3~abc~0~~ | 200 | seen {}
            chunks that are none               | GET /view HTTP/1.1~Host: localhost~Transfer-Encoding: chunked~~zz~ | 400 | body
            a large body                       | POST /view HTTP/1.1~Host: localhost~Content-Length: 3000~~#3000 | 413 | 2000 octets
            whether a body may come            | PUT /view HTTP/1.1~Host: localhost~Expect: 100-continue~Content-Length: 3000~~ | 405 | only GET
            the server as a whole              | OPTIONS * HTTP/1.1~Host: localhost~~                           | 404 | / lists
            no HTTP                            | hello~~                                                        | 400 | HTTP/1.1
            a version that is not spoken       | GET /view HTTP/2.0~Host: localhost~~                           | 505 | 1.1
            a long line                        | GET /#2000 HTTP/1.1~Host: localhost~~                          | 414 | 1024 octets
            a long header                      | GET /view HTTP/1.1~Host: localhost~X: #2000~~                  | 431 | 1024 octets
            many headers                       | GET /view HTTP/1.1~Host: localhost~A:~B:~C:~D:~E:~F:~G:~H:~I:~J:~~ | 431 | 10 headers
            """)
    void a_request_is_answered(String what, String request, int status, String text) throws IOException {
        serve(ROOMY);
        String answer = ask(request);

        assertThat(answer).startsWith("HTTP/1.1 " + status + " ").contains("X-Content-Type-Options: nosniff")
                .contains("Cross-Origin-Resource-Policy: same-origin").doesNotContain("Access-Control");
        assertThat(answer.substring(answer.indexOf("\r\n\r\n") + 4)).contains(text);
        assertThat(answer.contains("Allow: GET, HEAD")).isEqualTo(status == 405);
        if (text.isEmpty()) {
            assertThat(answer).endsWith("\r\n\r\n").contains("Content-Length: 4");
        }
    }

    @Test
    void requests_that_come_at_once_are_answered_in_turn() throws IOException {
        serve(ROOMY);
        String answers = ask("GET /view?1 HTTP/1.1~Host: localhost~~GET /probe HTTP/1.1~Host: localhost~~"
                + "HEAD /probe HTTP/1.1~Host: localhost~~GET /view?4 HTTP/1.1~Host: localhost~Connection: close~~");

        assertThat(answers.split("HTTP/1.1 200 OK")).hasSize(5);
        assertThat(answers).containsSubsequence("seen {1=}", "well", "seen {4=}");
    }

    @Test
    void who_sends_more_requests_at_once_than_may_wait_is_cut_off() throws IOException {
        serve(ROOMY);
        Socket flood = connect("127.0.0.1");
        send(flood, "GET /slow HTTP/1.1~Host: localhost~~".repeat(7));

        assertThat(end(flood)).isTrue();
        assertThat(ask("GET /probe HTTP/1.0~~")).contains("well");
    }

    @Test
    void a_client_that_has_finished_sending_gets_its_answer() throws IOException {
        serve(ROOMY);
        Socket client = connect("127.0.0.1");
        send(client, "GET /slow HTTP/1.1~Host: localhost~~");
        client.shutdownOutput();
        await().until(() -> made.get() == 1);
        mayGoOn.countDown();

        assertThat(new String(client.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)).contains("at last");
    }

    @Test
    void half_sent_requests_give_way_to_whole_ones_whoever_sends_them() throws IOException {
        serve(ROOMY);
        List<Socket> held = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            Socket half = connect(i % 2 == 0 ? "127.0.0.1" : "127.0.1." + (1 + i));
            send(half, "GET /probe HTTP/1.1~Host: x~X-a: ");
            held.add(half);
            if (i % 5 == 4) {
                assertThat(ask("GET /probe HTTP/1.0~~")).contains("well");
            }
        }
        assertThat(end(held.getLast(), 100)).as("the newest is still waited for").isFalse();
        int ended = 0;
        for (Socket half : held) {
            ended += end(half, 20) ? 1 : 0;
        }
        assertThat(ended).isGreaterThanOrEqualTo(held.size() - ROOMY.ownConnections());
    }

    @Test
    void a_head_must_be_there_in_time_however_many_octets_come() throws IOException {
        serve(limits(Duration.ofMillis(300), LONG, LONG));
        Socket trickle = connect("127.0.0.1");
        send(trickle, "GET /probe HTTP/1.1~X: ");

        await().until(() -> {
            try {
                send(trickle, "x");
                return end(trickle, 20);
            } catch (SocketException e) {
                return true;
            }
        });
    }

    @Test
    void a_connection_that_asks_no_more_is_closed() throws IOException {
        serve(limits(LONG, Duration.ofMillis(200), LONG));
        Socket idle = connect("127.0.0.1");
        send(idle, "GET /probe HTTP/1.1~Host: x~~");

        assertThat(new String(idle.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)).endsWith("well");
    }

    @Test
    void who_does_not_take_an_answer_is_reset_in_time() throws IOException {
        serve(limits(LONG, LONG, Duration.ofMillis(300)));
        Socket slow = connect("127.0.0.1");
        send(slow, "GET /large HTTP/1.0~~");
        await().until(() -> slow.getInputStream().available() > 0);

        await().until(() -> {
            try {
                send(slow, "x");
                return false;
            } catch (SocketException e) {
                return true;
            }
        });
    }

    @Test
    void answers_that_nobody_takes_give_way_to_others() throws IOException {
        serve(ROOMY);
        Socket slow = connect("127.0.0.1");
        send(slow, "GET /large HTTP/1.1~Host: localhost~~");
        await().until(() -> slow.getInputStream().available() > 0);

        for (int i = 0; i < 3; i++) {
            assertThat(ask("GET /large HTTP/1.0~~").length()).isGreaterThan(LARGE);
        }
        assertThat(readable(slow)).isLessThan(LARGE);
    }

    @Test
    void those_who_wait_for_the_same_view_get_the_same_answer() throws IOException {
        serve(ROOMY);
        List<Socket> askers = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            Socket asker = connect("127.0.0.1");
            send(asker, "GET /slow HTTP/1.0~~");
            askers.add(asker);
            await().until(() -> made.get() == 1);
            assertThat(ask("GET /probe HTTP/1.0~~")).as("while it is made").contains("well");
        }
        mayGoOn.countDown();

        for (Socket asker : askers) {
            assertThat(new String(asker.getInputStream().readAllBytes(), StandardCharsets.US_ASCII))
                    .contains("at last");
        }
        assertThat(made.get()).as("one for the first, one for all that came while it was made").isEqualTo(2);
    }

    @Test
    void what_nobody_waits_for_any_more_is_not_made() throws IOException {
        serve(ROOMY);
        Socket first = connect("127.0.0.1");
        send(first, "GET /slow HTTP/1.0~~");
        await().until(() -> made.get() == 1);
        for (int i = 0; i < 20; i++) {
            send(connect("127.0.0.1"), "GET /slow?" + i + " HTTP/1.0~~");
        }
        assertThat(ask("GET /probe HTTP/1.0~~")).as("all are there").contains("well");
        mayGoOn.countDown();
        assertThat(new String(first.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)).contains("at last");
        assertThat(ask("GET /view HTTP/1.0~~")).contains("seen");

        assertThat(made.get()).isLessThanOrEqualTo(ROOMY.ownConnections());
    }

    @ParameterizedTest(name = "Accept-Encoding: {0}: {1}")
    @CsvSource({"gzip, true", "'deflate, gzip;q=1.0, *;q=0.5', true", "gzip;q=0, false", "gzip; q=0.0, false",
            "identity, false", "GZIP, true", "xgzip, false"})
    void a_large_body_is_compressed_for_whoever_takes_it(String encoding, boolean compressed) throws IOException {
        serve(ROOMY);
        Socket client = connect("127.0.0.1");
        send(client, "GET /large HTTP/1.0~Accept-Encoding: " + encoding + "~~");
        InputStream in = client.getInputStream();
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            head.append((char) in.read());
        }

        assertThat(head.indexOf("Content-Encoding: gzip") > 0).isEqualTo(compressed);
        byte[] body = (compressed ? new GZIPInputStream(in) : in).readAllBytes();
        assertThat(body).hasSize(LARGE).startsWith("0123456789abcdef01".getBytes(StandardCharsets.US_ASCII));
    }

    private static HttpLimits limits(Duration request, Duration idle, Duration answer) {
        return smallLimits().requestTime(request).idleTime(idle).answerTime(answer).answerBytes(Long.MAX_VALUE).build();
    }

    private static HttpLimits.Builder smallLimits() {
        return HttpLimits.builder().ownConnections(8).connections(8).connectionsPerClient(4).headBytes(1_024)
                .headers(10)
                .bodyBytes(2_000).pipelined(4).views(1).spareDescriptors(1);
    }

    private Socket connect(String from) throws IOException {
        Socket socket = new Socket();
        opened.add(socket);
        socket.setReceiveBufferSize(64 * 1024);
        socket.setSoTimeout(30_000);
        socket.bind(new InetSocketAddress(InetAddress.ofLiteral(from), 0));
        socket.connect(address, 10_000);
        return socket;
    }

    /** {@code ~} stands for the end of a line, {@code #} and a number for as many octets. */
    private static void send(Socket socket, String text) throws IOException {
        String whole = text.replace("#3000", "x".repeat(3000)).replace("#2000", "x".repeat(2000)).replace("~", "\r\n");
        socket.getOutputStream().write(whole.getBytes(StandardCharsets.US_ASCII));
    }

    /** Everything that is answered, the client finishing after its request. */
    private String ask(String request) throws IOException {
        try (Socket socket = connect("127.0.0.1")) {
            send(socket, request);
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    private static boolean end(Socket socket) throws IOException {
        return end(socket, 20_000);
    }

    /** Whether the server ends the connection within that time. */
    private static boolean end(Socket socket, int millis) throws IOException {
        socket.setSoTimeout(millis);
        try {
            return socket.getInputStream().read() < 0;
        } catch (SocketTimeoutException e) {
            return false;
        } catch (SocketException e) {
            return true;
        }
    }

    /** How many octets can be read before the connection is reset; the end counts as everything. */
    private static long readable(Socket socket) throws IOException {
        socket.setSoTimeout(20_000);
        long count = 0;
        byte[] buffer = new byte[4096];
        try {
            for (int read = socket.getInputStream().read(buffer); read >= 0; read =
                    socket.getInputStream().read(buffer)) {
                count += read;
                if (count > LARGE) {
                    return count;
                }
            }
            return Long.MAX_VALUE;
        } catch (SocketException e) {
            return count;
        }
    }
}
