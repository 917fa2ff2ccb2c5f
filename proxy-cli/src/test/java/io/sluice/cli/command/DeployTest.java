package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.cli.Console;
import io.sluice.cli.Main;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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

    /** What {@code kubectl kustomize} makes of a directory of config/deploy; without kubectl the test is skipped. */
    static String kubectl(String directory) throws IOException, InterruptedException {
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

    private static final Path SETTINGS = DEPLOY.resolve("base/sluice.yaml");

    /** The one of the DaemonSet as it is written, without kubectl. */
    private static Map<?, ?> pod() throws IOException {
        return map(documents(Files.readString(DEPLOY.resolve("base/daemonset.yaml"))).getFirst(), "spec", "template",
                "spec");
    }

    private static Map<?, ?> container() throws IOException {
        return (Map<?, ?>) ((List<?>) pod().get("containers")).getFirst();
    }

    @Test
    void the_settings_of_the_daemon_set_are_settings(@TempDir Path directory) throws IOException {
        Path edited = Files.writeString(directory.resolve("sluice.yaml"),
                Files.readString(SETTINGS).replace("API-SERVER:", "192.0.2.10:"));
        Console console = Console.run("run", "--print-config", "--config", edited.toString());
        assertThat(console.exitCode()).as(console.err()).isZero();
        assertThat(console.out()).contains("handoverSocket: /run/sluice/handover.sock  # ");
    }

    @Test
    void who_forgets_to_say_where_the_api_server_is_is_told_in_one_line() {
        Console console = Console.run("run", "--config", SETTINGS.toString());
        assertThat(console.exitCode()).isEqualTo(2);
        assertThat(console.err()).startsWith("sluice: " + SETTINGS + ":5: kubeApiServer: ").contains("is a placeholder")
                .endsWith("\nSee 'sluice run --help'.\n");
    }

    @Test
    void the_daemon_set_names_the_image_that_the_build_makes() throws IOException {
        String pom = Files.readString(Path.of("pom.xml"));
        Map<?, ?> image = (Map<?, ?>) ((List<?>) documents(
                Files.readString(DEPLOY.resolve("base/kustomization.yaml"))).getFirst().get("images")).getFirst();
        assertThat(container().get("image")).isEqualTo(image.get("name"));
        assertThat(pom).contains("<image.name>" + image.get("name") + ":" + image.get("newTag") + "</image.name>");
        assertThat(VersionCommand.version().replace("-SNAPSHOT", "")).isEqualTo(image.get("newTag"));
    }

    /** Whatever starts sluice starts it with the same options of the Java virtual machine, the cache's own training too. */
    @Test
    void launcher_image_and_rehearsal_have_the_same_options() throws IOException {
        String launcher = Files.readString(Path.of("..", "sluice"));
        Matcher options = Pattern.compile("\noptions=\\((.*?)\\)", Pattern.DOTALL).matcher(launcher);
        Matcher memory = Pattern.compile("\\bmemory=(\\S+);").matcher(launcher);
        assertThat(options.find() && memory.find()).isTrue();
        List<String> expected = List.of((options.group(1).strip() + " " + memory.group(1)).split("\\s+", -1));
        String pom = Files.readString(Path.of("pom.xml"));
        assertThat(expected).allSatisfy(option -> assertThat(pom).contains("<arg value=\"" + option + "\"/>"));
        assertThat(Files.readAllLines(Path.of("src/image/options"))).containsAll(expected)
                .contains("-cp /opt/sluice/sluice.jar", Main.class.getName());
        assertThat(pom).contains("<arg>@/opt/sluice/options</arg>");
    }

    /** Whatever ends the process has it started again, for ever, and the watchdog does not wait for a core dump. */
    @Test
    void the_systemd_unit_starts_again_what_ends_and_what_does_not_say_that_all_is_well() throws IOException {
        assertThat(Files.readAllLines(DEPLOY.resolve("systemd/sluice.service"))).contains("Type=notify",
                "NotifyAccess=main", "WatchdogSec=30", "WatchdogSignal=SIGKILL", "Restart=on-failure",
                "StartLimitIntervalSec=0");
    }

    @Test
    void the_daemon_set_mounts_what_its_settings_name() throws IOException {
        Map<String, Boolean> mounts = new HashMap<>();
        for (Object mount : (List<?>) container().get("volumeMounts")) {
            mounts.put(String.valueOf(((Map<?, ?>) mount).get("mountPath")),
                    !Boolean.TRUE.equals(((Map<?, ?>) mount).get("readOnly")));
        }
        Map<?, ?> settings = documents(Files.readString(SETTINGS)).getFirst();
        for (String setting : List.of("stateFile", "handoverSocket")) {
            String path = String.valueOf(settings.get(setting));
            assertThat(mounts).as(setting).containsEntry(path.substring(0, path.lastIndexOf('/')), true);
        }
        assertThat(mounts).containsEntry("/tmp", true).containsEntry("/etc/sluice", false);
        assertThat(container().get("args")).isEqualTo(List.of("run", "--config", "/etc/sluice/sluice.yaml"));
        assertThat(((List<?>) map(documents(Files.readString(DEPLOY.resolve("base/kustomization.yaml"))).getFirst())
                .get("configMapGenerator")).toString()).contains("name=sluice, files=[sluice.yaml]");
        // With maxSurge two pods run at once, and kubelet starts again whatever ends.
        assertThat(settings.get("stayAfterHandover")).isEqualTo(true);
        for (String probe : List.of("startupProbe", "livenessProbe", "readinessProbe")) {
            assertThat(String.valueOf(settings.get("healthzBindAddress"))).as(probe)
                    .endsWith(":" + map(container(), probe, "httpGet").get("port"));
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"base,ServiceAccount ClusterRole ClusterRoleBinding ConfigMap DaemonSet",
            "monitoring,ServiceAccount ClusterRole ClusterRoleBinding ConfigMap ConfigMap DaemonSet PodMonitor PrometheusRule"})
    void kubectl_renders_it(String directory, String kinds) throws IOException, InterruptedException {
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
    void every_file_of_a_base_is_used_by_it() throws IOException {
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
