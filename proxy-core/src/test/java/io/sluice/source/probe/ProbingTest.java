package io.sluice.source.probe;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.sluice.service.EndpointAddress;
import io.sluice.source.probe.ReadinessProbe.Action;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Single probes, against real sockets and commands. */
@Timeout(60)
class ProbingTest {

    private static final InetAddress HERE = InetAddress.getLoopbackAddress();

    private final Probing probing = new Probing();
    private HttpServer server;

    @BeforeEach
    void server() throws IOException {
        server = HttpServer.create(new InetSocketAddress(HERE, 0), 0);
        server.createContext("/", exchange -> {
            String path = exchange.getRequestURI().getPath();
            int status = path.startsWith("/host") && "kubia".equals(exchange.getRequestHeaders().getFirst("Host"))
                    ? 200
                    : path.startsWith("/status/") ? Integer.parseInt(path.substring("/status/".length())) : 404;
            exchange.getResponseHeaders().set("Location", "/status/500");
            exchange.sendResponseHeaders(status, 0); // a body that never ends
            exchange.getResponseBody().write(new byte[1024]);
            exchange.getResponseBody().flush();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private static ReadinessProbe probe(Action action) {
        return new ReadinessProbe(action, Duration.ZERO, Duration.ofSeconds(10), Duration.ofSeconds(1), 1, 3);
    }

    private String get(String path, Map<String, String> headers) throws InterruptedException {
        return probing.problem(probe(new Action.HttpGet("http", path, 8080, headers)),
                new EndpointAddress(HERE, server.getAddress().getPort()));
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource({"/status/200,''", "/status/204,''", "/status/399,''", "/status/302,''",
            "/status/400,is answered by status 400", "/status/503,is answered by status 503"})
    void a_status_from_200_to_399_is_a_success_and_a_redirection_is_not_followed(String path, String problem)
            throws InterruptedException {
        String said = get(path, Map.of());

        assertThat(said).isEqualTo(problem.isEmpty()
                ? "" : "GET http://127.0.0.1:" + server.getAddress().getPort() + path + " " + problem);
    }

    @Test
    void the_headers_of_the_probe_are_sent_and_the_host_too() throws InterruptedException {
        assertThat(get("/host", Map.of("Host", "kubia"))).isEmpty();
        assertThat(get("/host", Map.of())).endsWith("is answered by status 404");
    }

    @Test
    void a_path_that_is_none_is_told() throws InterruptedException {
        assertThat(get("/a b\n", Map.of())).startsWith("GET http://127.0.0.1:").contains("/a b\\n cannot be sent: ");
    }

    @Test
    void a_server_that_does_not_answer_has_the_timeout_and_no_more() throws IOException, InterruptedException {
        try (ServerSocket silent = new ServerSocket(0, 5, HERE)) {
            EndpointAddress address = new EndpointAddress(HERE, silent.getLocalPort());

            assertThat(probing.problem(probe(new Action.HttpGet("http", "/", 1, Map.of())), address))
                    .endsWith(":" + silent.getLocalPort() + "/ is not answered within 1 s");
            assertThat(probing.problem(probe(new Action.TcpSocket(1)), address)).isEmpty();
        }
    }

    @Test
    void a_port_at_which_nobody_listens_is_told() throws IOException, InterruptedException {
        EndpointAddress address;
        try (ServerSocket gone = new ServerSocket(0, 5, HERE)) {
            address = new EndpointAddress(HERE, gone.getLocalPort());
        }

        assertThat(probing.problem(probe(new Action.TcpSocket(1)), address))
                .isEqualTo(address + " does not accept connections: connection refused");
        assertThat(probing.problem(probe(new Action.HttpGet("http", "/", 1, Map.of())), address))
                .isEqualTo("GET http://" + address + "/ fails: connection refused");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            true                                     | ''
            exit 3                                   | ends with code 3
            test $HOST:$PORT = 127.0.0.1:4711        | ''
            sleep 600 & sleep 600                    | does not end within 1 s
            yes                                      | does not end within 1 s
            """)
    void a_command_has_to_end_with_0_in_time(String script, String problem) throws InterruptedException {
        String said = probing.problem(probe(new Action.Exec(List.of("sh", "-c", script))),
                new EndpointAddress(HERE, 4711));

        assertThat(said).isEqualTo(problem.isEmpty() ? "" : "'sh -c " + script + "' " + problem);
    }

    @Test
    void a_command_that_is_not_there_is_told() throws InterruptedException {
        assertThat(probing.problem(probe(new Action.Exec(List.of("/no/such/command"))), new EndpointAddress(HERE, 1)))
                .startsWith("'/no/such/command' cannot be run: ");
    }
}
