package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.sluice.source.Problem;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files that are odd, hostile or damaged are told in one line each, and never end the program. */
class InputReaderTest {

    @TempDir
    private Path directory;
    private ManifestFiles files;

    @BeforeEach
    void directory() {
        files = new ManifestFiles(directory);
    }

    private LoadedManifests load(String... inputs) {
        return ManifestSource.load(new ManifestOptions(List.of(inputs), files.options().serviceCidrs(), 30_000, 32_767,
                "node-1"));
    }

    private List<String> problems(String text) {
        return files.load(text).problems().stream().map(Problem::toString)
                .map(problem -> problem.substring((directory + "/all.yaml").length())).toList();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            a list that is not closed      | kind: [                                       | :1: is not YAML: expected the node content, but found '<stream end>' (column 8)
            an indent that does not fit    | a:#  b: 1# c: 2                               | :3: is not YAML: expected <block end>, but found '<block mapping start>' (column 2)
            an anchor that is not there    | kind: *x                                      | :1: is not YAML: found undefined alias x (column 7)
            a character that is not text   | kind: a##b: NUL                              | :3: is not YAML: the character U+0000 is not allowed
            a document that is a text      | hello                                         | :1: must be a mapping (key: value)
            a document that is a list      | - 1                                           | :1: must be a mapping (key: value)
            items that are no list         | kind: List#items: 1                           | :2: items: must be a list
            no kind                        | apiVersion: v1                                | :1: is no Kubernetes object: it has no kind
            no apiVersion                  | kind: Pod                                     | :1: Pod apiVersion: is missing: it is v1 for this kind
            another apiVersion             | kind: EndpointSlice#apiVersion: v1            | :2: EndpointSlice apiVersion: 'v1' must be discovery.k8s.io/v1
            no name                        | kind: Pod#apiVersion: v1#metadata:#  labels:  | :3: Pod metadata.name: is missing
            a name that is a number        | kind: Pod#apiVersion: v1#metadata:#  name: 1  | :4: Pod metadata.name: must be a text: write "1" in quotes
            a namespace that is none       | kind: Pod#apiVersion: v1#metadata:#  name: p#  namespace: A | :5: Pod metadata.namespace: 'A' is not a namespace: lower case letters, digits and '-'
            """)
    void what_cannot_be_read_is_told_with_its_line(String rule, String text, String problem) {
        assertThat(problems(text.replace('#', '\n').replace("NUL", "\0"))).containsExactly(problem);
    }

    @Test
    void nesting_has_a_limit() {
        assertThat(problems("a: " + "[".repeat(100_000))).singleElement().asString()
                .startsWith(":1: is not YAML: it is nested more than 100 deep");
    }

    @Test
    void aliases_in_nested_lists_cannot_multiply_without_end() {
        StringBuilder bomb = new StringBuilder("kind: List\nitems:\n");
        String previous = "{kind: ConfigMap}";
        for (String name : List.of("a", "b", "c")) {
            bomb.append("- &").append(name).append(" {kind: List, items: [")
                    .append(String.join(", ", Collections.nCopies(33, previous))).append("]}\n");
            previous = "*" + name;
        }
        assertThatCode(() -> problems(bomb.toString())).doesNotThrowAnyException();
        assertThat(problems("kind: List\nitems: &a\n- {kind: List, items: *a}\n"))
                .containsExactly(":3: the alias *a stands inside of what it stands for, which would have no end");
        assertThat(problems("kind: List\nitems:\n- kind: List\n  items:" + " [{kind: List, items:".repeat(5) + " []"
                + "}]".repeat(5) + "\n"))
                .containsExactly(":4: items[0].items[0].items[0].items[0]: Lists are nested more than 4 deep");
    }

    @Test
    void merge_keys_and_anchors_are_understood_as_kubectl_does() {
        LoadedManifests loaded = files.load("""
                apiVersion: v1
                kind: Service
                metadata: {name: kubia}
                spec:
                  ports:
                  - &base {name: a, port: 80, targetPort: 8080}
                  - {<<: *base, name: b, port: 81}
                """);
        assertThat(loaded.problems()).isEmpty();
        assertThat(ManifestFiles.service(loaded, "kubia").service().ports().get(1).targetPort()).isEqualTo("8080");
    }

    @Test
    void other_text_than_utf_8_is_an_error_and_a_byte_order_mark_is_not() throws IOException {
        Path file = Files.write(directory.resolve("latin1.yaml"), new byte[] {'#', (byte) 0xe9, '\n'});
        assertThat(files.load().problems()).singleElement().hasToString(file + ":1: is not a text in UTF-8");
        Files.delete(file);
        assertThat(files.load("\uFEFF" + ManifestFiles.SERVICE).problems()).isEmpty();
    }

    @Test
    void standard_input_is_read_once_and_named() {
        byte[] text = ManifestFiles.SERVICE.replace("port: 80,", "port: x,").getBytes(StandardCharsets.UTF_8);
        ManifestOptions options =
                new ManifestOptions(List.of("-"), files.options().serviceCidrs(), 30_000, 32_767, "node-1");
        SnapshotBuilder builder =
                new SnapshotBuilder(options, new InputReader(options.inputs(), new ByteArrayInputStream(text)));
        for (int i = 0; i < 2; i++) {
            assertThat(builder.build(Instant.EPOCH).problems()).singleElement().asString().startsWith("stdin:6: ");
        }
    }

    @Test
    void a_file_that_is_named_twice_is_read_once() throws IOException {
        Path file = files.write("a.yaml", ManifestFiles.SERVICE);
        Files.createSymbolicLink(directory.resolve("b.yaml"), file);
        assertThat(load(directory.toString(), file.toString(), directory.toString()).problems()).isEmpty();
    }

    @Test
    void only_manifests_directly_in_a_directory_count() throws IOException {
        Files.createDirectories(directory.resolve("sub.yaml"));
        Files.writeString(directory.resolve("sub.yaml/a.yaml"), "kind: [");
        files.write(".hidden.yaml", "kind: [");
        files.write("a.yaml.bak", "kind: [");
        files.write("A.YML", ManifestFiles.SERVICE);
        LoadedManifests loaded = files.load();
        assertThat(loaded.problems()).isEmpty();
        assertThat(loaded.snapshot().services()).hasSize(1);
    }

    @Test
    void what_is_not_there_or_empty_is_told() throws IOException {
        assertThat(load(directory + "/none").problems())
                .containsExactly(new Problem(Problem.Severity.ERROR, directory + "/none", "",
                        "there is no such file or directory"));
        assertThat(files.load().problems()).singleElement()
                .hasToString(directory + ": holds no manifest: no file that ends in .yaml, .yml or .json");
        files.write("a.yaml", " \n");
        assertThat(files.load().problems()).singleElement().hasToString(directory + "/a.yaml: is empty");
        Files.delete(directory.resolve("a.yaml"));
        Files.createSymbolicLink(directory.resolve("a.yaml"), Path.of("gone"));
        assertThat(files.load().problems()).singleElement()
                .hasToString(directory + "/a.yaml: is a symbolic link that leads nowhere");
    }

    @Test
    void a_damaged_dump_gives_problems_and_never_an_exception() throws IOException {
        byte[] good;
        try (InputStream in = ClusterDumpTest.class.getResourceAsStream("cluster-dump.yaml")) {
            good = in.readAllBytes();
        }
        long seed = Long.getLong("seed", 20_261_123L);
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < 400; i++) {
            byte[] bad = Arrays.copyOf(good, random.nextInt(4) == 0 ? random.nextInt(good.length) : good.length);
            for (int n = random.nextInt(1, 8); n > 0 && bad.length > 0; n--) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            }
            Files.write(directory.resolve("all.yaml"), bad);
            int attempt = i;
            assertThatCode(() -> files.load().problems()).as("seed %d, attempt %d", seed, attempt)
                    .doesNotThrowAnyException();
        }
    }
}
