package io.sluice.cli.config;

import static java.util.Map.entry;

import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * kube-proxy's flags that Sluice does not have under the same name: whoever brings one along is told what
 * {@link KubeProxyConfig} says of the field of kube-proxy's configuration file that stands for it.
 */
public final class KubeProxyFlags {

    /** Flags without a field. */
    private static final Map<String, String> WITHOUT_FIELD = Map.ofEntries(
            entry("--cleanup", "say sluice cleanup"),
            entry("--healthz-port", "say --healthz-bind-address"),
            entry("--init-only", "not needed: nothing has to be set up before the start"),
            entry("--metrics-port", "say --metrics-bind-address"),
            entry("--v", "say --log-level"),
            entry("--write-config-to", "say --print-config"));

    private static final Map<String, String> FIELDS = Map.ofEntries(
            entry("--bind-address", "bindAddress"),
            entry("--config-sync-period", "configSyncPeriod"),
            entry("--conntrack-max-per-core", "conntrack.maxPerCore"),
            entry("--conntrack-min", "conntrack.min"),
            entry("--conntrack-tcp-be-liberal", "conntrack.tcpBeLiberal"),
            entry("--conntrack-tcp-timeout-close-wait", "conntrack.tcpCloseWaitTimeout"),
            entry("--conntrack-tcp-timeout-established", "conntrack.tcpEstablishedTimeout"),
            entry("--conntrack-udp-timeout", "conntrack.udpTimeout"),
            entry("--conntrack-udp-timeout-stream", "conntrack.udpStreamTimeout"),
            entry("--detect-local-mode", "detectLocalMode"),
            entry("--feature-gates", "featureGates"),
            entry("--iptables-localhost-nodeports", "iptables.localhostNodePorts"),
            entry("--iptables-masquerade-bit", "iptables.masqueradeBit"),
            entry("--iptables-min-sync-period", "iptables.minSyncPeriod"),
            entry("--iptables-sync-period", "iptables.syncPeriod"),
            entry("--ipvs-exclude-cidrs", "ipvs.excludeCIDRs"),
            entry("--ipvs-min-sync-period", "ipvs.minSyncPeriod"),
            entry("--ipvs-scheduler", "ipvs.scheduler"),
            entry("--ipvs-strict-arp", "ipvs.strictARP"),
            entry("--ipvs-sync-period", "ipvs.syncPeriod"),
            entry("--ipvs-tcp-timeout", "ipvs.tcpTimeout"),
            entry("--ipvs-tcpfin-timeout", "ipvs.tcpFinTimeout"),
            entry("--ipvs-udp-timeout", "ipvs.udpTimeout"),
            entry("--kube-api-burst", "clientConnection.burst"),
            entry("--kube-api-content-type", "clientConnection.contentType"),
            entry("--kube-api-qps", "clientConnection.qps"),
            entry("--log-flush-frequency", "logging.flushFrequency"),
            entry("--logging-format", "logging.format"),
            entry("--oom-score-adj", "oomScoreAdj"),
            entry("--pod-bridge-interface", "detectLocal.bridgeInterface"),
            entry("--pod-interface-name-prefix", "detectLocal.interfaceNamePrefix"),
            entry("--profiling", "enableProfiling"),
            entry("--proxy-mode", "mode"),
            entry("--proxy-port-range", "portRange"),
            entry("--show-hidden-metrics-for-version", "showHiddenMetricsForVersion"),
            entry("--vmodule", "logging.vmodule"));

    private KubeProxyFlags() {}

    /** What to do about {@code word}, a flag with or without {@code =VALUE}; empty if kube-proxy has no such flag. */
    public static Optional<String> advice(String word) {
        int equals = word.indexOf('=');
        String flag = equals < 0 ? word : word.substring(0, equals);
        String field = FIELDS.get(flag);
        String advice = field == null ? WITHOUT_FIELD.get(flag) : ofField(field);
        return Optional.ofNullable(advice).map(text -> flag + " is kube-proxy's; " + text);
    }

    private static String ofField(String field) {
        if (field.equals("ipvs.scheduler")) {
            return "say --balancer (docs/balancing.md)";
        }
        KubeProxyConfig.Rule rule = KubeProxyConfig.rule(field);
        if (rule == null) {
            throw new IllegalStateException("no rule for " + field);
        }
        if (rule.key() != null) {
            return "say --" + rule.key().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
        }
        return (rule.verdict() == KubeProxyConfig.Verdict.UNSUPPORTED ? "unsupported: " : "not needed: ") + rule.note();
    }
}
