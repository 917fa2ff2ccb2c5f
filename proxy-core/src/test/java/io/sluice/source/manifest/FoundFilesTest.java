package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Cidr;
import io.sluice.source.Activity;
import io.sluice.source.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What of a directory is read, and what is passed over because other programs read it. */
class FoundFilesTest {

    private static final String TEMPLATE = "kind: Service\nmetadata:\n  name: {{ .Release.Name }}\n";

    @TempDir
    private Path directory;

    private static String service(String name) {
        return "apiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\nspec: {ports: [{port: 80}]}\n";
    }

    private void write(String file, String text) throws IOException {
        Path path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private LoadedManifests load(boolean recursive, Path... paths) {
        return ManifestSource.load(options(recursive, paths));
    }

    private static ManifestOptions options(boolean recursive, Path... paths) {
        return new ManifestOptions(
                new ManifestInputs(List.of(paths).stream().map(Path::toString).toList(), recursive, List.of()),
                List.of(Cidr.parse("127.120.0.0/16")), 30_000, 32_767, "node-1", List.of());
    }

    private List<String> told(LoadedManifests loaded) {
        return loaded.problems().stream()
                .map(problem -> problem.severity() + " " + problem.toString().replace(directory + "/", "")).toList();
    }

    private static List<String> services(LoadedManifests loaded) {
        return loaded.snapshot().services().keySet().stream().map(name -> name.name()).sorted().toList();
    }

    @Test
    void subdirectories_are_read_if_that_is_wanted() throws IOException {
        write("k8s/a.yaml", service("a"));
        write("k8s/b/b.yml", service("b"));
        write("k8s/b/c/d/c.json", "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"n\"}}");
        write("k8s/b/c/d/d.yaml", service("d"));
        write("k8s/.git/x.yaml", service("hidden"));
        write("elsewhere/e.yaml", service("linked"));
        Files.createSymbolicLink(directory.resolve("k8s/link"), directory.resolve("elsewhere"));
        Files.createSymbolicLink(directory.resolve("k8s/b/up"), directory.resolve("k8s"));

        assertThat(services(load(false, directory.resolve("k8s")))).containsExactly("a");
        assertThat(services(load(true, directory.resolve("k8s")))).containsExactly("a", "b", "d");
        assertThat(told(load(true, directory.resolve("k8s")))).isEmpty();
        assertThat(services(load(true, directory.resolve("k8s/link")))).containsExactly("linked");
    }

    @Test
    void a_directory_with_manifests_below_says_how_to_read_them() throws IOException {
        write("k8s/base/a.yaml", service("a"));
        write("k8s/values.yaml", "replicas: 3\n");
        Files.createDirectories(directory.resolve("empty/below"));

        assertThat(told(load(false, directory.resolve("k8s"), directory.resolve("empty")))).containsExactly(
                "WARNING k8s: holds no manifest, but its subdirectories do: -R reads them, too",
                "WARNING empty: holds no manifest: no file that ends in .yaml, .yml or .json");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"kustomization.yaml,'resources: [svc.yaml]'", "values.yaml,'image: {tag: \"1\"}'",
            "compose.yaml,'services: {web: {image: nginx}}'", "Chart.yaml,'apiVersion: v2\nname: c\nversion: 1.0.0'",
            "playbook.yml,'- hosts: all'", "package.json,'{\"name\": \"web\", \"version\": \"1\"}'"})
    void files_of_other_programs_are_passed_over_in_a_directory_and_errors_by_themselves(String file, String text)
            throws IOException {
        write("svc.yaml", service("a"));
        write(file, text);
        LoadedManifests loaded = load(false, directory);

        assertThat(services(loaded)).containsExactly("a");
        assertThat(told(loaded)).isEmpty();
        assertThat(loaded.passedOver()).containsExactly(directory.resolve(file).toString());
        assertThat(load(false, directory.resolve(file)).errors()).hasSize(1);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"'apiVersion: v1\nmetadata: {name: a}\n'", "'kind: [Service]\n'", "'metadata: {name: a}\nspec: {}\n'",
            "kind Service"})
    void an_object_with_a_mistake_is_not_passed_over(String text) throws IOException {
        write("svc.yaml", text);

        assertThat(load(false, directory).errors()).hasSize(1);
    }

    @Test
    void a_template_of_helm_is_named_with_the_command_that_makes_manifests_of_it() throws IOException {
        write("shop/templates/svc.yaml", TEMPLATE);
        write("shop/templates/quoted.yaml", service("\"{{ .Release.Name }}\""));
        write("shop/a.yaml", service("a"));
        LoadedManifests loaded = load(true, directory.resolve("shop"));

        assertThat(services(loaded)).containsExactly("a");
        assertThat(loaded.problems()).extracting(Problem::toString).containsExactly(
                directory
                        + "/shop/templates/quoted.yaml:3: Service metadata.name: '{{ .Release.Name }}' is not a Service"
                        + " name: lower case letters, digits and '-', beginning with a letter, 63 characters at the most;"
                        + " it is a template of Helm: 'helm template CHART' makes manifests of it, which -f - reads",
                directory + "/shop/templates/svc.yaml:3: is a template of Helm: 'helm template " + directory
                        + "/shop' makes manifests of it, which -f - reads; it is passed over");
        assertThat(load(false, directory.resolve("shop/templates/svc.yaml")).errors()).singleElement().asString()
                .endsWith("svc.yaml:3: is a template of Helm: 'helm template " + directory
                        + "/shop' makes manifests of it, which -f - reads");
        assertThat(HelmTemplates.advice(Path.of("templates/svc.yaml"))).contains("'helm template .'");
        assertThat(HelmTemplates.advice(Path.of("svc.yaml"))).contains("'helm template CHART'");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"'replicas: 3\n',is no Kubernetes object: it has no kind", "'a: {{ .x }}\n',is a template of Helm"})
    void what_was_a_manifest_is_not_passed_over_after_an_edit(String text, String error) throws IOException {
        ManifestOptions options = options(false, directory);
        SnapshotBuilder builder = new SnapshotBuilder(options,
                new InputReader(options.inputs(), InputStream.nullInputStream(), new Activity("a test")));
        write("svc.yaml", service("a"));
        assertThat(builder.build(Instant.EPOCH).problems()).isEmpty();
        builder.commit();
        write("svc.yaml", text);

        assertThat(builder.build(Instant.EPOCH).errors()).singleElement().asString().contains("svc.yaml:1: " + error);
    }

    @Test
    void objects_of_json_and_utf_16_are_read_from_files() throws IOException {
        write("two.json", "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"a\"},"
                + "\"spec\":{\"ports\":[{\"port\":80}]}}\n{\"kind\":\"Service\"}\n");
        Files.write(directory.resolve("shell.yaml"), ("\uFEFF" + service("b").replace("\n", "\r\n"))
                .getBytes(StandardCharsets.UTF_16LE));
        LoadedManifests loaded = load(false, directory);

        assertThat(services(loaded)).containsExactly("a", "b");
        assertThat(told(loaded)).containsExactly(
                "ERROR two.json:2: Service apiVersion: is missing: it is v1 for this kind");
    }

    @Test
    void an_edit_below_is_seen_as_a_change() throws IOException {
        ManifestOptions options = options(true, directory);
        InputReader inputs = new InputReader(options.inputs(), InputStream.nullInputStream(), new Activity("a test"));
        write("a/b/svc.yaml", service("a"));
        InputReader.Fingerprint before = inputs.fingerprint();
        assertThat(inputs.places().directories()).contains(directory.resolve("a"), directory.resolve("a/b"));

        write("a/c/svc.yaml", service("c"));

        assertThat(inputs.fingerprint()).isNotEqualTo(before);
    }
}
