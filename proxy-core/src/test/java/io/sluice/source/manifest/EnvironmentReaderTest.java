package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.Problem;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The variables of a workload's first container, with values from ConfigMaps and Secrets of the same manifests. */
class EnvironmentReaderTest {

    private static final String OBJECTS = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: conf}
            data: {B: two, A: "$(X)"}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: pw}
            data: {password: czNjcmV0, user: YQ==}
            stringData: {user: bob}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              template:
                metadata: {labels: {app: api}}
                spec:
                  containers:
                    - {name: c, ENTRIES}
                    - {name: sidecar, env: [{name: NOT, value: ours}]}
            """;

    private ManifestFiles files;

    @BeforeEach
    void files(@TempDir Path directory) {
        files = new ManifestFiles(directory);
    }

    private LoadedManifests load(String entries) {
        files.write("all.yaml", OBJECTS.replace("ENTRIES", entries));
        return ManifestSource.load(files.options().withPrograms());
    }

    private static String text(LoadedManifests loaded) {
        return loaded.workloads().getFirst().variables().stream()
                .map(v -> v.name() + "=" + (v.fact() == null ? v.value() : v.fact())).collect(Collectors.joining(" "));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            a plain value           | env: [{name: X, value: "1"}]                                                    | X=1
            no value                | env: [{name: X}]                                                                | X=
            a reference             | env: [{name: X, value: "$(Y)"}]                                                 | X=$(Y)
            a key of a ConfigMap    | env: [{name: X, valueFrom: {configMapKeyRef: {name: conf, key: B}}}]            | X=two
            it refers to nothing    | env: [{name: X, valueFrom: {configMapKeyRef: {name: conf, key: A}}}]            | X=$$(X)
            a key of a Secret       | env: [{name: X, valueFrom: {secretKeyRef: {name: pw, key: password}}}]          | X=s3cret
            text comes before octets| env: [{name: X, valueFrom: {secretKeyRef: {name: pw, key: user}}}]              | X=bob
            all of a ConfigMap      | envFrom: [{configMapRef: {name: conf}, prefix: P_}]                             | P_A=$$(X) P_B=two
            env comes before envFrom| env: [{name: B, value: mine}], envFrom: [{configMapRef: {name: conf}}]          | A=$$(X) B=mine
            facts                   | env: [{name: N, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: I, valueFrom: {fieldRef: {fieldPath: status.podIP}}}] | N=NAME I=IP
            a label                 | env: [{name: L, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}]  | L=api
            what may be missing     | env: [{name: X, valueFrom: {secretKeyRef: {name: gone, key: k, optional: true}}}], envFrom: [{secretRef: {name: gone, optional: true}}] | ``
            """)
    void variables_are_read(String rule, String entries, String expected) {
        LoadedManifests loaded = load(entries);
        assertThat(text(loaded)).isEqualTo(expected);
        assertThat(loaded.problems()).isEmpty();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            no such ConfigMap | env: [{name: X, valueFrom: {configMapKeyRef: {name: gone, key: B}}}]      | gets no variable X: ConfigMap default/gone is not in the manifests
            no such key       | env: [{name: X, valueFrom: {secretKeyRef: {name: pw, key: gone}}}]        | gets no variable X: Secret default/pw has no key 'gone'
            no such Secret    | envFrom: [{secretRef: {name: gone}}]                                      | gets fewer variables: Secret default/gone is not in the manifests
            a limit           | env: [{name: X, valueFrom: {resourceFieldRef: {resource: limits.cpu}}}] | is not known of a program: it does not get the variable X
            a name            | env: [{name: "A=B", value: x}]                                          | 'A=B' is no name of a variable
            a number          | env: [{name: X, value: 1}]                                              | must be a text: write "1" in quotes
            """)
    void what_cannot_be_had_is_a_warning_with_its_place(String rule, String entries, String expected) {
        List<Problem> problems = load(entries).problems();
        assertThat(problems).singleElement().satisfies(problem -> {
            assertThat(problem.severity()).isEqualTo(Problem.Severity.WARNING);
            assertThat(problem.toString()).contains("all.yaml:", expected).doesNotContain("s3cret");
        });
    }

    @Test
    void who_starts_no_programs_reads_no_secrets() {
        files.write("all.yaml", OBJECTS.replace("ENTRIES", "env: [{name: X, value: 1}]"));
        LoadedManifests loaded = ManifestSource.load(files.options());
        assertThat(loaded.workloads().getFirst().variables()).isEmpty();
        assertThat(loaded.problems()).isEmpty();
    }
}
