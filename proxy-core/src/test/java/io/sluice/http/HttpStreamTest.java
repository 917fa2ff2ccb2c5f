package io.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Bodies without an end, over real sockets. */
class HttpStreamTest {

    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
    private static final Duration LONG = Duration.ofMinutes(5);

    private final List<Closeable> opened = new ArrayList<>();
    private final Set<Runnable> wakes = ConcurrentHashMap.newKeySet();
    private final AtomicInteger written = new AtomicInteger();
    private final AtomicLong made = new AtomicLong();
    private final AtomicInteger open = new AtomicInteger();
    private HttpServer server;
    private InetSocketAddress address;

    /** {@code /numbers} has a line for each number up to {@link #written}; {@code /flood} has always more. */
    private void serve(HttpLimits limits) {
        Response.Stream numbers = wake -> {
            wakes.add(wake);
            open.incrementAndGet();
            return new Response.Feed() {
                private int next = 1;

                @Override
                public byte[] next() {
                    return next > written.get()
                            ? new byte[0]
                            : ("data: " + next++ + "\n\n").getBytes(StandardCharsets.US_ASCII);
                }

                @Override
                public void close() {
                    open.decrementAndGet();
                    wakes.remove(wake);
                }
            };
        };
        Response.Stream flood = wake -> new Response.Feed() {
            @Override
            public byte[] next() {
                made.addAndGet(4096);
                return new byte[4096];
            }

            @Override
            public void close() {
                open.decrementAndGet();
            }
        };
        Map<String, Route> routes = Map.of("/numbers", Route.view(request -> Response.events(numbers)), "/flood",
                Route.view(request -> {
                    open.incrementAndGet();
                    return Response.events(flood);
                }), "/view", Route.view(request -> Response.text("seen")));
        server = new HttpServer("test-http", limits);
        address = server.listen(ANY_PORT, Site.of(routes, new AllowedHosts(List.of(), "--hosts")), LONG)
                .firstAttempt().join();
    }

    @AfterEach
    void close() throws IOException {
        for (Closeable one : opened) {
            one.close();
        }
        server.close();
    }

    @Test
    void events_reach_their_clients_as_they_come() throws IOException {
        serve(HttpLimits.DEFAULT);
        written.set(2);
        BufferedReader first = ask("GET /numbers HTTP/1.1");
        assertThat(head(first)).startsWith("HTTP/1.1 200 OK").contains("text/event-stream").contains("close")
                .doesNotContain("Content-Length");
        assertThat(event(first)).isEqualTo("data: 1");
        assertThat(event(first)).isEqualTo("data: 2");
        BufferedReader second = ask("GET /numbers HTTP/1.1");
        head(second);
        event(second);
        event(second);
        written.set(3);
        wakes.forEach(Runnable::run);
        assertThat(event(first)).isEqualTo("data: 3");
        assertThat(event(second)).isEqualTo("data: 3");
    }

    @Test
    void a_stream_without_events_says_from_time_to_time_that_it_is_there() throws IOException {
        serve(HttpLimits.builder().streamSilence(Duration.ofMillis(20)).build());
        BufferedReader client = ask("GET /numbers HTTP/1.1");
        head(client);
        assertThat(event(client)).isEqualTo(":");
        assertThat(event(client)).isEqualTo(":");
    }

    @Test
    void a_client_beyond_the_limit_is_refused_and_may_come_when_another_has_gone() throws IOException {
        serve(HttpLimits.builder().streams(2).build());
        head(ask("GET /numbers HTTP/1.1"));
        head(ask("GET /numbers HTTP/1.1"));
        BufferedReader third = ask("GET /numbers HTTP/1.1");
        assertThat(head(third)).startsWith("HTTP/1.1 503");
        assertThat(third.readLine()).contains("2 clients watch already");
        assertThat(head(ask("GET /view HTTP/1.1"))).as("other views are served").startsWith("HTTP/1.1 200");
        opened.getFirst().close();
        await().untilAsserted(() -> assertThat(open).hasValue(1));
        assertThat(head(ask("GET /numbers HTTP/1.1"))).startsWith("HTTP/1.1 200");
    }

    @Test
    void a_client_that_does_not_read_holds_little_memory_and_is_cut_off() throws IOException {
        serve(HttpLimits.builder().answerTime(Duration.ofMillis(300)).build());
        ask("GET /flood HTTP/1.1");
        await().untilAsserted(() -> assertThat(made.get()).isPositive());
        await().untilAsserted(() -> assertThat(open).as("streams").hasValue(0));
        assertThat(made.get()).as("octets made for it").isLessThan(16 << 20);
    }

    @Test
    void the_head_alone_has_no_stream() throws IOException {
        serve(HttpLimits.DEFAULT);
        assertThat(head(ask("HEAD /numbers HTTP/1.1"))).startsWith("HTTP/1.1 200").contains("text/event-stream");
        assertThat(open).hasValue(0);
    }

    @Test
    void streams_end_with_the_server() throws IOException {
        serve(HttpLimits.DEFAULT);
        BufferedReader client = ask("GET /numbers HTTP/1.1");
        head(client);
        server.close();
        assertThat(client.readLine()).isNull();
        assertThat(open).hasValue(0);
    }

    private BufferedReader ask(String line) throws IOException {
        Socket socket = new Socket(address.getAddress(), address.getPort());
        opened.add(socket);
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write((line + "\r\nHost: localhost\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
        return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    }

    private static String head(BufferedReader in) throws IOException {
        StringBuilder head = new StringBuilder();
        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
            head.append(line).append('\n');
        }
        return head.toString();
    }

    /** A line and the empty one after it. */
    private static String event(BufferedReader in) throws IOException {
        String line = in.readLine();
        assertThat(in.readLine()).isEmpty();
        return line;
    }
}
