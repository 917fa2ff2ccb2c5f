package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.Console;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What {@code check} prints, and how it ends. */
class CheckCommandTest {

    private static final String EXAMPLES = "../config/examples";

    @TempDir
    private Path directory;

    @Test
    void the_examples_are_fine() {
        Console console = Console.run("check", "-f", EXAMPLES);
        assertThat(console.exitCode()).as(console.out()).isZero();
        assertThat(console.out()).startsWith("NAMESPACE   NAME  ")
                .contains("127.121.0.11:8080,127.121.0.12:8080,127.121.0.13:8080").endsWith("0 errors, 0 warnings\n");
    }

    @Test
    void an_error_is_told_with_file_and_line_and_ends_with_one() throws IOException {
        Path file = Files.writeString(directory.resolve("svc.yaml"), """
                apiVersion: v1
                kind: Service
                metadata:
                  name: broken
                spec:
                  ports:
                    - port: 99999
                """);

        Console console = Console.run("check", "-f", file.toString());

        assertThat(console.exitCode()).isEqualTo(1);
        assertThat(console.out()).contains("error: " + file + ":7: ", "99999", "1 error, ");
    }

    @Test
    void a_file_that_does_not_exist_is_an_error() {
        Console console = Console.run("check", "-f", directory.resolve("nowhere.yaml").toString());
        assertThat(console.exitCode()).isEqualTo(1);
        assertThat(console.out()).contains("nowhere.yaml").doesNotContain("Exception");
    }

    @Test
    void a_port_that_a_program_has_at_all_addresses_is_a_warning_with_the_ways_out() throws IOException {
        try (ServerSocket other = new ServerSocket(0)) {
            int port = other.getLocalPort();
            Path file = Files.writeString(directory.resolve("taken.yaml"), """
                    {apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop},
                     spec: {clusterIP: 127.120.9.9, ports: [{name: t, port: %d}, {name: u, port: %d, protocol: UDP}]}}
                    """.formatted(port - 10, port - 10));

            Console console = Console.run("check", "-f", file.toString(), "--port-offset", "10");

            assertThat(console.exitCode()).isZero();
            assertThat(console.out())
                    .contains(
                            "warning: this machine: Service shop/api port " + (port - 10) + "/TCP: 127.120.9.9:" + port
                                    + " is already in use by another program that listens at all addresses, ")
                    .contains("have it listen at 127.0.0.1 alone, or use --port-offset 10000, or connect from within")
                    .doesNotContain("/UDP: 127").endsWith("0 errors, 1 warning\n");
        }
    }

    @Test
    void a_port_that_nobody_has_is_no_warning() throws IOException {
        int free;
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = other.getLocalPort();
        }
        Path file = Files.writeString(directory.resolve("free.yaml"), """
                {apiVersion: v1, kind: Service, metadata: {name: api}, spec: {ports: [{port: %d}]}}
                """.formatted(free));

        assertThat(Console.run("check", "-f", file.toString()).out()).endsWith("0 errors, 0 warnings\n");
    }

    private static final String DEPLOYMENT = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api, namespace: shop}
            spec:
              replicas: 2
              selector: {matchLabels: {app: api}}
              template:
                metadata: {labels: {app: api}}
                spec: {containers: [{name: api, ports: [{containerPort: 8080}]}]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: api, namespace: shop}
            spec: {selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: api, namespace: shop}
            """;

    @Test
    void a_deployment_without_an_address_is_named_with_what_to_add() throws IOException {
        Path file = Files.writeString(directory.resolve("shop.yaml"), DEPLOYMENT);

        Console console = Console.run("check", "-f", file.toString());

        assertThat(console.exitCode()).isZero();
        assertThat(console.out())
                .contains(
                        "<none> (Deployment shop/api would make 2 Pods: say where with --endpoint shop/api=HOST:PORT)",
                        "warning: " + file + ":3: Deployment shop/api: would make 2 Pods for Service api")
                .endsWith("0 errors, 1 warning; skipped: 1 ConfigMap\n");
        assertThat(JsonMapper.shared().readTree(Console.run("check", "-o", "json", "-f", file.toString()).out())
                .path("skipped").path("ConfigMap").asInt()).isEqualTo(1);
    }

    @Test
    void a_deployment_is_where_its_developer_says() throws IOException {
        Path file = Files.writeString(directory.resolve("shop.yaml"), DEPLOYMENT);
        Path config = Files.writeString(directory.resolve("config.conf"),
                "filename: " + file + "\nendpoint: [\"shop/api=localhost:3000,3001\"]\n");

        assertThat(Console.run("check", "-f", file.toString(), "--endpoint", "shop/api=3000", "--endpoint",
                "shop/api=[::1]:1,127.0.0.1:3001").out())
                .contains(" 127.0.0.1:3000,127.0.0.1:3001\n", "0 errors, 0 warnings");
        assertThat(Console.run("check", "--config", config.toString()).out())
                .contains(" 127.0.0.1:3000,127.0.0.1:3001\n");
        assertThat(Console.run(Map.of("SLUICE_ENDPOINT", "shop/api=3000,3001"), "check", "-f", file.toString()).out())
                .contains(" 127.0.0.1:3000,127.0.0.1:3001\n");
    }

    @Test
    void a_wrong_endpoint_is_one_line() throws IOException {
        Path file = Files.writeString(directory.resolve("shop.yaml"), DEPLOYMENT);

        Console typo = Console.run("check", "-f", file.toString(), "--endpoint", "shop/apii=3000");
        assertThat(typo.exitCode()).isEqualTo(1);
        assertThat(typo.out()).contains("error: --endpoint shop/apii: names no Deployment, ",
                "; did you mean shop/api?\n");
        Console address = Console.run("check", "-f", file.toString(), "--endpoint", "shop/api=localhost:http");
        assertThat(address.exitCode()).isEqualTo(2);
        assertThat(address.err()).startsWith("sluice: --endpoint: 'localhost:http' has no port between 1 and 65535\n");
        assertThat(Console.run("run", "--endpoint", "shop/api=3000").err())
                .startsWith("sluice: --endpoint: is for workloads of manifests; name them with -f or -k\n");
    }

    @Test
    void files_that_are_no_manifests_are_named_and_subdirectories_are_read_if_wanted() throws IOException {
        Path base = Files.createDirectory(directory.resolve("base"));
        Files.writeString(base.resolve("shop.yaml"), DEPLOYMENT);
        Path values = Files.writeString(base.resolve("values.yaml"), "replicas: 3\n");

        assertThat(Console.run("check", "-R", "-f", directory.toString(), "--endpoint", "shop/api=3000").out())
                .contains("127.0.0.1:3000")
                .endsWith("0 warnings; skipped: 1 ConfigMap; passed over as no manifest: " + values + "\n");
        assertThat(Console.run("check", "-f", directory.toString()).out())
                .contains(
                        "warning: " + directory + ": holds no manifest, but its subdirectories do: -R reads them, too");
        Console none = Console.run("check", "-k", directory.resolve("nowhere").toString());
        assertThat(none.exitCode()).isEqualTo(1);
        assertThat(none.out()).startsWith("error: " + directory.resolve("nowhere") + ": kubectl ");
    }

    @Test
    void json_has_the_same_for_programs() {
        Console console = Console.run("check", "-f", EXAMPLES, "-o", "json");
        JsonNode json = JsonMapper.shared().readTree(console.out());
        assertThat(json.path("services").valueStream().map(service -> service.path("name").asString()))
                .contains("kubia", "external-service");
        assertThat(json.path("problems").isEmpty()).isTrue();
    }

    @Test
    void settings_that_decide_addresses_are_heeded() {
        Console console = Console.run(Map.of("SLUICE_SERVICE_CIDR", "127.99.0.0/16"), "check", "-f", EXAMPLES);
        assertThat(console.out()).contains(" 127.99.").doesNotContain("127.120.");
    }
}
