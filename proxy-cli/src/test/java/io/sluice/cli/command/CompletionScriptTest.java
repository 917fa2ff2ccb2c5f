package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.Console;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What shells complete, in a real bash; {@code sluice} is a script that prints what it is asked. */
class CompletionScriptTest {

    private static final List<String> HIDDEN = List.of("exec-inside", "reference", "rehearse", "names");

    @TempDir
    private Path directory;

    @ParameterizedTest(name = "{0} → {1}")
    @CsvSource(delimiter = '|', textBlock = """
            explain                              | names services
            explain -n                           | names namespaces
            explain -n shop                      | names services -n shop
            explain -s 127.0.0.1 : 10249 -n shop | names services -s 127.0.0.1:10249 -n shop
            get svc                              | names services
            get endpoints -n                     | names namespaces
            tap                                  | names services
            events                               | names services
            drain                                | names endpoints
            undrain                              | names endpoints
            weight                               | names endpoints
            kill --service                       | names services
            exec --pod                           | names pods
            exec -n shop --pod                   | names pods -n shop
            env -n                               | names namespaces
            get svc -o                           | table wide json
            completion                           | bash zsh fish
            run --transport                      | auto epoll io_uring nio
            """)
    void bash_asks_the_daemon_for_names_and_for_nothing_else(String words, String expected) throws Exception {
        assertThat(completed(words + " ''")).isEqualTo(expected);
    }

    @Test
    void bash_offers_commands_and_never_hidden_ones() throws Exception {
        assertThat(completed("''").split(" ")).contains("run", "explain", "exec").doesNotContainAnyElementsOf(HIDDEN);
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"bash", "zsh", "fish"})
    void no_script_speaks_of_hidden_commands(String shell) {
        assertThat(Console.run("completion", shell).out().lines()
                .filter(line -> !line.startsWith("#")))
                .noneMatch(line -> line.matches(".*\\b(exec-inside|reference|rehearse)\\b.*"));
    }

    @Test
    void fish_asks_the_daemon_for_names() {
        assertThat(Console.run("completion", "fish").out())
                .contains("-n '__fish_seen_subcommand_from explain' -a '(__sluice_names services)'")
                .contains("-n '__fish_seen_subcommand_from drain' -a '(__sluice_names endpoints)'")
                .contains("__fish_seen_subcommand_from exec' -l pod -x -a '(__sluice_names pods)'");
    }

    /** What bash completes for the last of {@code words}, in one line. */
    private String completed(String words) throws Exception {
        Path script = Files.writeString(directory.resolve("script"), Console.run("completion", "bash").out());
        Path sluice = Files.writeString(directory.resolve("sluice"), "#!/bin/sh\necho \"$*\"\n");
        Files.setPosixFilePermissions(sluice, PosixFilePermissions.fromString("rwxr-xr-x"));
        Process bash = new ProcessBuilder("bash", "-c", """
                compopt() { :; }
                . "$1"
                COMP_WORDS=("$2" %s)
                COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                _sluice_with_names sluice "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
                echo "${COMPREPLY[*]}"
                """.formatted(words), "bash", script.toString(), sluice.toString()).redirectErrorStream(true).start();
        String output = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(bash.waitFor()).as(output).isZero();
        return output.strip();
    }
}
