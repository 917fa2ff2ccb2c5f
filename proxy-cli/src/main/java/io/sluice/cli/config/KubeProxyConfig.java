package io.sluice.cli.config;

import io.sluice.cli.render.Table;
import io.sluice.service.BalancerKind;
import io.sluice.source.Excerpt;
import io.sluice.source.InputFile;
import io.sluice.source.yaml.ReadingBudget;
import io.sluice.source.yaml.YamlException;
import io.sluice.source.yaml.YamlNode;
import io.sluice.source.yaml.YamlNode.Mapping;
import io.sluice.source.yaml.YamlNode.Scalar;
import io.sluice.source.yaml.YamlNode.Sequence;
import io.sluice.source.yaml.YamlReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The meaning of kube-proxy's configuration file for Sluice, field by field: kubeproxy.config.k8s.io/v1alpha1
 * {@code KubeProxyConfiguration}. Fields that are empty, zero or false are kube-proxy's defaults and are left out.
 *
 * @param rows    every field with a value
 * @param leftOut the number of fields without one
 */
public record KubeProxyConfig(List<Row> rows, int leftOut) {

    private static final String KIND = "KubeProxyConfiguration";
    /** The key of kube-proxy's ConfigMap that has its way to the API server. */
    private static final String KUBECONFIG_KEY = "kubeconfig.conf";
    private static final String SCHEDULER = "ipvs.scheduler";

    /** IPVS's schedulers, and the balancers that do the same while all weights are 1, as they are with kube-proxy. */
    private static final Map<String, BalancerKind> SCHEDULERS = Map.of("rr", BalancerKind.ROUND_ROBIN, "wrr",
            BalancerKind.WEIGHTED_ROUND_ROBIN, "lc", BalancerKind.LEAST_CONNECTIONS, "wlc",
            BalancerKind.LEAST_CONNECTIONS, "sed", BalancerKind.LEAST_CONNECTIONS, "nq",
            BalancerKind.LEAST_CONNECTIONS, "sh", BalancerKind.MAGLEV, "mh", BalancerKind.MAGLEV);

    /** How Sluice treats a field. */
    enum Verdict {
        /** Sluice has a setting for it. */
        HONOURED,
        /** It tunes something that Sluice does not have. */
        NOT_NEEDED,
        /** It does something that Sluice does not. */
        UNSUPPORTED,
        /** It is no field of this kind of file. */
        UNKNOWN;

        String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    /**
     * One field.
     *
     * @param setting the line of Sluice's configuration file, null if there is none
     */
    record Row(String field, String value, Verdict verdict, String note, @Nullable String setting) {}

    /** The rule for a field or, for a name that ends in a dot, for all fields below it; {@code key} is Sluice's setting. */
    record Rule(Verdict verdict, String note, @Nullable String key) {}

    private static final Map<String, Rule> RULES = rules();

    private static Map<String, Rule> rules() {
        Map<String, Rule> rules = new LinkedHashMap<>();
        for (String same : List.of("healthzBindAddress", "metricsBindAddress", "bindAddressHardFail",
                "hostnameOverride")) {
            rules.put(same, new Rule(Verdict.HONOURED, "the same setting", same));
        }
        rules.put("nodePortAddresses", new Rule(Verdict.HONOURED, "", "nodeportAddresses"));
        rules.put("clusterCIDR", new Rule(Verdict.HONOURED, "the addresses of pods", "clusterCidr"));
        rules.put("detectLocal.clusterCIDRs", new Rule(Verdict.HONOURED, "the addresses of pods", "clusterCidr"));
        rules.put("clientConnection.kubeconfig", new Rule(Verdict.HONOURED, "the same file can be used", "kubeconfig"));
        rules.put("logging.format", new Rule(Verdict.HONOURED, "", "logFormat"));
        rules.put("iptables.localhostNodePorts",
                new Rule(Verdict.HONOURED, "loopback is one of the node's addresses; narrow it by nodeportAddresses",
                        null));
        notNeeded(rules, "the proxy listens on each address by itself", "bindAddress");
        notNeeded(rules, "JSON over few connections, without a limit of its own", "clientConnection.");
        notNeeded(rules, "the proxy is always in user space; /proxyMode says so", "mode");
        for (String masqueradeAll : List.of("iptables.masqueradeAll", "nftables.masqueradeAll")) {
            rules.put(masqueradeAll, new Rule(Verdict.HONOURED, "with addressMode nftables", "masqueradeAll"));
        }
        notNeeded(rules, "the packet rules need no tuning", "iptables.", "nftables.", "ipvs.", "winkernel.");
        rules.put("conntrack.udpTimeout", new Rule(Verdict.HONOURED, "", "udpTimeout"));
        rules.put("conntrack.udpStreamTimeout", new Rule(Verdict.HONOURED, "", "udpStreamTimeout"));
        notNeeded(rules, "connections are sockets; their number is limited by maxConnections", "conntrack.");
        notNeeded(rules, "of a mode that kube-proxy has no more; set udpTimeout", "udpIdleTimeout");
        notNeeded(rules,
                "changes are applied at once, and after a silent watch everything is listed again (watchIdleTimeout)",
                "configSyncPeriod", "syncPeriod", "minSyncPeriod");
        notNeeded(rules, "no feature is behind a gate", "featureGates.", "featureGates");
        notNeeded(rules, "no metric is hidden", "showHiddenMetricsForVersion");
        notNeeded(rules, "node ports are served at their own number", "portRange");
        notNeeded(rules, "logs go to standard error as they are written", "logging.");
        unsupported(rules, "pods are recognized by their addresses: set clusterCidr", "detectLocal.",
                "detectLocalMode");
        unsupported(rules, "set net.ipv4.conf.all.arp_ignore=1 and arp_announce=2 on the node (docs/node.md)",
                "ipvs.strictARP");
        unsupported(rules, "no balancer does the same; docs/balancing.md has those that there are", SCHEDULER);
        unsupported(rules, "set it in the service manager (OOMScoreAdjust= in the unit)", "oomScoreAdj");
        unsupported(rules, "use the tools of Java (jcmd, jfr)", "enableProfiling");
        unsupported(rules, "set logLevel", "logging.verbosity");
        unsupported(rules, "Linux only", "windowsRunAsService");
        return rules;
    }

    private static void notNeeded(Map<String, Rule> rules, String note, String... fields) {
        List.of(fields).forEach(field -> rules.put(field, new Rule(Verdict.NOT_NEEDED, note, null)));
    }

    private static void unsupported(Map<String, Rule> rules, String note, String... fields) {
        List.of(fields).forEach(field -> rules.put(field, new Rule(Verdict.UNSUPPORTED, note, null)));
    }

    /**
     * Reads {@code path}, or standard input for {@code -}: the file itself, or a ConfigMap that holds it.
     *
     * @throws IOException if it cannot be read or is something else; the message is for the user
     */
    public static KubeProxyConfig read(String path, InputStream input) throws IOException {
        byte[] text;
        try {
            text = path.equals("-")
                    ? InputFile.readToEnd(input, InputFile.SMALL)
                    : InputFile.readToEnd(Path.of(path), InputFile.SMALL);
        } catch (IOException e) {
            throw new IOException(path + ": " + InputFile.reason(e), e);
        }
        Map<?, ?> document = document(path, text);
        Optional<String> server = Optional.empty();
        if ("ConfigMap".equals(document.get("kind")) && document.get("data") instanceof Map<?, ?> data) {
            if (data.get(KUBECONFIG_KEY) instanceof String kubeconfig) {
                server = server(document(path + ": " + KUBECONFIG_KEY, kubeconfig.getBytes(StandardCharsets.UTF_8)));
            }
            for (Object value : data.values()) {
                if (String.valueOf(value).contains(KIND)) {
                    document = document(path, String.valueOf(value).getBytes(StandardCharsets.UTF_8));
                    break;
                }
            }
        }
        return of(document, server, path);
    }

    /** The API server of the current context, or of the only cluster; empty if the kubeconfig does not say one. */
    private static Optional<String> server(Map<?, ?> kubeconfig) {
        Object context = named(kubeconfig.get("contexts"), kubeconfig.get("current-context"), "context");
        Object name = context instanceof Map<?, ?> map ? map.get("cluster") : null;
        Object cluster = named(kubeconfig.get("clusters"), name, "cluster");
        return cluster instanceof Map<?, ?> map && map.get("server") instanceof String server && !server.isBlank()
                ? Optional.of(server.strip())
                : Optional.empty();
    }

    /** What is below {@code key} in the element of {@code list} with this name, or in its only one. */
    private static @Nullable Object named(@Nullable Object list, @Nullable Object name, String key) {
        List<?> elements = list instanceof List<?> all ? all : List.of();
        return elements.stream().filter(Map.class::isInstance).map(Map.class::cast)
                .filter(element -> elements.size() == 1 || name != null && name.equals(element.get("name"))).findFirst()
                .<@Nullable Object>map(element -> element.get(key)).orElse(null);
    }

    private static KubeProxyConfig of(Map<?, ?> document, Optional<String> server, String path) throws IOException {
        if (!KIND.equals(document.get("kind"))) {
            throw new IOException(
                    path + ": its kind is " + Excerpt.of(String.valueOf(document.get("kind"))) + ", not " + KIND
                            + " (kubectl -n kube-system get configmap kube-proxy -o yaml gives one)");
        }
        Map<String, Object> fields = new TreeMap<>();
        flatten("", document, fields);
        fields.remove("kind");
        fields.remove("apiVersion");
        List<Row> rows = new ArrayList<>();
        fields.forEach((field, value) -> {
            if (!isDefault(value)) {
                rows.add(row(field, value, fields));
            }
        });
        int leftOut = fields.size() - rows.size();
        server.ifPresent(url -> rows.add(new Row(KUBECONFIG_KEY, Excerpt.of(url), Verdict.HONOURED,
                "the API server; a real address of it, not one of the Service kubernetes",
                "kubeApiServer: " + SettingSources.yaml(url))));
        return new KubeProxyConfig(List.copyOf(rows), leftOut);
    }

    private static Map<?, ?> document(String path, byte[] text) throws IOException {
        try {
            if (plain(new YamlReader(text, ReadingBudget.start()).single()) instanceof Map<?, ?> map) {
                return map;
            }
            throw new IOException(path + ": is not a mapping of YAML");
        } catch (YamlException e) {
            throw new IOException(Excerpt.line(path + ":" + e.line() + ": " + e.getMessage()), e);
        }
    }

    /** Maps, lists and texts; null for null. */
    private static @Nullable Object plain(YamlNode node) {
        return switch (node) {
            case Scalar scalar -> scalar.isNull() ? null : scalar.text();
            case Sequence list -> {
                List<@Nullable Object> values = new ArrayList<>();
                list.elements().forEach(element -> values.add(plain(element)));
                yield values;
            }
            case Mapping map -> {
                Map<String, @Nullable Object> values = new LinkedHashMap<>();
                map.members().forEach(member -> values.put(member.key().text(), plain(member.value())));
                yield values;
            }
        };
    }

    private static void flatten(String prefix, Map<?, ?> map, Map<String, Object> into) {
        map.forEach((key, value) -> {
            if (value instanceof Map<?, ?> below && !below.isEmpty()) {
                flatten(prefix + key + '.', below, into);
            } else {
                into.put(prefix + key, value == null ? "" : value);
            }
        });
    }

    private static boolean isDefault(Object value) {
        return switch (value) {
            case Collection<?> all -> all.isEmpty();
            case Map<?, ?> all -> all.isEmpty();
            default -> List.of("", "0", "0s", "false").contains(value.toString());
        };
    }

    /** The rule for a field, or for what it stands below; null if kube-proxy has no such field. */
    static @Nullable Rule rule(String field) {
        Rule rule = RULES.get(field);
        for (int dot = field.lastIndexOf('.'); rule == null && dot > 0; dot = field.lastIndexOf('.', dot - 1)) {
            rule = RULES.get(field.substring(0, dot + 1));
        }
        return rule;
    }

    private static Row row(String field, Object value, Map<String, Object> all) {
        String text = value instanceof Collection<?> items
                ? items.stream().map(String::valueOf).collect(Collectors.joining(","))
                : value.toString();
        Rule rule = rule(field);
        if (rule == null) {
            return new Row(Excerpt.of(field), Excerpt.of(text), Verdict.UNKNOWN,
                    "no field of kube-proxy that is known here", null);
        }
        BalancerKind balancer = field.equals(SCHEDULER) ? SCHEDULERS.get(text) : null;
        if (balancer != null) {
            return new Row(field, text, Verdict.HONOURED,
                    balancer == BalancerKind.MAGLEV ? "by the client's address" : "",
                    "balancer: " + SettingSources.yaml(balancer));
        }
        if (field.equals("detectLocalMode") && text.equals("ClusterCIDR")) {
            boolean given = !isDefault(all.getOrDefault("clusterCIDR", ""));
            return new Row(field, text, given ? Verdict.HONOURED : Verdict.NOT_NEEDED,
                    given ? "by clusterCidr" : "there is no clusterCIDR", null);
        }
        return new Row(field, text, rule.verdict(), rule.note(),
                rule.key() == null ? null : rule.key() + ": " + SettingSources.yaml(value));
    }

    /** A text for people: the verdict about each field, and the settings to begin with. */
    public String describe() {
        Table table = new Table("FIELD", "VALUE", "SLUICE", "NOTE");
        rows.forEach(row -> table.row(row.field(), row.value(), row.verdict().word(), row.note()));
        StringBuilder text = new StringBuilder();
        if (!rows.isEmpty()) {
            text.append(table).append('\n');
        }
        List<String> settings = rows.stream().map(Row::setting).filter(line -> line != null).toList();
        if (!settings.isEmpty()) {
            text.append("# The same for Sluice (--config FILE):\n");
            settings.forEach(line -> text.append(line).append('\n'));
            text.append('\n');
        }
        Map<Verdict, Long> counts = rows.stream().collect(Collectors.groupingBy(Row::verdict, Collectors.counting()));
        for (Verdict verdict : Verdict.values()) {
            text.append(counts.getOrDefault(verdict, 0L)).append(' ').append(verdict.word()).append(", ");
        }
        return text.append(leftOut).append(" left at their defaults").toString();
    }

    /** Whether there is a field that kube-proxy does not have. */
    public boolean hasUnknown() {
        return rows.stream().anyMatch(row -> row.verdict() == Verdict.UNKNOWN);
    }
}
