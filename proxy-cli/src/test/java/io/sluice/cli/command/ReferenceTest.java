package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.cli.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The documents that are made from the code say what the code says. */
class ReferenceTest {

    @ParameterizedTest(name = "{1} is what ''sluice reference {0}'' prints")
    @CsvSource({"markdown,docs/configuration.md", "yaml,config/sluice.yaml", "access,docs/access-log.md"})
    void the_document_is_up_to_date(String document, String file) throws IOException {
        assertThat(Files.readString(Path.of("..", file)))
                .as("%s is out of date: ./sluice reference %s > %s", file, document, file)
                .isEqualTo(Console.run("reference", document).out());
    }

    @Test
    void the_tables_of_metrics_are_those_of_the_catalogue(@TempDir Path directory) throws IOException {
        String document = Files.readString(Path.of("..", "docs/metrics.md"));
        Path file = Files.writeString(directory.resolve("metrics.md"), document);

        assertThat(Console.run("reference", "metrics", file.toString()).exitCode()).isZero();

        assertThat(document).as("docs/metrics.md is out of date: ./sluice reference metrics docs/metrics.md")
                .isEqualTo(Files.readString(file));
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource({"end of metrics,no table of metrics is that of", "metrics: dns,no table of metrics is that of [DNS]"})
    void a_document_without_the_marks_of_a_table_is_not_written(String mark, String message) throws IOException {
        String document = Files.readString(Path.of("..", "docs/metrics.md")).replace("<!-- " + mark + " -->", "");

        assertThatThrownBy(() -> MetricsReference.renewed(document)).hasMessageContaining(message);
    }

    @Test
    void the_default_configuration_changes_nothing(@TempDir Path directory) throws IOException {
        String uncommented = Console.run("reference", "yaml").out().lines()
                .map(line -> line.startsWith("#") && !line.startsWith("# ") ? line.substring(1) : line)
                .collect(Collectors.joining("\n"));
        Path file = Files.writeString(directory.resolve("sluice.yaml"), uncommented.replaceFirst("(?m)^$", ""));

        Console with = Console.run("run", "--print-config", "--config", file.toString());

        assertThat(with.exitCode()).as(with.err()).isZero();
        assertThat(with.out().replaceAll(" {2}# .*", ""))
                .isEqualTo(Console.run("run", "--print-config").out().replaceAll(" {2}# .*", ""));
        assertThat(with.out()).contains("connectTimeout: 2s  # " + file);
    }
}
