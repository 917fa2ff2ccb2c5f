package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.sluice.cli.Console;
import io.sluice.cli.Hostile;
import io.sluice.text.PrintableJson;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import tools.jackson.databind.json.JsonMapper;

/** Nothing that a command prints can forge one of its lines or reach the terminal, whoever has written what it is of. */
class HostileTextTest {

    /** Of JSON that Jackson reads. */
    private static final int LONGEST_KEY = 50_000;

    /** What something answers that says it is a daemon, with one text in every place that has a text. */
    private static String answer(String text) {
        String json = PrintableJson.mapper().writeValueAsString(text);
        return """
                {"error": §, "total": 1, "variables": {¶: "1", "NAME": §},
                 "services": [{"namespace": §, "name": §, "type": §, "clusterIPs": [§], "externalName": §,
                   "externalIPs": [§], "loadBalancerIPs": [§], "selector": {¶: §}, "createdAt": §, "ports": [
                     {"name": §, "protocol": §, "port": 80, "nodePort": 0, "listeners": [{"address": §, "status": §}],
                      "endpoints": [{"address": §, "ready": true}, {"address": §, "ready": false}],
                      "whyEmpty": {"reason": §, "message": §}}]}],
                 "connections": [{"id": 5, "client": §, "listener": §, "namespace": §, "service": §, "port": §,
                   "endpoint": §, "state": §, "acceptedAt": §, "bytesFromClient": 1, "bytesFromBackend": 1, "retries": 1}],
                 "explain": [{"namespace": §, "service": §, "port": §, "portNumber": 80, "protocol": §, "family": §,
                   "from": §, "rules": [§], "endpoints": [{"address": §, "pod": §, "candidate": true, "rule": §}],
                   "next": §}],
                 "events": [{"id": 5, "at": §, "type": §, "namespace": §, "service": §, "port": §, "message": §}]}
                """.replace("¶", json.length() < LONGEST_KEY ? json : "\"long\"").replace("§", json);
    }

    @ParameterizedTest(name = "{0}: {1} lines, status {2}")
    @CsvSource({"get services -A -o wide, 2, 200", "get endpoints -A -o wide, 2, 200", "get endpoints, 2, 200",
            "get connections -A -o wide, 2, 200", "events, 2, 200", "events x, 1, 404", "explain x, 5, 200",
            "explain x, 1, 404", "get services, 1, 500",
            "env, 2, 200", "env -o dotenv, 2, 200", "env -o k8s, 5, 200"})
    void what_a_daemon_answers_is_text_of_others(String words, int lines, int status) throws IOException {
        // What is data is not cut.
        for (String hostile : words.endsWith("k8s") ? Hostile.SHORT : Hostile.TEXTS) {
            Console console = ask(hostile, status, words.split(" "));
            String shown = console.out() + console.err();

            assertThat(console.exitCode()).as(shown).isEqualTo(status == 200 ? 0 : 1);
            assertThat(shown).satisfies(Hostile::isHarmless);
            assertThat(shown.lines()).as(hostile).hasSize(lines);
        }
    }

    @ParameterizedTest
    @CsvSource({"get services -o json", "get endpoints -o json", "get connections -o json", "explain x -o json",
            "events -o json", "env -o json"})
    void data_stays_data(String words) throws IOException {
        for (String hostile : Hostile.SHORT) {
            String out = ask(hostile, 200, words.split(" ")).out();

            assertThat(out).satisfies(Hostile::isHarmless);
            assertThat(JsonMapper.shared().readTree(out).findValues(words.startsWith("env") ? "NAME" : "name"))
                    .allSatisfy(name -> assertThat(name.asString()).isEqualTo(hostile));
        }
    }

    @Test
    void what_a_container_is_given_as_yaml_stays_data() throws IOException {
        for (String hostile : Hostile.SHORT) {
            if (!hostile.contains("half")) {
                Map<?, ?> read = (Map<?, ?>) new Load(LoadSettings.builder().build())
                        .loadFromString(ask(hostile, 200, "env", "-o", "k8s").out());
                assertThat(read.toString()).contains("name=" + hostile + ",").contains("value=" + hostile + "}");
            }
        }
    }

    private static Console ask(String hostile, int status, String... words) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                byte[] body = answer(hostile).getBytes(StandardCharsets.UTF_8);
                exchange.getResponseHeaders().set("Content-Type", "application/json");
                exchange.sendResponseHeaders(status, body.length);
                exchange.getResponseBody().write(body);
            }
        });
        server.start();
        try {
            return Console.run(Stream.concat(Stream.of(words),
                    Stream.of("--server", "127.0.0.1:" + server.getAddress().getPort())).toArray(String[]::new));
        } finally {
            server.stop(0);
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', value = {
            "an annotation  | metadata: {name: web, annotations: {sluice.io/balancer: T}}, spec: {ports: [{port: 80}]}",
            "a key          | metadata: {name: web, annotations: {T: x}}, spec: {ports: [{port: 80}]}",
            "a field        | metadata: {name: web}, spec: {T: x, ports: [{port: 80}]}",
            "a name         | metadata: {name: T}, spec: {ports: [{port: 80}]}",
            "a namespace    | metadata: {name: web, namespace: T}, spec: {ports: [{port: 80}]}",
            "a selector     | metadata: {name: web}, spec: {selector: {T: T}, ports: [{port: 80}]}",
            "a port's name  | metadata: {name: web}, spec: {ports: [{port: 80, name: T}]}",
            "a target port  | metadata: {name: web}, spec: {ports: [{port: 80, targetPort: T}]}",
            "a type         | metadata: {name: web}, spec: {type: T, ports: [{port: 80}]}",
            "an address     | metadata: {name: web}, spec: {clusterIP: T, ports: [{port: 80}]}",
            "another's name | metadata: {name: web}, spec: {type: ExternalName, externalName: T}"})
    void what_a_manifest_says_is_text_of_others(String what, String object, @TempDir Path folder) throws IOException {
        for (String hostile : Hostile.SHORT) {
            String json = PrintableJson.mapper().writeValueAsString(hostile);
            Path file = Files.writeString(folder.resolve("m.yaml"), "{apiVersion: v1, kind: Service, "
                    + object.replace("T", json)
                    + "}\n");
            Console console = Console.run("check", "-f", file.toString());
            String shown = console.out() + console.err();

            assertThat(shown).as(what).satisfies(Hostile::isHarmless);
            assertThat(shown.lines().filter(line -> !line.isEmpty())).as(shown).allSatisfy(
                    line -> assertThat(line).matches("(NAMESPACE|\\S+ +\\S|warning: |error: |\\d+ Service).*"));
            assertThat(Console.run("check", "-f", file.toString(), "-o", "json").out()).satisfies(Hostile::isHarmless);
        }
    }

    @Test
    void what_a_configuration_file_or_a_flag_says_is_told_in_one_line(@TempDir Path folder) throws IOException {
        for (String hostile : Hostile.SHORT) {
            String json = PrintableJson.mapper().writeValueAsString(hostile);
            Path file = Files.writeString(folder.resolve("c.yaml"), "{? " + json + " : 1, logLevel: " + json + "}\n");
            for (Console console : new Console[] {Console.run("run", "-f", "x", "--config", file.toString()),
                    Console.run("run", "-f", "x", "--log-level", hostile), Console.run("run", "-f", "x", hostile),
                    Console.run(Map.of("SLUICE_LOG_LEVEL", hostile), "run", "-f", "x")}) {
                assertThat(console.exitCode()).as(console.err()).isEqualTo(2);
                assertThat(console.err()).satisfies(Hostile::isHarmless);
                assertThat(console.err().lines()).as(console.err()).hasSizeBetween(2, 3)
                        .allSatisfy(line -> assertThat(line).matches("(sluice: |See ').*"));
            }
        }
    }
}
