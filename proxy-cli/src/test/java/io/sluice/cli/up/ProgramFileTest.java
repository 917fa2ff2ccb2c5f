package io.sluice.cli.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.daemon.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files that say which programs play which Pods. */
class ProgramFileTest {

    @TempDir
    private Path directory;

    private List<Program> read(String name, String text) throws IOException, StartException {
        return ProgramFile.read(Files.writeString(directory.resolve(name), text));
    }

    @Test
    void all_that_may_be_said_of_a_program_is_read() throws Exception {
        Files.createDirectory(directory.resolve("api"));

        List<Program> programs = read("sluice-up.yaml", """
                shop/api:
                  command: node server.js
                  workingDirectory: api
                  port: 3000
                  replicas: 2
                  listen: port
                  env: {LOG_LEVEL: debug, WORKERS: 4, EMPTY: }
                web: ["npm", "run", "a b"]
                db: exec postgres
                """);

        assertThat(programs).containsExactly(
                new Program(directory + "/sluice-up.yaml:1", "shop", "api", List.of("sh", "-c", "node server.js"), 3000,
                        2, Map.of("LOG_LEVEL", "debug", "WORKERS", "4", "EMPTY", ""), directory.resolve("api"), true),
                new Program(directory + "/sluice-up.yaml:8", "", "web", List.of("npm", "run", "a b"), 0, -1, Map.of(),
                        directory, false),
                new Program(directory + "/sluice-up.yaml:9", "", "db", List.of("sh", "-c", "exec postgres"), 0, -1,
                        Map.of(), directory, false));
    }

    @Test
    void a_procfile_has_a_line_for_each_program() throws Exception {
        assertThat(read("Procfile", "# mine\n\nweb: a: b #c  \r\nshop/api:x\n")).containsExactly(
                new Program(directory + "/Procfile:3", "", "web", List.of("sh", "-c", "a: b #c"), 0, -1, Map.of(),
                        directory, false),
                new Program(directory + "/Procfile:4", "shop", "api", List.of("sh", "-c", "x"), 0, -1, Map.of(),
                        directory, false));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            sluice-up.yaml | a: {command: x, prot: 3}       | 1: a.prot: is not a field; did you mean port?; there are command, env, listen, port, replicas, workingDirectory
            sluice-up.yaml | a: {port: 3}                   | 1: a.command: is missing
            sluice-up.yaml | a: {command: x, port: 70000}   | 1: a.port: '70000' must be a whole number between 1 and 65535
            sluice-up.yaml | a: {command: x, port: web}     | 1: a.port: 'web' must be a whole number between 1 and 65535
            sluice-up.yaml | a: {command: x, replicas: 101} | 1: a.replicas: '101' must be a whole number between 0 and 100
            sluice-up.yaml | a: {command: {x: y}}           | 1: a.command: must be a line for the shell, or a list of words
            sluice-up.yaml | a: {command: []}               | 1: a.command: must be a line for the shell, or a list of words
            sluice-up.yaml | a:                             | 1: a: must be a line for the shell, or a list of words
            sluice-up.yaml | a: {command: x, env: [b]}      | 1: a.env: must be a map from names to values
            sluice-up.yaml | a: {command: x, env: {A=B: c}} | 1: a.env.A=B: is not the name of a variable
            sluice-up.yaml | a: {command: x, env: {A: [c]}} | 1: a.env.A: must be a text
            sluice-up.yaml | a: {command: x, workingDirectory: gone} | 1: a.workingDirectory: 'gone' is not a directory
            sluice-up.yaml | a: {command: x, listen: all}   | 1: a.listen: must be 'address', for a program that listens at $HOST, or 'port', for one that listens at all addresses
            sluice-up.yaml | A/b: x                         | 1: 'A/b' is not the name of a workload, such as api or shop/api
            sluice-up.yaml | [a]                            | 1: is not a map of workloads: write 'NAMESPACE/NAME: COMMAND' for each
            sluice-up.yaml | {a: [                          | 1: is not YAML:
            sluice-up.yaml | ''                             | 1: names no program: write 'NAMESPACE/NAME: COMMAND' for each workload
            Procfile       | web node server.js             | 1: 'web node server.js' is not NAME: COMMAND
            Procfile       | web:                           | 1: 'web:' is not NAME: COMMAND
            """)
    void a_mistake_is_told_with_file_line_and_field(String name, String text, String message) {
        assertThatThrownBy(() -> read(name, text)).isInstanceOf(StartException.class)
                .hasMessageStartingWith(directory + "/" + name + ":" + message);
    }

    @Test
    void every_mistake_is_told_and_a_workload_that_is_there_twice() {
        assertThatThrownBy(() -> read("p", "a: x\na: y\n!\n")).hasMessage(directory + "/p:2: a: is there twice\n"
                + directory + "/p:3: '!' is not NAME: COMMAND");
    }

    @Test
    void a_file_that_is_not_there_is_told() {
        assertThatThrownBy(() -> ProgramFile.read(directory.resolve("none")))
                .hasMessage(directory + "/none: there is no such file");
    }

    @Test
    void whatever_a_file_holds_it_is_read_or_refused_with_a_line() throws IOException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String alphabet = "ab/:{}[] \n,-#\"'&*0\t\u0000é";
        for (int i = 0; i < 3_000; i++) {
            StringBuilder text = new StringBuilder();
            random.ints(random.nextInt(40), 0, alphabet.length()).forEach(at -> text.append(alphabet.charAt(at)));
            String name = random.nextBoolean() ? "x.yaml" : "Procfile";
            try {
                assertThat(read(name, text.toString())).as("seed %d", seed).isNotEmpty();
            } catch (StartException e) {
                assertThat(e.getMessage().lines()).as("seed %d: %s", seed, text)
                        .allMatch(line -> line.matches(".*/" + name + ":\\d+: .*"));
            }
        }
    }
}
