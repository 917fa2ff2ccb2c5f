package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.sluice.source.Activity;
import io.sluice.source.Problem.Severity;
import io.sluice.source.Problem;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
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
import org.junit.jupiter.api.Timeout;
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
        return load(files.write("all.yaml", text).toString()).problems().stream().map(Problem::toString)
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
                new SnapshotBuilder(options, new InputReader(options.inputs(), new ByteArrayInputStream(text),
                        new Activity("a test")));
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

    private static void makePipe(Path path) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("mkfifo", path.toString()).inheritIO().start().waitFor()).isZero();
    }

    @Test
    @Timeout(60)
    void what_is_no_file_in_a_directory_is_left_out_and_never_waited_for() throws Exception {
        files.write("a.yaml", ManifestFiles.SERVICE);
        makePipe(directory.resolve("pipe.yaml"));
        Files.createSymbolicLink(directory.resolve("linked.yaml"), directory.resolve("pipe.yaml"));
        Files.createSymbolicLink(directory.resolve("zero.yaml"), Path.of("/dev/zero"));
        Files.createSymbolicLink(directory.resolve("circle.yaml"), directory.resolve("circle.yaml"));
        Files.createSymbolicLink(directory.resolve("elsewhere.yaml"), Files.createDirectory(directory.resolve("sub")));
        try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            socket.bind(UnixDomainSocketAddress.of(directory.resolve("socket.yaml")));
            LoadedManifests loaded = files.load();
            assertThat(loaded.problems().stream().map(Problem::toString)
                    .map(p -> p.replace(directory + "/", "").replaceFirst(" or unable.*", "")))
                    .containsExactly("circle.yaml: cannot be read: Too many levels of symbolic links",
                            "linked.yaml: is a pipe, not a file; it is not read",
                            "pipe.yaml: is a pipe, not a file; it is not read",
                            "socket.yaml: is a socket, not a file; it is not read",
                            "zero.yaml: is a device, not a file; it is not read");
            assertThat(loaded.snapshot().services()).hasSize(1);
        }
    }

    @Test
    @Timeout(60)
    void a_pipe_that_was_named_is_read_once_and_one_that_comes_later_never() throws Exception {
        Path pipe = directory.resolve("pipe");
        Path file = files.write("file.yaml", "# nothing\n");
        makePipe(pipe);
        Thread.ofVirtual().start(() -> files.write("pipe", ManifestFiles.SERVICE));
        ManifestOptions options = new ManifestOptions(List.of(pipe.toString(), file.toString()), List.of(), 30_000,
                32_767, "node-1");
        InputReader inputs = new InputReader(options.inputs(), InputStream.nullInputStream(), new Activity("a test"));
        SnapshotBuilder builder = new SnapshotBuilder(options, inputs);
        LoadedManifests first = builder.build(Instant.EPOCH);
        assertThat(first.errors()).isEmpty();
        builder.commit();
        InputReader.Fingerprint before = inputs.fingerprint();

        Files.delete(file);
        makePipe(file);
        assertThat(inputs.fingerprint()).isNotEqualTo(before).isEqualTo(inputs.fingerprint());
        LoadedManifests second = builder.build(Instant.EPOCH);
        assertThat(second.snapshot().services()).isEqualTo(first.snapshot().services());
        assertThat(second.errors()).singleElement().hasToString(file
                + ": cannot be read: it is not a file any more, and whatever is not a file is read at the start only");
    }

    @Test
    @Timeout(60)
    void a_file_of_a_directory_that_becomes_a_pipe_does_not_take_its_objects_along() throws Exception {
        Path file = files.write("a.yaml", ManifestFiles.SERVICE);
        SnapshotBuilder builder = new SnapshotBuilder(files.options(),
                new InputReader(files.options().inputs(), InputStream.nullInputStream(), new Activity("a test")));
        assertThat(builder.build(Instant.EPOCH).errors()).isEmpty();
        builder.commit();
        Files.delete(file);
        makePipe(file);
        assertThat(builder.build(Instant.EPOCH).errors()).singleElement()
                .hasToString(file + ": is a pipe, but was a file; delete it if its objects are to go");
    }

    @Test
    void a_file_that_is_too_large_is_not_read() throws IOException {
        Path file = directory.resolve("sparse.yaml");
        try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(3L << 30);
        }
        assertThat(files.load().problems()).singleElement().asString()
                .startsWith(file + ": cannot be read: it is larger than ");
        Files.delete(file);
        assertThat(load("/dev/zero").problems()).singleElement().asString()
                .startsWith("/dev/zero: cannot be read: it is larger than ");
    }

    @Test
    void what_was_written_is_cut_in_a_message_and_stays_in_one_line() {
        String key = "k".repeat(4_000_000);
        assertThat(problems(ManifestFiles.SERVICE + "? " + key + "\n: v\n")).singleElement().asString()
                .contains("kkk… (4000000 characters): is not a field that Kubernetes knows").hasSizeLessThan(500);
        assertThat(problems("kind: Pod\napiVersion: v1\nmetadata:\n  name: \"" + key + "\"\n")).singleElement()
                .asString().contains("kkk… (", "is not a name").hasSizeLessThan(800);
        assertThat(problems("kind: Pod\napiVersion: v1\nmetadata:\n  name: \"a\\nERROR \\e[31m\"\n"))
                .containsExactly(
                        ":4: Pod metadata.name: 'a\\nERROR \\u001b[31m' is not a name: lower case letters, digits,"
                                + " '-' and '.'");
    }

    @Test
    void only_the_first_thousand_of_many_problems_are_kept() {
        List<Problem> problems = files.load("---\nkind: Pod\n".repeat(5_000)).problems();
        assertThat(problems).hasSize(1_001);
        assertThat(problems.getLast()).hasToString("manifests: there are 4000 more errors");
    }

    @ParameterizedTest(name = "of a heap of {0} MiB")
    @CsvSource(delimiter = '|', textBlock = """
            128 | 16 | 32 | 32768 | 1398101 | 262144
            256 | 32 | 64 | 65536 | 2796202 | 524288
            1024 | 64 | 256 | 262144 | 11184810 | 2097152
            16384 | 64 | 256 | 1000000 | 178956970 | 33554432
            """)
    void what_is_read_has_room_in_the_heap(int heap, int file, int total, int objects, int values, int endpoints) {
        assertThat(ReadingLimits.ofHeap((long) heap << 20))
                .isEqualTo(new ReadingLimits(file << 20, (long) total << 20, objects, values, endpoints));
    }

    @Test
    void each_limit_is_told_once_with_the_place_where_it_was_met() {
        ReadingLimits few = new ReadingLimits(1_000, 2_000, 3, 100, 5);
        assertThat(limited(few, "---\n".repeat(4) + "kind: Pod\n")).singleElement().asString()
                .startsWith("all.yaml:5: there are more than 3 objects");
        assertThat(limited(few,
                "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n" + "status: ["
                        + "1, ".repeat(100) + "1]\n"))
                .singleElement()
                .asString()
                .startsWith("all.yaml:1: Service: with this object, all together have more than 100 values");
        assertThat(limited(few, "#".repeat(2_000))).singleElement().asString()
                .startsWith("all.yaml: cannot be read: it is larger than");
        files.write("b.yaml", "#".repeat(900) + "\n");
        files.write("c.yaml", "#".repeat(900) + "\n");
        files.write("d.yaml", "kind: [");
        assertThat(limited(few, "#".repeat(900) + "\n")).singleElement().asString()
                .startsWith("c.yaml: with this file, all together are larger than");
    }

    private List<String> limited(ReadingLimits limits, String text) {
        files.write("all.yaml", text);
        Problems problems = new Problems();
        new InputReader(files.options().inputs(), InputStream.nullInputStream(), new Activity("a test")).read(problems,
                new ReadingLimits.Rest(limits));
        return problems.all().stream().map(problem -> problem.toString().replace(directory + "/", "")).toList();
    }

    @Test
    void services_times_pods_have_a_limit() {
        StringBuilder text = new StringBuilder(ManifestFiles.SERVICE);
        for (int i = 0; i < 6; i++) {
            text.append(ManifestFiles.pod("p" + i, "10.0.0." + (i + 1)));
        }
        files.write("all.yaml", text.toString());
        Problems problems = new Problems();
        ReadingLimits.Rest rest = new ReadingLimits.Rest(new ReadingLimits(10_000, 10_000, 10, 10_000, 5));
        DocumentReader objects =
                new InputReader(files.options().inputs(), InputStream.nullInputStream(), new Activity("a test"))
                        .read(problems, rest);
        WorkloadPods noWorkloads = new WorkloadPods(objects, List.of(), null, Severity.ERROR, problems);
        SnapshotBuilder.states(List.of((ServiceManifest) objects.objects().getFirst()),
                Allocations.none(files.options()),
                new EndpointRules(objects.objects(), noWorkloads, files.options().mainFamily(), rest), problems);
        assertThat(problems.all()).singleElement().asString()
                .contains("Service default/kubia: with this port, all Services together have more than 5 endpoints");
    }

    /** Names of the same hash, which a hash table tells apart only by their order. */
    @Test
    @Timeout(120)
    void names_that_were_chosen_to_collide_cost_no_more_than_others() {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 1 << 15; i++) {
            StringBuilder name = new StringBuilder("x");
            for (int bit = 0; bit < 15; bit++) {
                name.append((i >> bit & 1) == 0 ? "an" : "c0");
            }
            text.append("---\napiVersion: v1\nkind: Pod\nmetadata: {name: p").append(i).append(", labels: {a: ")
                    .append(name).append("}}\nspec: {}\n");
        }
        assertThat("an".hashCode()).isEqualTo("c0".hashCode());
        assertThat(files.load(text.toString()).errors()).isEmpty();
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
