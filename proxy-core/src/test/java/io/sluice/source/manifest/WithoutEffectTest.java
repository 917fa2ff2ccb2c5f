package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Pod;
import io.sluice.source.Problem;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is written and has no effect is told, with its place and what to write instead. */
class WithoutEffectTest {

    private static final String DEPLOYMENT = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              selector: {matchLabels: {app: kubia}}
              template:
                metadata: {labels: {app: kubia, tier: front}}
                spec: {containers: [{name: c, image: example/web, ports: [{name: http, containerPort: 8080}]}]}
            ---
            """;
    private static final String ENDPOINTS = """
            ---
            apiVersion: v1
            kind: Endpoints
            metadata: {name: kubia}
            subsets: [{addresses: [{ip: 10.0.0.9}], ports: [{port: 8080}]}]
            """;

    @TempDir
    private Path directory;
    private ManifestFiles files;

    @BeforeEach
    void directory() {
        files = new ManifestFiles(directory);
    }

    private static List<String> told(LoadedManifests loaded) {
        return loaded.problems().stream().map(Problem::toString).toList();
    }

    @Test
    void endpoints_of_a_service_with_pods_are_said_to_be_ignored() {
        LoadedManifests loaded = files.load(ManifestFiles.SERVICE + ENDPOINTS + ManifestFiles.pod("a", "10.0.0.1"));

        assertThat(ManifestFiles.endpoints(loaded, "kubia")).containsExactly("10.0.0.1:8080");
        assertThat(told(loaded)).singleElement().asString().startsWith(directory
                + "/all.yaml:10: Endpoints default/kubia: is ignored, as in a cluster: the endpoints of Service"
                + " default/kubia come from the Pods of its selector");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"{name: kubia},'{name: kubia, uid: 4c1f}',true",
            "{name: kubia},'{name: kubia, resourceVersion: \"7\"}',true", "selector: {app: kubia},selector: {},true",
            "'subsets: [{addresses: [{ip: 10.0.0.9}], ports: [{port: 8080}]}]',subsets: [],true"})
    void endpoints_that_a_controller_wrote_or_that_count_are_fine(String from, String to, boolean fine) {
        String endpoints = ENDPOINTS.replace(from, to);
        String service = ManifestFiles.SERVICE.replace(from, from.startsWith("selector") ? to : from);

        assertThat(told(files.load(service + endpoints + ManifestFiles.pod("a", "10.0.0.1"))).isEmpty())
                .isEqualTo(fine);
    }

    @Test
    void endpoints_of_a_service_whose_pods_are_not_given_count() {
        LoadedManifests loaded = files.load(ManifestFiles.SERVICE + ENDPOINTS);

        assertThat(ManifestFiles.endpoints(loaded, "kubia")).containsExactly("10.0.0.9:8080");
        assertThat(told(loaded)).isEmpty();
    }

    @Test
    void a_deployment_is_named_that_would_make_the_pods_of_an_empty_service() {
        LoadedManifests loaded = files.load(DEPLOYMENT + ManifestFiles.SERVICE);

        assertThat(told(loaded)).singleElement().asString().isEqualTo(directory
                + "/all.yaml:3: Deployment default/web: would make 1 Pod for Service kubia, but no controller runs"
                + " programs here: run it yourself, and say where it listens with --endpoint default/web=HOST:PORT, or"
                + " with the annotation sluice.io/endpoint: HOST:PORT on its template, or have it found with --discover");
        assertThat(loaded.skipped()).isEmpty();
    }

    @ParameterizedTest(name = "{0} instead of {1}")
    @CsvSource({"'app: kubia, tier','app: other, tier'", "'{name: web}','{name: web, namespace: other}'",
            "apps/v1,example.com/v1",
            "kind: Deployment,kind: CronJob", "'{name: web}',{generateName: web-}",
            "'{name: web}','{name: web, ownerReferences: [{kind: Rollout, name: web, controller: true}]}'"})
    void what_would_make_other_pods_is_not_named(String from, String to) {
        assertThat(told(files.load(DEPLOYMENT.replaceFirst(Pattern.quote(from), to) + ManifestFiles.SERVICE)))
                .isEmpty();
    }

    @Test
    void a_deployment_beside_its_pods_is_not_named() {
        assertThat(told(files.load(DEPLOYMENT + ManifestFiles.SERVICE + ManifestFiles.pod("a", "10.0.0.1"))))
                .isEmpty();
    }

    @Test
    void a_pod_without_an_address_is_known_and_one_that_has_ended_is_not() {
        String pods = """
                apiVersion: v1
                kind: Pod
                metadata: {name: pending}
                spec: {enableServiceLinks: false}
                status: {phase: Pending}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: ended}
                status: {phase: Succeeded}
                """;
        assertThat(files.load(pods).snapshot().pods())
                .containsExactly(new Pod("default", "pending", List.of(), false));
    }
}
