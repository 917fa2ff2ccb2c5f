package io.sluice.cli.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.Console;
import io.sluice.cli.Main;
import java.util.Arrays;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine.Model.OptionSpec;

class KubeProxyFlagsTest {

    private static final String KUBE_PROXY = """
            --bind-address --bind-address-hard-fail --cleanup --cluster-cidr --config --config-sync-period
            --conntrack-max-per-core --conntrack-min --conntrack-tcp-be-liberal --conntrack-tcp-timeout-close-wait
            --conntrack-tcp-timeout-established --conntrack-udp-timeout --conntrack-udp-timeout-stream
            --detect-local-mode --feature-gates --healthz-bind-address --healthz-port --hostname-override --init-only
            --iptables-localhost-nodeports --iptables-masquerade-bit --iptables-min-sync-period --iptables-sync-period
            --ipvs-exclude-cidrs --ipvs-min-sync-period --ipvs-scheduler --ipvs-strict-arp --ipvs-sync-period
            --ipvs-tcp-timeout --ipvs-tcpfin-timeout --ipvs-udp-timeout --kube-api-burst --kube-api-content-type
            --kube-api-qps --kubeconfig --log-flush-frequency --logging-format --masquerade-all --master
            --metrics-bind-address --metrics-port --nodeport-addresses --oom-score-adj --pod-bridge-interface
            --pod-interface-name-prefix --profiling --proxy-mode --proxy-port-range --show-hidden-metrics-for-version
            --v --vmodule --write-config-to""";

    private static Stream<String> ofRun() {
        return Main.commandLine(Map.of()).getSubcommands().get("run").getCommandSpec().options().stream()
                .map(OptionSpec::names).flatMap(Arrays::stream);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', value = {
            "--proxy-mode=ipvs | not needed: the proxy is always in user space; /proxyMode says so",
            "--ipvs-strict-arp | unsupported: set net.ipv4.conf.all.arp_ignore=1 and arp_announce=2 on the node (docs/node.md)",
            "--conntrack-udp-timeout-stream=3m | say --udp-stream-timeout", "--logging-format | say --log-format",
            "--ipvs-scheduler | say --balancer (docs/balancing.md)", "--v=2 | say --log-level"})
    void a_flag_of_kube_proxy_is_answered_as_its_field_is(String word, String advice) {
        Console console = Console.run("run", word);
        assertThat(console.exitCode()).isEqualTo(2);
        assertThat(console.err()).isEqualTo("sluice: " + word.replaceFirst("=.*", "") + " is kube-proxy's; " + advice
                + "\nSee 'sluice run --help'.\n");
    }

    @Test
    void every_flag_of_kube_proxy_is_an_option_or_has_an_answer_and_none_is_both() {
        assertThat(KUBE_PROXY.split("\\s+", -1)).allSatisfy(flag -> assertThat(
                ofRun().anyMatch(flag::equals) ^ KubeProxyFlags.advice(flag).isPresent()).as(flag).isTrue());
    }

    @Test
    void an_option_that_is_named_instead_exists() {
        for (String flag : KUBE_PROXY.split("\\s+", -1)) {
            Matcher named = Pattern.compile("; say (--\\S+)").matcher(KubeProxyFlags.advice(flag).orElse(""));
            if (named.find()) {
                assertThat(ofRun()).as(flag).contains(named.group(1));
            }
        }
    }

    @Test
    void another_command_and_another_flag_know_nothing_of_it() {
        assertThat(Console.run("check", "--proxy-mode").err()).startsWith("sluice: there is no option '--proxy-mode'");
        assertThat(KubeProxyFlags.advice("--proxy-modes")).isEmpty();
    }
}
