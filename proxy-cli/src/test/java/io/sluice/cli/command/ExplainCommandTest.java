package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.sluice.cli.Console;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code explain} makes of a daemon's answers. */
class ExplainCommandTest {

    private static final String EXPLAINED = """
            {"explain": [
              {"namespace": "default", "service": "kubia", "port": "http", "portNumber": 80, "protocol": "TCP",
               "family": "IPv4", "from": "10.1.2.3", "traffic": "internal",
               "rules": ["internalTrafficPolicy Cluster: endpoints of every node", "balancer: round-robin"],
               "endpoints": [
                 {"address": "10.0.0.1:8080", "pod": "kubia-1", "candidate": true, "rule": "ready"},
                 {"address": "10.0.0.2:8080", "candidate": false, "rule": "not ready"}],
               "next": "10.0.0.1:8080: there is no other", "nextEndpoint": "10.0.0.1:8080"},
              {"namespace": "default", "service": "kubia", "port": "dns", "portNumber": 53, "protocol": "UDP",
               "traffic": "internal", "rules": [], "endpoints": [],
               "next": "nowhere: UDP is not proxied, only TCP is"}]}
            """;

    private final List<String> queries = new ArrayList<>();
    private HttpServer server;
    private String answer = EXPLAINED;
    private int status = 200;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                queries.add(exchange.getRequestURI().toString());
                exchange.getResponseHeaders().set("Content-Type", "application/json");
                byte[] body = answer.getBytes(StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(status, body.length);
                exchange.getResponseBody().write(body);
            }
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private Console explain(String... words) {
        return Console.run(Stream.concat(Stream.of("explain"), Stream.concat(Arrays.stream(words),
                Stream.of("--server", "127.0.0.1:" + server.getAddress().getPort()))).toArray(String[]::new));
    }

    @Test
    void every_endpoint_is_listed_with_the_rule_and_the_next_connection_is_foretold() {
        assertThat(explain("kubia")).isEqualTo(new Console(0, """
                default/kubia:http 80/TCP, IPv4, to the cluster IP, from 10.1.2.3
                  internalTrafficPolicy Cluster: endpoints of every node
                  balancer: round-robin
                  ENDPOINT        POD       CANDIDATE   BECAUSE
                  10.0.0.1:8080   kubia-1   yes         ready
                  10.0.0.2:8080   <none>    no          not ready
                  next connection: 10.0.0.1:8080: there is no other

                default/kubia:dns 53/UDP, to the cluster IP
                  next connection: nowhere: UDP is not proxied, only TCP is
                """, ""));
    }

    @Test
    void the_daemon_is_asked_for_exactly_that() {
        explain("kubia");
        explain("kubia:80", "-n", "shop", "--from", "2001:DB8:0::1", "--external");
        assertThat(queries).containsExactly("/api/v1/explain?namespace=default&service=kubia&external=false",
                "/api/v1/explain?namespace=shop&service=kubia&port=80&from=2001%3Adb8%3A%3A1&external=true");
    }

    @ParameterizedTest
    @CsvSource({"shop/api:http, namespace=shop&service=api&port=http", "svc/api, namespace=default&service=api",
            "service/api:80 -n shop, namespace=shop&service=api&port=80",
            "shop/api -n shop, namespace=shop&service=api"})
    void a_service_may_be_written_as_the_log_and_kubectl_write_it(String words, String query) {
        explain(words.split(" ", -1));
        assertThat(queries).containsExactly("/api/v1/explain?" + query + "&external=false");
    }

    @Test
    void two_namespaces_are_one_too_many() {
        assertThat(explain("shop/api", "-n", "other")).satisfies(console -> {
            assertThat(console.exitCode()).isEqualTo(2);
            assertThat(console.err()).startsWith(
                    "sluice: 'shop/api' is of namespace shop, and -n says other: leave one of them out\n");
        });
    }

    @Test
    void refusals_come_before_the_next_connection() {
        answer = EXPLAINED.replace("\"endpoints\": []",
                "\"refusals\": [\"10.96.0.1:80 is in use\"], \"endpoints\": []");
        assertThat(explain("kubia").out()).endsWith("""
                  refused: 10.96.0.1:80 is in use
                  next connection: nowhere: UDP is not proxied, only TCP is
                """);
    }

    @Test
    void json_is_what_the_daemon_said() {
        assertThat(explain("kubia", "-o", "json").out()).startsWith("[")
                .contains("\"nextEndpoint\" : \"10.0.0.1:8080\"");
    }

    @Test
    void what_the_daemon_cannot_answer_is_told_in_its_words() {
        status = 404;
        answer = "{\"error\": \"there is no Service kubja in namespace default\"}";
        assertThat(explain("kubja"))
                .isEqualTo(new Console(1, "", "sluice: there is no Service kubja in namespace default\n"));
    }

    @Test
    void an_older_daemon_is_told_apart() {
        status = 404;
        answer = "{\"error\": \"nothing is here; / lists what is\"}";
        assertThat(explain("kubia").err()).contains("answered 404 to GET /api/v1/explain").hasLineCount(1);
    }

    @ParameterizedTest
    @CsvSource({"300.1.2.3", "kubia", "''", "10.1.2"})
    void a_client_is_an_ip_address(String from) {
        Console console = explain("kubia", "--from", from);
        assertThat(console.exitCode()).isEqualTo(2);
        assertThat(console.err()).startsWith("sluice: --from: ");
        assertThat(queries).isEmpty();
    }
}
