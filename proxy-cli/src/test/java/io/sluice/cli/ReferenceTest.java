package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The documents that are made from the settings say what the settings are. */
class ReferenceTest {

    @ParameterizedTest(name = "{1} is what ''sluice reference {0}'' prints")
    @CsvSource({"markdown,docs/configuration.md", "yaml,config/sluice.yaml"})
    void theDocumentIsUpToDate(String document, String file) throws IOException {
        assertThat(Files.readString(Path.of("..", file)))
                .as("%s is out of date: ./sluice reference %s > %s", file, document, file)
                .isEqualTo(Console.run("reference", document).out());
    }

    @Test
    void theDefaultConfigurationChangesNothing(@TempDir Path directory) throws IOException {
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
