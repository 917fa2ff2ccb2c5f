package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.Console;
import java.io.IOException;
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
