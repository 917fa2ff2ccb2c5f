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
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How {@code env} writes what a daemon knows. */
class EnvCommandTest {

    private final List<String> queries = new ArrayList<>();
    private HttpServer server;
    private int status = 200;
    private String answer = """
            {"namespace": "shop", "serviceLinks": true, "portOffset": 0, "variables": {
             "KUBIA_SERVICE_HOST": "fd00::1", "KUBIA_PORT": "tcp://[fd00::1]:80", "1ST_SERVICE_PORT": "80"}}
            """;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            queries.add(exchange.getRequestURI().toString());
            byte[] body = answer.getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            exchange.sendResponseHeaders(status, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', value = {
            "shell  | export KUBIA_SERVICE_HOST=fd00::1/export KUBIA_PORT='tcp:>>[fd00::1]:80'/"
                    + "# no name for a shell: 1ST_SERVICE_PORT=80",
            "dotenv | KUBIA_SERVICE_HOST=fd00::1/KUBIA_PORT=tcp:>>[fd00::1]:80/1ST_SERVICE_PORT=80",
            "k8s    | env:/- name: KUBIA_SERVICE_HOST/  value: \"fd00::1\"/- name: KUBIA_PORT/"
                    + "  value: \"tcp:>>[fd00::1]:80\"/- name: 1ST_SERVICE_PORT/  value: \"80\""})
    void every_format_has_the_variables_in_order(String format, String lines) {
        assertThat(env("-n", "shop", "-o", format).out().lines().map(line -> line.replace("//", ">>")))
                .containsExactly(lines.split("/"));
    }

    @Test
    void json_is_one_object() {
        assertThat(env("-o", "json").out()).contains("\"KUBIA_SERVICE_HOST\" : \"fd00::1\"").startsWith("{");
    }

    @Test
    void a_shell_reads_what_is_written_for_it() throws IOException, InterruptedException {
        Process shell = new ProcessBuilder("sh", "-euc", "eval \"$1\"; echo $KUBIA_PORT", "sh", env().out())
                .redirectErrorStream(true).start();
        assertThat(new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip())
                .isEqualTo("tcp://[fd00::1]:80");
        assertThat(shell.waitFor()).isZero();
    }

    @Test
    void namespace_and_pod_are_asked_for() {
        env("-n", "shop", "--pod", "a b");
        env();
        assertThat(queries).containsExactly("/api/v1/environment?namespace=shop&pod=a+b&hosts=0&ports=served",
                "/api/v1/environment?namespace=default&hosts=0&ports=served");
    }

    @Test
    void hosts_are_lines_of_an_address_and_its_names() {
        answer = """
                {"variables": {}, "hosts": [{"address": "127.120.0.1", "names": ["api.shop.svc", "api"]},
                                            {"address": "fd00::1", "names": ["e\\u001b[0mvil"]}]}
                """;

        assertThat(env("-o", "hosts").out()).isEqualTo("127.120.0.1\tapi.shop.svc api\nfd00::1\te\\u001b[0mvil\n");
        assertThat(Console.run("hosts", "-n", "shop", "--server", "127.0.0.1:" + server.getAddress().getPort()).out())
                .isEqualTo("127.120.0.1\tapi.shop.svc api\nfd00::1\te\\u001b[0mvil\n");
        assertThat(queries).containsExactly("/api/v1/environment?namespace=default&hosts=1&ports=served",
                "/api/v1/environment?namespace=shop&hosts=1");
    }

    @Test
    void what_the_daemon_notices_is_told_and_nothing_fails() {
        answer = "{\"variables\": {}, \"notice\": \"no Service is in namespace shpo; did you mean shop?\"}";

        Console console = env("-n", "shpo");

        assertThat(console.exitCode()).isZero();
        assertThat(console.err()).isEqualTo("sluice: no Service is in namespace shpo; did you mean shop?\n");
    }

    @Test
    void what_the_daemon_objects_to_is_one_line() {
        status = 404;
        answer = "{\"error\": \"pod \\\"x\\\" not found in namespace default\"}";
        Console console = env("--pod", "x");
        assertThat(console.exitCode()).isEqualTo(1);
        assertThat(console.err()).isEqualTo("sluice: pod \"x\" not found in namespace default\n");
    }

    private Console env(String... words) {
        return Console.run(Map.of(), Stream.concat(
                Stream.of("env", "--server", "127.0.0.1:" + server.getAddress().getPort()), Arrays.stream(words))
                .toArray(String[]::new));
    }
}
