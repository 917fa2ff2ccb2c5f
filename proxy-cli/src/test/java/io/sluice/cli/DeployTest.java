package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What is in config/deploy is what the program wants and what kubectl understands. */
class DeployTest {

    private static final Path DEPLOY = Path.of("..", "config", "deploy");

    private static List<Map<?, ?>> documents(String yaml) {
        Iterable<Object> all = new Load(LoadSettings.builder().build()).loadAllFromString(yaml);
        return StreamSupport.stream(all.spliterator(), false).<Map<?, ?>>map(Map.class::cast).toList();
    }

    private static String kubectl(String directory) throws IOException, InterruptedException {
        try {
            Process process = new ProcessBuilder("kubectl", "kustomize", DEPLOY.resolve(directory).toString())
                    .redirectErrorStream(true).start();
            String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(out).isZero();
            return out;
        } catch (IOException e) {
            assumeTrue(false, "kubectl is not installed: " + e.getMessage());
            throw e;
        }
    }

    private static Map<?, ?> map(Object value, String... path) {
        Object at = value;
        for (String key : path) {
            at = ((Map<?, ?>) at).get(key);
        }
        return (Map<?, ?>) at;
    }

    @Test
    void theSettingsOfTheDaemonSetAreSettings() {
        Console console =
                Console.run("run", "--print-config", "--config", DEPLOY.resolve("base/sluice.yaml").toString());
        assertThat(console.exitCode()).as(console.err()).isZero();
        assertThat(console.out()).contains("handoverSocket: /run/sluice/handover.sock  # ");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"base,ServiceAccount ClusterRole ClusterRoleBinding ConfigMap DaemonSet",
            "monitoring,ServiceAccount ClusterRole ClusterRoleBinding ConfigMap DaemonSet PodMonitor"})
    void kubectlRendersIt(String directory, String kinds) throws IOException, InterruptedException {
        List<Map<?, ?>> objects = documents(kubectl(directory));
        assertThat(objects.stream().map(o -> String.valueOf(o.get("kind"))))
                .containsExactlyInAnyOrderElementsOf(List.of(kinds.split(" ", -1)));
        Map<?, ?> pod = map(objects.stream().filter(o -> "DaemonSet".equals(o.get("kind"))).findFirst().orElseThrow(),
                "spec", "template", "spec");
        Map<?, ?> container = (Map<?, ?>) ((List<?>) pod.get("containers")).getFirst();
        assertThat(map(container, "securityContext", "capabilities").toString())
                .isEqualTo("{add=[NET_ADMIN, NET_BIND_SERVICE], drop=[ALL]}");
        assertThat(map(container, "securityContext").get("readOnlyRootFilesystem")).isEqualTo(true);
        assertThat(pod.get("hostNetwork")).isEqualTo(true);
    }

    @Test
    void everyFileOfABaseIsUsedByIt() throws IOException {
        for (String directory : List.of("base", "monitoring")) {
            String kustomization = Files.readString(DEPLOY.resolve(directory).resolve("kustomization.yaml"));
            try (Stream<Path> files = Files.list(DEPLOY.resolve(directory))) {
                Set<String> unused = files.map(file -> file.getFileName().toString())
                        .filter(name -> !name.equals("kustomization.yaml") && !kustomization.contains(name))
                        .collect(Collectors.toSet());
                assertThat(unused).as(directory).isEmpty();
            }
        }
    }
}
