package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.metrics.MetricCatalog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What is in config/deploy/monitoring finds the daemons, and names nothing that they do not show. */
class MonitoringTest {

    private static final Path DEPLOY = Path.of("..", "config", "deploy");
    private static final Path MONITORING = DEPLOY.resolve("monitoring");
    private static final Path METRICS = Path.of("..", "docs", "metrics.md");
    private static final Path OPERATIONS = Path.of("..", "docs", "operations.md");

    private static final Pattern RUNBOOK = Pattern.compile("^\\| `(Sluice\\w+)` \\| \\S", Pattern.MULTILINE);
    private static final Pattern TEXT = Pattern.compile("\"[^\"]*\"");
    private static final Pattern SELECTION = Pattern.compile("(\\w+)\\{([^}]*)}");
    private static final Pattern GROUPING = Pattern.compile("\\b(by|on|without|ignoring)\\s*\\(([^)]*)\\)");
    private static final Pattern WORD = Pattern.compile("\\b[A-Za-z_]\\w*");
    private static final Pattern NAMED_BY_MICROMETER = Pattern.compile("^\\| `\\w+_\\*` \\|.*$", Pattern.MULTILINE);
    private static final Pattern CODE = Pattern.compile("`(\\w+)`");
    /** What Prometheus gives each series of a target. */
    private static final Set<String> OF_THE_TARGET = Set.of("job", "instance");
    private static final Set<String> WORDS_OF_PROMQL =
            Set.of("absent", "and", "changes", "histogram_quantile", "topk", "increase",
                    "max", "max_over_time", "or", "rate", "sum", "time");

    private static Map<?, ?> yaml(Path file) throws IOException {
        return (Map<?, ?>) new Load(LoadSettings.builder().build()).loadFromString(Files.readString(file));
    }

    private static Object at(Object value, Object... path) {
        Object at = value;
        for (Object step : path) {
            at = step instanceof Integer index ? ((List<?>) at).get(index) : ((Map<?, ?>) at).get(step);
        }
        return at;
    }

    /** The names of series and their labels; null for labels that only Micrometer knows. */
    private static Map<String, Set<String>> series() throws IOException {
        Map<String, Set<String>> series = new HashMap<>(Map.of("up", Set.of()));
        for (MetricCatalog metric : MetricCatalog.values()) {
            Set<String> labels = Set.copyOf(metric.labels());
            series.put(metric.exportedName(), labels);
            if (metric.longestName() != null) {
                series.put(metric.longestName(), labels);
                Stream.of("_bucket", "_sum", "_count").forEach(s -> series.put(metric.exportedName() + s, labels));
            }
        }
        NAMED_BY_MICROMETER.matcher(Files.readString(METRICS)).results().map(MatchResult::group)
                .flatMap(row -> CODE.matcher(row).results()).map(name -> name.group(1))
                .forEach(name -> series.put(name, Set.of()));
        return series;
    }

    private static List<Map<?, ?>> alerts() throws IOException {
        return ((List<?>) at(yaml(MONITORING.resolve("rules.yaml")), "groups", 0, "rules")).stream()
                .<Map<?, ?>>map(Map.class::cast).toList();
    }

    private static List<String> expressions(String file) {
        try {
            List<String> found = new ArrayList<>();
            collect(yaml(MONITORING.resolve(file)), found);
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void collect(Object value, List<String> found) {
        switch (value) {
            case Map<?, ?> map -> map.forEach((key, below) -> {
                if (key.equals("expr")) {
                    found.add((String) below);
                } else if (key.equals("definition")) {
                    found.add(((String) below).replaceFirst("^label_values\\((.*), (\\w+)\\)$", "sum by ($2) ($1)"));
                } else {
                    collect(below, found);
                }
            });
            case List<?> list -> list.forEach(below -> collect(below, found));
            case null, default -> {
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"rules.yaml", "dashboard.json"})
    void every_series_and_label_that_is_asked_for_exists(String file) throws IOException {
        Map<String, Set<String>> series = series();
        assertThat(expressions(file)).hasSizeGreaterThan(10).allSatisfy(expression -> {
            String bare = TEXT.matcher(expression).replaceAll("").replaceAll("\\[[^]]*]", "");
            Set<String> labels = GROUPING.matcher(bare).results()
                    .flatMap(grouping -> WORD.matcher(grouping.group(2)).results()).map(MatchResult::group)
                    .collect(Collectors.toSet());
            String rest = GROUPING.matcher(bare).replaceAll("");
            SELECTION.matcher(rest).results().forEach(selection -> assertThat(
                    WORD.matcher(selection.group(2)).results().map(MatchResult::group)
                            .filter(label -> !OF_THE_TARGET.contains(label)))
                    .as(selection.group()).allMatch(series.getOrDefault(selection.group(1), Set.of())::contains));
            List<String> names = WORD.matcher(rest.replaceAll("\\{[^}]*}", "")).results().map(MatchResult::group)
                    .filter(word -> !WORDS_OF_PROMQL.contains(word)).toList();
            assertThat(names).as(expression).isNotEmpty().allMatch(series::containsKey);
            for (String label : labels) {
                assertThat(OF_THE_TARGET.contains(label) || label.equals("le") || names.stream().anyMatch(
                        name -> series.get(name).contains(label) || name.startsWith("jvm_"))).as(label).isTrue();
            }
        });
    }

    @Test
    void the_rules_for_the_operator_are_those_for_prometheus() throws IOException {
        assertThat(at(yaml(MONITORING.resolve("prometheusrule.yaml")), "spec", "groups"))
                .isEqualTo(yaml(MONITORING.resolve("rules.yaml")).get("groups"));
    }

    @Test
    void each_alert_has_a_line_that_says_what_to_do_and_no_line_is_of_an_alert_that_is_gone() throws IOException {
        List<String> lines = RUNBOOK.matcher(Files.readString(OPERATIONS)).results().map(row -> row.group(1)).toList();
        assertThat(alerts()).extracting(alert -> String.valueOf(alert.get("alert")))
                .containsExactlyInAnyOrderElementsOf(lines).doesNotHaveDuplicates();
        assertThat(Files.readAllLines(OPERATIONS)).contains("## Alerts");
        assertThat(alerts()).allSatisfy(alert -> {
            assertThat(at(alert, "annotations", "runbook")).isEqualTo("docs/operations.md#alerts");
            assertThat(at(alert, "labels", "severity")).isIn("critical", "warning");
            assertThat(String.valueOf(at(alert, "annotations", "summary"))).isNotBlank();
        });
    }

    @Test
    void each_alert_is_tried() throws IOException {
        Set<Object> fired = ((List<?>) at(yaml(MONITORING.resolve("rules.test.yaml")), "tests")).stream()
                .flatMap(test -> ((List<?>) at(test, "alert_rule_test")).stream())
                .filter(each -> !((List<?>) at(each, "exp_alerts")).isEmpty())
                .<Object>map(each -> at(each, "alertname")).collect(Collectors.toSet());
        assertThat(alerts()).allSatisfy(alert -> assertThat(fired).contains(alert.get("alert")));
    }

    /** On the host's network a declared port is a hostPort: the new pod of an update would find no place beside the old one. */
    @Test
    void no_port_is_declared_while_an_update_has_two_pods_on_a_node() throws IOException {
        Map<?, ?> daemonSet = yaml(DEPLOY.resolve("base/daemonset.yaml"));
        assertThat(at(daemonSet, "spec", "updateStrategy", "rollingUpdate", "maxSurge")).isEqualTo(1);
        assertThat(at(daemonSet, "spec", "template", "spec", "hostNetwork")).isEqualTo(true);
        Map<?, ?> container = (Map<?, ?>) at(daemonSet, "spec", "template", "spec", "containers", 0);
        assertThat(container.containsKey("ports")).isFalse();
    }

    @Test
    void the_pod_monitor_makes_targets_of_the_pods_at_the_port_where_they_show_metrics() throws IOException {
        Map<?, ?> monitor = yaml(MONITORING.resolve("podmonitor.yaml"));
        assertThat(at(monitor, "spec", "selector", "matchLabels"))
                .isEqualTo(at(yaml(DEPLOY.resolve("base/daemonset.yaml")), "spec", "template", "metadata", "labels"));
        Map<?, ?> endpoint = (Map<?, ?>) at(monitor, "spec", "podMetricsEndpoints", 0);
        assertThat(endpoint.get("honorLabels")).isEqualTo(true);
        assertThat(endpoint.keySet().stream().map(String::valueOf)).doesNotContain("port", "targetPort", "portNumber");

        String port = Files.readString(MONITORING.resolve("kustomization.yaml"))
                .replaceFirst("(?s).*METRICS_BIND_ADDRESS, value: \"(:\\d+)\".*", "$1");
        assertThat(target(endpoint, "10.0.0.1")).containsEntry("__address__", "10.0.0.1" + port)
                .containsEntry("instance", "node-1").containsEntry("namespace", "kube-system")
                .doesNotContainKeys("pod", "container");
        assertThat(target(endpoint, "fd00::1")).containsEntry("__address__", "[fd00::1]" + port);
    }

    /** The labels of the target that Prometheus makes of a pod without ports at {@code ip}. */
    private static Map<String, String> target(Map<?, ?> endpoint, String ip) {
        Map<String, String> labels = new TreeMap<>(Map.of("__address__", ip, "__meta_kubernetes_pod_ip", ip,
                "__meta_kubernetes_pod_node_name", "node-1", "namespace", "kube-system", "pod", "sluice-x", "container",
                "sluice"));
        for (Object each : (List<?>) endpoint.get("relabelings")) {
            Map<?, ?> rule = (Map<?, ?>) each;
            Pattern pattern = Pattern.compile(rule.get("regex") instanceof String regex ? regex : "(?s)(.*)");
            if ("labeldrop".equals(rule.get("action"))) {
                labels.keySet().removeIf(label -> pattern.matcher(label).matches());
                continue;
            }
            assertThat(rule.get("action")).isNull();
            String value = labels.get(String.valueOf(at(rule, "sourceLabels", 0)));
            if (pattern.matcher(value).matches()) {
                String replacement = rule.get("replacement") instanceof String text ? text : "$1";
                labels.put(String.valueOf(rule.get("targetLabel")), pattern.matcher(value).replaceFirst(replacement));
            }
        }
        return labels;
    }

    @ParameterizedTest(name = "promtool {0}")
    @ValueSource(strings = {"check rules rules.yaml", "test rules rules.test.yaml"})
    void promtool_agrees(String words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("promtool"));
        command.addAll(List.of(words.split(" ", -1)));
        Process process;
        try {
            process = new ProcessBuilder(command).directory(MONITORING.toFile()).redirectErrorStream(true).start();
        } catch (IOException e) {
            assumeTrue(false, "promtool is not installed: " + e.getMessage());
            throw e;
        }
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(out).isZero();
    }
}
