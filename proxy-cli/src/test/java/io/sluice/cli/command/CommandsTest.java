package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.cli.Console;
import io.sluice.cli.Main;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;

/** How each command begins and ends: exit codes, usage mistakes, help and completion. */
class CommandsTest {

    @ParameterizedTest(name = "sluice {0}: {1}")
    @CsvSource(delimiter = '|', value = {"'' | say what to do: a command is missing | sluice",
            "bogus | unexpected argument 'bogus' | sluice",
            "runn | unexpected argument 'runn'; did you mean run? | sluice",
            "--bogus | there is no option '--bogus' | sluice",
            "run --bogus | there is no option '--bogus' | sluice run",
            "run -f | Missing required parameter | sluice run",
            "run -f - -f - | standard input (-) can be read only once | sluice run",
            "check | no Services given | sluice check", "get | say what to get | sluice get",
            "rnu | unexpected argument 'rnu'; did you mean run? | sluice",
            "check -w | there is no option '-w' | sluice check",
            "get pods | unexpected argument 'pods' | sluice get",
            "get svc --server x | --server: 'x' | sluice get services",
            "get svc -o yaml | --output: 'yaml' is none of table, wide, json | sluice get services",
            "check -f x -o wide | --output: 'wide' is none of table, json | sluice check",
            "demo --connections 0 | --connections: '0' | sluice demo",
            "completion tcsh | 'tcsh' is none of bash, zsh, fish | sluice completion",
            "completion | Missing required parameter | sluice completion"})
    void wrong_usage_is_one_line_and_a_hint_and_ends_with_two(String words, String reason, String command) {
        Console console = Console.run(words.isEmpty() ? new String[0] : words.split(" "));

        assertThat(console.exitCode()).isEqualTo(2);
        assertThat(console.out()).isEmpty();
        assertThat(console.err()).startsWith("sluice: ").contains(reason)
                .endsWith("See '" + command + " --help'.\n");
        assertThat(console.err().lines().count()).isLessThanOrEqualTo(3);
    }

    @ParameterizedTest(name = "sluice {0}")
    @CsvSource(delimiter = '|', value = {"run -f x | run", "get svc | get", "completion bash | completion"})
    void a_command_that_is_named_is_the_only_one_that_is_read(String words, String command) {
        assertThat(Main.commandLine(Map.of(), words.split(" ")).getSubcommands()).containsOnlyKeys(command);
    }

    @ParameterizedTest(name = "sluice {0}")
    @ValueSource(strings = {"", "help run", "runn", "-v run"})
    void without_the_name_of_a_command_in_front_all_are_known(String words) {
        assertThat(Main.commandLine(Map.of(), words.split(" ")).getSubcommands()).containsKeys("run", "get", "help");
    }

    @Test
    void a_rehearsal_serves_connections_and_ends() {
        Console console = Console.run("rehearse");

        assertThat(console.err()).isEmpty();
        assertThat(console.exitCode()).isZero();
        assertThat(console.out()).contains("rehearsal", "127.0.0.1");
    }

    @Test
    void a_misspelt_command_is_answered_with_the_right_one() {
        assertThat(Console.run("chekc").err()).contains("unexpected argument 'chekc'; did you mean check?");
    }

    @ParameterizedTest(name = "sluice {0}")
    @ValueSource(strings = {"--help", "--version", "version", "help", "help run", "run --help", "check --help",
            "get --help", "get svc --help", "get ep --help", "get conn --help", "demo --help", "completion --help",
            "version --help", "run --print-config", "completion bash", "completion zsh", "completion fish"})
    void what_succeeds_ends_with_zero_and_prints_to_standard_output(String words) {
        Console console = Console.run(words.split(" "));
        assertThat(console.exitCode()).isZero();
        assertThat(console.out()).isNotBlank();
        assertThat(console.err()).isEmpty();
    }

    @Test
    void every_command_says_what_it_is_for_and_shows_examples() {
        Deque<CommandLine> commands = new ArrayDeque<>(List.of(Main.commandLine(Map.of())));
        while (!commands.isEmpty()) {
            CommandLine command = commands.pop();
            CommandSpec spec = command.getCommandSpec();
            commands.addAll(command.getSubcommands().values());
            if (List.of("help", "version", "reference", "rehearse", "exec-inside", "names").contains(spec.name())) {
                continue;
            }
            assertThat(spec.usageMessage().header()).as(spec.qualifiedName()).isNotEmpty();
            assertThat(spec.usageMessage().footer()).as(spec.qualifiedName()).contains("Examples:");
            spec.options().forEach(option -> assertThat(option.description()).as(option.longestName()).isNotEmpty());
            assertThat(command.getUsageMessage(CommandLine.Help.Ansi.OFF).lines()).allMatch(l -> l.length() <= 100);
            for (String line : spec.usageMessage().footer()) {
                assertThat(line.length()).as(line).isLessThan(80);
            }
        }
    }

    @Test
    void without_a_daemon_get_fails_with_one_line() throws IOException {
        int port;
        try (var socket = new ServerSocket(0)) {
            port = socket.getLocalPort();
        }
        Console console = Console.run("get", "svc", "--server", "127.0.0.1:" + port);
        assertThat(console.exitCode()).isEqualTo(1);
        assertThat(console.err()).isEqualTo("sluice: no sluice answers at 127.0.0.1:" + port
                + ": start one with 'sluice run', or say --server ADDRESS\n");
    }

    @ParameterizedTest(name = "{0} takes its completion script")
    @ValueSource(strings = {"bash", "zsh", "fish"})
    void completion_scripts_are_valid(String shell, @TempDir Path directory) throws Exception {
        Path script = Files.writeString(directory.resolve("completion"), Console.run("completion", shell).out());
        Process process;
        try {
            process = new ProcessBuilder(shell, "-n", script.toString()).redirectErrorStream(true).start();
        } catch (IOException e) {
            assumeThat(shell).as("is not installed").isEqualTo("bash");
            throw e;
        }
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }
}
