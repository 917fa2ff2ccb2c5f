package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.sluice.cli.Console;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code events} makes of a daemon's answers. */
class EventsCommandTest {

    private static final String EVENT = """
            {"id":1007,"at":"2026-11-30T02:13:07.412Z","type":"EndpointRemoved","namespace":"shop","service":"api",\
            "port":"http","endpoint":"10.1.0.3:8080","pod":"api-1","message":"10.1.0.3:8080 (pod api-1) removed"}""";
    private static final String STALE =
            "{\"id\":1008,\"at\":\"2026-11-30T02:13:08Z\",\"type\":\"SourceStale\",\"message\":\"quiet\"}";

    private final List<String> queries = new ArrayList<>();
    private HttpServer server;
    private String page = "{\"events\":[" + EVENT + "," + STALE + "],\"last\":1008,\"more\":false,\"lost\":0}";
    /** The answers to those who watch, one after another; then the daemon refuses, which ends the command. */
    private final Deque<String> streams = new ArrayDeque<>();

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                String query = exchange.getRequestURI().toString();
                queries.add(query);
                boolean watching = query.contains("watch=1");
                exchange.getResponseHeaders().set("Content-Type", "application/json");
                boolean refused = watching && streams.isEmpty();
                byte[] body = (refused ? "{\"error\": \"16 clients watch already\"}"
                        : watching ? streams.remove() : page).getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(refused ? 503 : 200, body.length);
                exchange.getResponseBody().write(body);
            }
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @Test
    void each_event_is_a_line_with_its_time_and_reason() {
        assertThat(events("-n", "shop").out()).matches("""
                TIME                  TYPE                  SERVICE                    MESSAGE
                2026-\\d\\d-\\d\\d \\d\\d:\\d\\d:07   EndpointRemoved       shop/api:http              10.1.0.3:8080 \
                \\(pod api-1\\) removed
                2026-\\d\\d-\\d\\d \\d\\d:\\d\\d:08   SourceStale           -                          quiet
                """);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            -o table                 | namespace=default&limit=10000
            -A                       | limit=10000
            -n shop                  | namespace=shop&limit=10000
            api -n shop              | service=api&namespace=shop&limit=10000
            shop/api:http            | service=api&namespace=shop&limit=10000
            svc/api                  | service=api&namespace=default&limit=10000
            --since 1h30m            | namespace=default&limit=10000&since=5400000ms
            --since 2d               | namespace=default&limit=10000&since=2d
            --since 1796030696109007 | namespace=default&limit=10000&since=1796030696109007
            """)
    void the_daemon_is_asked_for_exactly_that(String words, String query) {
        assertThat(events(words.split(" ", -1)).err()).isEmpty();
        assertThat(queries).containsExactly("/api/v1/events?" + query);
    }

    @Test
    void json_is_what_the_daemon_said() {
        assertThat(events("-o", "json").out()).startsWith("{").contains("\"items\"", "\"EndpointRemoved\"");
    }

    @Test
    void whoever_watches_gets_what_was_and_what_comes_also_from_the_next_daemon() {
        streams.add(":\n\nid: 1009\ndata: " + STALE.replace("1008", "1009").replace("quiet", "still")
                + "\n\nevent: lost\ndata: {\"lost\":3}\n\n");
        streams.add("id: 2001\ndata: " + STALE.replace("1008", "2001").replace("quiet", "next") + "\n\n");
        Console console = events("-w", "-A");
        assertThat(console.out().lines().map(line -> line.replaceAll(".* ", ""))).containsExactly("MESSAGE", "removed",
                "quiet", "still", "next");
        String ended = "sluice: the daemon at " + address() + " has ended; waiting for one that follows, until Ctrl-C";
        assertThat(console.err().lines()).containsExactly(
                "sluice: 3 events are missing here: newer ones took their place", ended,
                "sluice: a daemon answers there again", ended, "sluice: 16 clients watch already");
        assertThat(console.exitCode()).isEqualTo(1);
        assertThat(queries.subList(1, queries.size())).as("after the last one that was seen").containsExactly(
                "/api/v1/events?since=1008&watch=1", "/api/v1/events?since=1009&watch=1",
                "/api/v1/events?since=2001&watch=1");
    }

    @Test
    void watched_events_are_a_line_of_json_each() {
        streams.add("id: 1009\ndata: " + STALE + "\n\n");
        assertThat(events("-w", "-A", "-o", "json").out().lines()).hasSize(3).allMatch(line -> line.startsWith("{"));
    }

    @Test
    void a_daemon_that_is_watched_by_too_many_says_so() {
        assertThat(events("-w").err()).isEqualTo("sluice: 16 clients watch already\n");
    }

    @Test
    void nothing_has_happened() {
        page = "{\"events\":[],\"last\":5,\"more\":false,\"lost\":0}";
        assertThat(events("--since", "10m")).isEqualTo(new Console(0, "", "No events since 10m\n"));
    }

    @ParameterizedTest
    @CsvSource({"--since soon, --since: 'soon' is not a duration",
            "shop/api -n other, 'shop/api' is of namespace shop"})
    void what_means_nothing_is_told(String words, String message) {
        Console console = events(words.split(" ", -1));
        assertThat(console.exitCode()).isEqualTo(2);
        assertThat(console.err()).startsWith("sluice: " + message);
        assertThat(queries).isEmpty();
    }

    private Console events(String... words) {
        return Console.run(Stream.concat(Stream.of("events"),
                Stream.concat(Arrays.stream(words), Stream.of("--server", address()))).toArray(String[]::new));
    }

    private String address() {
        return "127.0.0.1:" + server.getAddress().getPort();
    }
}
