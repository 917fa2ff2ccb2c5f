package io.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.history.Change;
import io.sluice.history.Change.EndpointChange;
import io.sluice.history.Change.Step;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EventsViewTest extends ServedAdmin {

    private final ServicePortName api = new ServicePortName(new ServiceName("shop", "api"), "http", Protocol.TCP);
    private final EndpointAddress endpoint = new EndpointAddress(IpAddresses.parse("10.1.0.3"), 8080);

    @Test
    void an_event_says_what_when_and_why() throws Exception {
        start();
        daemon.journal.record(new EndpointChange(api, endpoint, "api-1", Step.EJECTED, ""));
        JsonNode event = events("").path("events").path(0);
        assertThat(event.path("id").asLong()).isEqualTo(daemon.journal.newest());
        assertThat(Instant.parse(event.path("at").asString())).isAfter(Instant.EPOCH);
        assertThat(List.of(event.path("type").asString(), event.path("namespace").asString(),
                event.path("service").asString(), event.path("port").asString(), event.path("endpoint").asString(),
                event.path("pod").asString(), event.path("message").asString())).containsExactly("EndpointEjected",
                        "shop", "api", "http", "10.1.0.3:8080", "api-1",
                        "10.1.0.3:8080 (pod api-1) does not answer and is ejected until it does");
    }

    @Test
    void a_change_of_the_daemon_has_no_names() throws Exception {
        start();
        daemon.journal.record(new Change.SourceStale("quiet"));
        JsonNode event = events("").path("events").path(0);
        assertThat(event.propertyNames()).containsExactly("id", "at", "type", "message");
    }

    /** The events are: shop/a, shop/b, the source, other/a, shop/a; NOW of the server is a fixed time. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            all                          | ''                      | shop/a shop/b - other/a shop/a2 | false
            the newest ones              | limit=2                 | other/a shop/a2                 | false
            of a namespace               | namespace=shop          | shop/a shop/b - shop/a2         | false
            of a Service                 | service=a               | shop/a other/a                  | false
            of a Service in a namespace  | service=a&namespace=shop | shop/a                         | false
            after one                    | since=ID1               | - other/a shop/a2               | false
            after one, in pages          | since=ID1&limit=2       | - other/a                       | true
            after the newest             | since=ID4               | ''                              | false
            since a time                 | since=1s                | shop/a shop/b - other/a shop/a2 | false
            """)
    void events_are_selected(String what, String query, String expected, boolean more) throws Exception {
        start();
        daemon.journal.record(new Change.ServiceRemoved(new ServiceName("shop", "a")));
        long first = daemon.journal.newest();
        daemon.journal.record(new Change.ServiceRemoved(new ServiceName("shop", "b")));
        daemon.journal.record(new Change.SourceStale("quiet"));
        daemon.journal.record(new Change.ServiceRemoved(new ServiceName("other", "a")));
        daemon.journal.record(new Change.ServiceRemoved(new ServiceName("shop", "a2")));
        JsonNode page = events("?" + query.replace("ID1", Long.toString(first + 1)).replace("ID4",
                Long.toString(first + 4)));
        assertThat(page.path("events").valueStream().map(event -> event.has("service")
                ? event.path("namespace").asString() + "/" + event.path("service").asString()
                : "-").collect(Collectors.joining(" "))).isEqualTo(expected);
        assertThat(page.path("more").asBoolean()).isEqualTo(more);
    }

    @ParameterizedTest
    @CsvSource({"since=soon", "since=-5", "since=10x", "since=99999999999999999999", "limit=-1"})
    void a_query_that_means_nothing_is_refused(String query) throws Exception {
        start();
        HttpResponse<String> response = get("/api/v1/events?" + query);
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.body()).contains("query parameter " + query.substring(0, query.indexOf('=')));
    }

    @Test
    void whoever_watches_gets_each_event_once_and_only_what_was_asked_for() throws IOException {
        start();
        daemon.journal.record(new Change.ServiceRemoved(new ServiceName("shop", "before")));
        long since = daemon.journal.newest() - 1;
        try (Socket socket = watch("since=" + since + "&namespace=shop")) {
            BufferedReader in = reader(socket);
            assertThat(nextEvent(in).path("service").asString()).isEqualTo("before");
            daemon.journal.record(new Change.ServiceRemoved(new ServiceName("other", "no")));
            daemon.journal.record(new Change.ServiceRemoved(new ServiceName("shop", "after")));
            assertThat(nextEvent(in).path("service").asString()).isEqualTo("after");
        }
    }

    @Test
    void whoever_watches_without_saying_since_when_gets_what_comes() throws Exception {
        start();
        daemon.journal.record(new Change.ServiceRemoved(new ServiceName("shop", "before")));
        try (Socket socket = watch("")) {
            BufferedReader in = reader(socket);
            daemon.journal.record(new Change.ServiceRemoved(new ServiceName("shop", "after")));
            assertThat(nextEvent(in).path("service").asString()).isEqualTo("after");
        }
    }

    private JsonNode events(String query) throws Exception {
        return JsonMapper.shared().readTree(get("/api/v1/events" + query).body());
    }

    private Socket watch(String query) throws IOException {
        InetSocketAddress address = admin.metricsAddress().orElseThrow();
        Socket socket = new Socket(address.getAddress(), address.getPort());
        socket.setSoTimeout(20_000);
        socket.getOutputStream().write(("GET /api/v1/events?watch=1&" + query + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        return socket;
    }

    /** After the head of the answer. */
    private static BufferedReader reader(Socket socket) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        assertThat(in.readLine()).isEqualTo("HTTP/1.1 200 OK");
        String line = in.readLine();
        while (line != null && !line.isEmpty()) {
            line = in.readLine();
        }
        return in;
    }

    private static JsonNode nextEvent(BufferedReader in) throws IOException {
        String line = in.readLine();
        while (line != null && !line.startsWith("data: ")) {
            line = in.readLine();
        }
        assertThat(line).as("the stream has ended").isNotNull();
        return JsonMapper.shared().readTree(line.substring("data: ".length()));
    }
}
