package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import io.sluice.cli.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The chart makes what kustomize makes, and refuses values that mean nothing. */
class HelmChartTest {

    private static final Path DEPLOY = Path.of("..", "config", "deploy");
    private static final Path CHART = DEPLOY.resolve("helm/sluice");
    private static final List<String> LABELS_OF_HELM = List.of("app.kubernetes.io/name", "app.kubernetes.io/instance",
            "app.kubernetes.io/managed-by", "app.kubernetes.io/version", "helm.sh/chart");

    @BeforeAll
    static void hasHelm() {
        assumeTrue(System.getProperty("os.name", "").equals("Linux"), "Helm as a library is there for Linux");
    }

    private static String helm(String... values) {
        TemplateCommand template = new Helm(CHART).template().withName("sluice").withNamespace("kube-system")
                .withKubeVersion("1.31.0");
        for (String value : values) {
            template.set(value.substring(0, value.indexOf('=')), value.substring(value.indexOf('=') + 1));
        }
        return template.call();
    }

    /** By kind and name, without what tells a release of Helm from a result of kustomize. */
    private static Map<String, Map<?, ?>> objects(String yaml) {
        Map<String, Map<?, ?>> objects = new TreeMap<>();
        StreamSupport.stream(all(yaml).spliterator(), false).map(Map.class::cast).forEach(object -> {
            Map<?, ?> metadata = at(object, "metadata");
            // kustomize puts a hash of the settings into the name, Helm into an annotation of the pods.
            String name = String.valueOf(metadata.get("name")).replaceFirst("^sluice-[0-9a-z]{10}$", "sluice");
            if (metadata.get("labels") instanceof Map<?, ?> labels) {
                labels.keySet().removeAll(LABELS_OF_HELM);
                metadata.values().remove(Map.of());
            }
            clean(metadata, name);
            if ("DaemonSet".equals(object.get("kind"))) {
                at(object, "spec", "template", "metadata").remove("annotations");
                for (Object volume : (List<?>) value(object, "spec", "template", "spec", "volumes")) {
                    if (((Map<?, ?>) volume).get("configMap") instanceof Map<?, ?> config) {
                        clean(config, "sluice");
                    }
                }
            }
            objects.put(object.get("kind") + "/" + name, object);
        });
        return objects;
    }

    @SuppressWarnings("unchecked")
    private static void clean(Map<?, ?> of, String name) {
        ((Map<Object, Object>) of).put("name", name);
    }

    private static Iterable<Object> all(String yaml) {
        return new Load(LoadSettings.builder().build()).loadAllFromString(yaml);
    }

    private static @Nullable Object value(Object from, String... path) {
        Object at = from;
        for (String key : path) {
            at = ((Map<?, ?>) at).get(key);
        }
        return at;
    }

    private static Map<?, ?> at(Object from, String... path) {
        Object found = value(from, path);
        assertThat(found).as(String.join(".", path)).isInstanceOf(Map.class);
        return (Map<?, ?>) found;
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            base       | image.repository=sluice
            monitoring | podMonitor.enabled=true prometheusRule.enabled=true dashboard.enabled=true
            """)
    void the_chart_makes_the_objects_of_kustomize(String directory, String values) throws Exception {
        Map<String, Map<?, ?>> expected = objects(DeployTest.kubectl(directory));
        Map<String, Map<?, ?>> made = objects(helm(values.split(" ", -1)));
        assertThat(made).containsOnlyKeys(expected.keySet());
        // The comments of the file stay behind.
        assertThat(settings(made)).isEqualTo(settings(expected));
        made.remove("ConfigMap/sluice");
        expected.remove("ConfigMap/sluice");
        expected.forEach((name, object) -> assertThat(made.get(name)).as(name).isEqualTo(object));
    }

    /** The same without kubectl, for the objects of the base: kustomize adds namespace and version. */
    @Test
    void the_chart_makes_what_the_files_of_the_base_say() throws IOException {
        Path base = DEPLOY.resolve("base");
        Map<String, Map<?, ?>> expected = objects(Files.readString(base.resolve("rbac.yaml")) + "---\n"
                + Files.readString(base.resolve("daemonset.yaml")));
        Map<String, Map<?, ?>> made = objects(helm().replaceAll("image: sluice:.*", "image: sluice"));
        assertThat(settings(made))
                .isEqualTo(all(Files.readString(base.resolve("sluice.yaml"))).iterator().next());
        made.remove("ConfigMap/sluice");
        made.values().forEach(object -> at(object, "metadata").remove("namespace"));
        assertThat(made).isEqualTo(expected);
    }

    private static Map<?, ?> settings(Map<String, Map<?, ?>> objects) {
        Map<?, ?> map = objects.get("ConfigMap/sluice");
        assertThat(map).isNotNull();
        return (Map<?, ?>) all(String.valueOf(at(map, "data").get("sluice.yaml"))).iterator().next();
    }

    @Test
    void its_settings_are_settings_of_the_daemon(@TempDir Path directory) throws IOException {
        Path values = Files.writeString(directory.resolve("values.yaml"), """
                settings:
                  kubeApiServer: https://192.0.2.10:6443
                  logLevel: debug
                  clusterCidr: [10.244.0.0/16, "fd00:10:244::/56"]
                  dnsBeforeEndpoints: true
                  drainTimeout: 45s
                """);
        Map<String, Map<?, ?>> made = objects(new Helm(CHART).template().withName("sluice")
                .withNamespace("kube-system").withKubeVersion("1.31.0").withValuesFile(values).call());
        Map<?, ?> map = made.get("ConfigMap/sluice");
        assertThat(map).isNotNull();
        Path file = Files.writeString(directory.resolve("sluice.yaml"),
                String.valueOf(at(map, "data").get("sluice.yaml")));
        Console console = Console.run("run", "--print-config", "--config", file.toString());
        assertThat(console.exitCode()).as(console.err()).isZero();
        assertThat(console.out()).contains("10.244.0.0/16", "fd00:10:244::/56", "logLevel: debug  # ",
                "dnsBeforeEndpoints: true  # ", "drainTimeout: 45s  # ",
                "handoverSocket: /run/sluice/handover.sock  # ");
    }

    @Test
    void what_is_set_is_what_is_made() {
        Map<String, Map<?, ?>> made = objects(helm("image.repository=registry.example/sluice", "image.tag=1.2.3",
                "image.pullPolicy=Always", "settings.healthzBindAddress=0.0.0.0:11256", "priorityClassName=",
                "prometheusRule.enabled=true", "prometheusRule.labels.release=kps"));
        Map<?, ?> daemonSet = made.get("DaemonSet/sluice");
        assertThat(daemonSet).isNotNull();
        Map<?, ?> pod = at(daemonSet, "spec", "template", "spec");
        assertThat(pod.containsKey("priorityClassName")).isFalse();
        Map<?, ?> container = (Map<?, ?>) ((List<?>) pod.get("containers")).getFirst();
        assertThat(container.get("image")).isEqualTo("registry.example/sluice:1.2.3");
        assertThat(container.get("imagePullPolicy")).isEqualTo("Always");
        for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
            assertThat(at(container, probe, "httpGet").get("port")).as(probe).isEqualTo(11256);
        }
        Map<?, ?> rules = made.get("PrometheusRule/sluice");
        assertThat(rules).isNotNull();
        assertThat(at(rules, "metadata", "labels").toString()).isEqualTo("{release=kps}");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            settings.logFormat=xml           | at '/settings/logFormat': value must be one of 'text', 'json'
            settings.kubeApiServer=10.0.0.1  | at '/settings/kubeApiServer': '10.0.0.1' does not match pattern '^https?://'
            imagee=sluice                    | additional properties 'imagee' not allowed
            podMonitor.enabled=maybe         | at '/podMonitor/enabled': got string, want boolean
            """)
    void values_that_mean_nothing_are_refused(String value, String message) {
        assertThatThrownBy(() -> helm(value)).hasMessageContaining(message);
    }

    @Test
    void the_chart_has_the_version_of_the_image() throws IOException {
        String chart = Files.readString(CHART.resolve("Chart.yaml"));
        String version = VersionCommand.version().replace("-SNAPSHOT", "");
        assertThat(chart).contains("\nversion: " + version + "\n", "\nappVersion: " + version + "\n");
    }
}
