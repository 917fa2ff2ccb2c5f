package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.sluice.source.Problem;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ManifestErrorsTest {

    private static final String GOOD = """
            apiVersion: v1
            kind: Service
            metadata:
              name: kubia
            spec:
              type: ClusterIP
              clusterIP: ""
              sessionAffinity: None
              ports:
              - name: http
                port: 80
                protocol: TCP
              - name: https
                port: 443
            """;

    @TempDir
    private Path directory;
    private ManifestFiles files;

    @BeforeEach
    void directory() {
        files = new ManifestFiles(directory);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            a port that is no number   | port: 80                | port: eighty               | 11: Service default/kubia spec.ports[0].port: 'eighty' must be a whole number between 1 and 65535
            a port out of range        | port: 443               | port: 70000                | 14: Service default/kubia spec.ports[1].port: '70000' must be a whole number between 1 and 65535
            a port that is missing     | "    port: 80\n"        | ""                         | 10: Service default/kubia spec.ports[0].port: is missing
            a name that is there twice | name: https             | name: http                 | 13: Service default/kubia spec.ports[1].name: 'http' is the name of another port already
            an unknown protocol        | protocol: TCP           | protocol: tcp              | 12: Service default/kubia spec.ports[0].protocol: 'tcp' must be TCP, UDP or SCTP
            an unknown type            | type: ClusterIP         | type: Clusterip            | 6: Service default/kubia spec.type: 'Clusterip' must be ClusterIP, NodePort, LoadBalancer or ExternalName
            a wrong address            | clusterIP: \"\"         | clusterIP: 10.0.0.300      | 7: Service default/kubia spec.clusterIP: '10.0.0.300' is not an IP address
            an unknown affinity        | sessionAffinity: None   | sessionAffinity: Cookie    | 8: Service default/kubia spec.sessionAffinity: 'Cookie' must be None or ClientIP
            a number for a text        | name: https             | name: 443                  | 13: Service default/kubia spec.ports[1].name: must be a text: write "443" in quotes
            a wrong Service name       | name: kubia             | name: Kubia                | 4: Service metadata.name: 'Kubia' is not a Service name: lower case letters, digits and '-', beginning with a letter, 63 characters at the most
            no kind                    | kind: Service           | king: Service              | 1: is no Kubernetes object: it has no kind
            a tab                      | "  type: ClusterIP"     | "\ttype: ClusterIP"        | 6: is not YAML: found character '\\t(TAB)' that cannot start any token. (Do not use \\t(TAB) for indentation) (column 1)
            a key that is there twice  | protocol: TCP           | port: 81                   | 12: Service default/kubia spec.ports[0].port: is a duplicate key
            """)
    void errors_name_file_line_field_and_reason(String rule, String from, String to, String expected) {
        String broken = GOOD.replace(from.replace("\\n", "\n").replace("\\\"", "\""),
                to == null ? "" : to.replace("\\t", "\t"));
        List<Problem> problems = files.load(broken).problems();
        assertThat(problems).filteredOn(p -> p.severity() == Problem.Severity.ERROR).singleElement()
                .hasToString(directory + "/all.yaml:" + expected);
    }

    @Test
    void a_field_that_kubernetes_does_not_know_is_a_warning() {
        assertThat(files.load(GOOD.replace("spec:\n", "spec:\n  selectors: {app: kubia}\n")).problems())
                .singleElement().hasToString(directory + "/all.yaml:6: Service default/kubia spec.selectors: is not a"
                        + " field that Kubernetes knows and has no effect; did you mean selector?");
    }

    @Test
    void an_object_that_stands_twice_is_an_error_that_names_both_places() {
        files.write("a.yaml", GOOD);
        files.write("b.yaml", GOOD);
        assertThat(files.load().problems()).singleElement().hasToString(directory + "/b.yaml:4: Service default/kubia:"
                + " is a duplicate of the object at " + directory + "/a.yaml:4; remove one of them");
    }

    @Test
    void one_wrong_object_does_not_hide_the_others() {
        LoadedManifests loaded = files.load(GOOD.replace("port: 80", "port: x") + "---\n" + GOOD.replace("kubia", "b"));
        assertThat(loaded.problems()).hasSize(1);
        assertThat(loaded.snapshot().services()).hasSize(1);
    }

    @Test
    void lists_json_and_empty_documents_are_understood_and_other_kinds_skipped() {
        files.write("list.json", """
                {"apiVersion": "v1", "kind": "List", "items": [
                  {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 80}]}},
                  {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "d"}}]}
                """);
        files.write("more.yaml", "---\n# nothing\n---\n" + GOOD + "---\n");
        files.write("README.md", "not read");
        LoadedManifests loaded = files.load();
        assertThat(loaded.problems()).isEmpty();
        assertThat(loaded.snapshot().services()).hasSize(2);
    }

    @Test
    void aliases_cannot_blow_up() {
        StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (int i = 1; i < 30; i++) {
            bomb.append("a").append(i).append(": &a").append(i).append(" [")
                    .append(String.join(",", Collections.nCopies(10, "*a" + (i - 1)))).append("]\n");
        }
        assertThat(files.load("kind: Service\nmetadata: {name: a}\n" + bomb).problems()).isNotEmpty();
    }

    @Test
    void random_damage_gives_problems_and_never_an_exception() {
        long seed = Long.getLong("seed", 20_261_123L);
        SplittableRandom random = new SplittableRandom(seed);
        String alphabet = "abc:-{}[]\"'\n\t #&*!|>%@`0123456789,?\\\u0000\uFEFFé";
        for (int i = 0; i < 3000; i++) {
            StringBuilder text = new StringBuilder(GOOD + ManifestFiles.pod("p", "10.0.0.1"));
            for (int n = random.nextInt(1, 6); n > 0; n--) {
                int at = random.nextInt(text.length());
                switch (random.nextInt(3)) {
                    case 0 -> text.setCharAt(at, alphabet.charAt(random.nextInt(alphabet.length())));
                    case 1 -> text.insert(at, alphabet.charAt(random.nextInt(alphabet.length())));
                    default -> text.delete(at, Math.min(text.length(), at + random.nextInt(1, 20)));
                }
            }
            int attempt = i;
            assertThatCode(() -> files.load(text.toString()))
                    .as("seed %d, attempt %d:%n%s", seed, attempt, text).doesNotThrowAnyException();
        }
    }
}
