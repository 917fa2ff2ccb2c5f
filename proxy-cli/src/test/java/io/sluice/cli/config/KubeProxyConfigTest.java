package io.sluice.cli.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KubeProxyConfigTest {

    /** As kubeadm writes it, with some fields set. */
    private static final String KUBEADM = """
            apiVersion: kubeproxy.config.k8s.io/v1alpha1
            bindAddress: 0.0.0.0
            bindAddressHardFail: false
            clientConnection:
              acceptContentTypes: ""
              burst: 0
              contentType: ""
              kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
              qps: 0
            clusterCIDR: 10.244.0.0/16,fd00:10:244::/56
            configSyncPeriod: 0s
            conntrack:
              maxPerCore: null
              tcpEstablishedTimeout: 24h0m0s
              udpTimeout: 20s
            detectLocal: {bridgeInterface: "", interfaceNamePrefix: ""}
            detectLocalMode: ClusterCIDR
            enableProfiling: false
            healthzBindAddress: "0.0.0.0:10256"
            hostnameOverride: ""
            iptables: {masqueradeAll: false, masqueradeBit: null, syncPeriod: 30s}
            ipvs: {scheduler: lc, strictARP: true, excludeCIDRs: null}
            kind: KubeProxyConfiguration
            logging: {flushFrequency: 0, verbosity: 2}
            metricsBindAddress: ""
            mode: ipvs
            nodePortAddresses: [10.0.0.0/8, 192.168.0.0/16]
            oomScoreAdj: -999
            portRange: ""
            """;

    @TempDir
    private Path directory;

    private Console check(String text) throws IOException {
        Path file = Files.writeString(directory.resolve("config.conf"), text);
        return Console.run("check", "--kube-proxy-config", file.toString());
    }

    @Test
    void masquerade_all_is_a_setting_here_too() throws IOException {
        Console console = check(KUBEADM.replace("masqueradeAll: false", "masqueradeAll: true"));
        assertThat(console.out().replaceAll(" +", " ")).contains("iptables.masqueradeAll true honoured",
                "masqueradeAll: true");
    }

    @Test
    void each_field_that_says_something_has_an_answer() throws IOException {
        Console console = check(KUBEADM);
        assertThat(console.exitCode()).as(console.err()).isZero();
        assertThat(console.out().replaceAll(" +", " ")).contains(
                "bindAddress 0.0.0.0 not needed",
                "clientConnection.kubeconfig /var/lib/kube-proxy/kubeconfig.conf honoured",
                "clusterCIDR 10.244.0.0/16,fd00:10:244::/56 honoured",
                "conntrack.tcpEstablishedTimeout 24h0m0s not needed",
                "conntrack.udpTimeout 20s honoured",
                "detectLocalMode ClusterCIDR honoured",
                "ipvs.scheduler lc honoured",
                "ipvs.strictARP true unsupported set net.ipv4.conf.all.arp_ignore=1",
                "iptables.syncPeriod 30s not needed",
                "logging.verbosity 2 unsupported set logLevel",
                "mode ipvs not needed",
                "oomScoreAdj -999 unsupported").doesNotContain("unknown ", "masqueradeAll", "hostnameOverride");
    }

    @Test
    void the_settings_that_do_the_same_are_settings() throws IOException {
        String out = check(KUBEADM).out();
        String settings = out.substring(out.indexOf("# The same for Sluice"), out.lastIndexOf("\n\n"));
        Path file = Files.writeString(directory.resolve("sluice.yaml"), settings);
        Console console = Console.run("run", "--print-config", "--config", file.toString());
        assertThat(console.exitCode()).as(console.err() + settings).isZero();
        assertThat(console.out()).contains("nodeportAddresses: [10.0.0.0/8, 192.168.0.0/16]  # " + file,
                "clusterCidr: [10.244.0.0/16, fd00:10:244::/56]  # " + file,
                "kubeconfig: /var/lib/kube-proxy/kubeconfig.conf  # " + file,
                "balancer: least-connections  # " + file);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({"rr,round-robin", "wrr,weighted-round-robin", "lc,least-connections", "wlc,least-connections",
            "sed,least-connections", "nq,least-connections", "sh,maglev", "mh,maglev"})
    void a_scheduler_of_ipvs_is_a_balancer_here(String scheduler, String balancer) throws IOException {
        assertThat(check(KUBEADM.replace("scheduler: lc", "scheduler: " + scheduler)).out())
                .contains("\nbalancer: " + balancer + "\n");
    }

    @Test
    void a_scheduler_by_the_address_of_the_endpoint_has_no_counterpart() throws IOException {
        assertThat(check(KUBEADM.replace("scheduler: lc", "scheduler: lblc")).out().replaceAll(" +", " "))
                .contains("ipvs.scheduler lblc unsupported no balancer does the same").doesNotContain("\nbalancer:");
    }

    private static final String KUBECONFIG = """
            apiVersion: v1
            kind: Config
            clusters:
            - {name: other, cluster: {server: "https://192.0.2.9:6443"}}
            - cluster:
                certificate-authority: /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
                server: https://192.0.2.10:6443
              name: default
            contexts:
            - context: {cluster: default, namespace: default, user: default}
              name: here
            current-context: here
            """;

    private Console checkConfigMap(String kubeconfig) throws IOException {
        return check("kind: ConfigMap\ndata:\n  config.conf: |\n" + KUBEADM.indent(4) + "  kubeconfig.conf: |\n"
                + kubeconfig.indent(4));
    }

    @Test
    void the_config_map_says_where_the_api_server_is() throws IOException {
        Console console = checkConfigMap(KUBECONFIG);
        assertThat(console.exitCode()).as(console.err()).isZero();
        assertThat(console.out()).contains("\nkubeApiServer: https://192.0.2.10:6443\n");
        assertThat(checkConfigMap(KUBECONFIG.replace("cluster: default, ", "")).out()).doesNotContain("kubeApiServer");
        assertThat(checkConfigMap("clusters: [{cluster: {server: \"https://a b\\e[31m\"}}]\n").out())
                .contains("\nkubeApiServer: \"https://a b\\u001B[31m\"\n");
    }

    @Test
    void a_kubeconfig_in_it_that_is_none_is_one_line() throws IOException {
        assertThat(checkConfigMap("a: [").err()).contains("config.conf: kubeconfig.conf:").contains("is not YAML")
                .hasLineCount(1);
        assertThat(checkConfigMap("- a").err()).endsWith("config.conf: kubeconfig.conf: is not a mapping of YAML\n");
    }

    @Test
    void a_config_map_that_holds_it_will_do() throws IOException {
        Console console = check("kind: ConfigMap\ndata:\n  config.conf: |\n" + KUBEADM.indent(4));
        assertThat(console.exitCode()).as(console.err()).isZero();
        assertThat(console.out()).contains("clusterCIDR");
    }

    @Test
    void a_field_that_kube_proxy_does_not_have_ends_with_one() throws IOException {
        Console console = check("kind: KubeProxyConfiguration\nclusterCidr: 10.0.0.0/8\n");
        assertThat(console.exitCode()).isEqualTo(1);
        assertThat(console.out()).contains("unknown");
    }

    @Test
    void another_kind_or_no_yaml_or_no_file_is_one_line() throws IOException {
        assertThat(check("kind: Service\n").err()).isEqualTo("sluice: " + directory.resolve("config.conf")
                + ": its kind is Service, not KubeProxyConfiguration (kubectl -n kube-system get configmap kube-proxy -o"
                + " yaml gives one)\n");
        assertThat(check("a: [").err()).startsWith("sluice: ").contains("is not YAML").hasLineCount(1);
        for (String endless : List.of("a: &a {<<: *a, b: 1}\n", "a: &a {b: *a}\n")) {
            assertThat(check(endless).err()).contains("config.conf:1: the alias *a stands inside of").hasLineCount(1);
        }
        assertThat(check("kind: " + "x".repeat(100_000) + "\n").err()).contains("… (100000 characters), not")
                .hasLineCount(1)
                .hasSizeLessThan(500);
        assertThat(Console.run("check", "--kube-proxy-config", "/dev/zero").err())
                .isEqualTo("sluice: /dev/zero: it is larger than 1 MiB\n");
        assertThat(Console.run("check", "--kube-proxy-config", "/nowhere").err())
                .isEqualTo("sluice: /nowhere: there is no such file\n");
    }
}
