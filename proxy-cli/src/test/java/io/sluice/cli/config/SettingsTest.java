package io.sluice.cli.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Where settings come from, which source wins, and how mistakes in each of them are told. */
class SettingsTest {

    @TempDir
    private Path directory;

    @ParameterizedTest(name = "flag {0}, variable {1}, file {2}: {3}")
    @CsvSource(nullValues = "-", value = {"-,-,-,connectTimeout: 2s  # default", "-,-,3s,connectTimeout: 3s  # FILE:1",
            "-,4s,-,connectTimeout: 4s  # SLUICE_CONNECT_TIMEOUT",
            "-,4s,3s,connectTimeout: 4s  # SLUICE_CONNECT_TIMEOUT",
            "5s,-,-,connectTimeout: 5s  # --connect-timeout", "5s,-,3s,connectTimeout: 5s  # --connect-timeout",
            "5s,4s,3s,connectTimeout: 5s  # --connect-timeout", "-,'',3s,connectTimeout: 3s  # FILE:1"})
    void a_flag_wins_over_a_variable_and_a_variable_over_the_file(String flag, String variable, String fileValue,
            String expected)
            throws IOException {
        Map<String, String> environment = new LinkedHashMap<>();
        List<String> words = new ArrayList<>(List.of("run", "--print-config"));
        if (flag != null) {
            words.addAll(List.of("--connect-timeout", flag));
        }
        if (variable != null) {
            environment.put("SLUICE_CONNECT_TIMEOUT", variable);
        }
        Path file = directory.resolve("sluice.yaml");
        if (fileValue != null) {
            Files.writeString(file, "connectTimeout: " + fileValue + "\n");
            words.addAll(List.of("--config", file.toString()));
        }

        Console console = Console.run(environment, words.toArray(String[]::new));

        assertThat(console.exitCode()).isZero();
        assertThat(console.out().lines()).contains(expected.replace("FILE", file.toString()));
    }

    @Test
    void the_variable_of_the_file_names_it_too() throws IOException {
        Path file = write("portOffset: 7\n");
        assertThat(Console.run(Map.of("SLUICE_CONFIG", file.toString()), "run", "--print-config").out())
                .contains("portOffset: 7  #");
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"filename: [a.yaml, 'b,c.yaml']", "filename:\n- a.yaml\n- b,c.yaml",
            "{\"filename\": [\"a.yaml\", \"b,c.yaml\"]}"})
    void lists_in_the_file_may_be_written_as_yaml_has_them(String content) throws IOException {
        assertThat(Console.run("run", "--print-config", "--config", write(content).toString()).out())
                .contains("filename: [a.yaml, \"b,c.yaml\"]");
    }

    @Test
    void lists_in_variables_and_flags_are_separated_by_commas() {
        assertThat(Console.run(Map.of("SLUICE_FILENAME", "a.yaml,b.yaml"), "run", "--print-config", "--service-cidr",
                "10.0.0.0/8,fd00::/64").out()).contains("filename: [a.yaml, b.yaml]",
                        "serviceCidr: [10.0.0.0/8, fd00::/64]");
    }

    @Test
    void the_empty_text_switches_an_admin_address_off_from_every_source() throws IOException {
        String off = "metricsBindAddress: \"\"";
        assertThat(Console.run("run", "--print-config", "--metrics-bind-address=").out()).contains(off);
        assertThat(Console.run(Map.of("SLUICE_METRICS_BIND_ADDRESS", ""), "run", "--print-config").out()).contains(off);
        assertThat(Console.run("run", "--print-config", "--config", write(off + "\n").toString()).out()).contains(off);
    }

    @Test
    void a_key_without_a_value_is_as_good_as_none() throws IOException {
        assertThat(Console.run("run", "--print-config", "--config", write("portOffset:\nlogLevel: ~\n").toString())
                .out()).contains("portOffset: 0  # default", "logLevel: info  # default");
    }

    @Test
    void a_flag_can_switch_off_what_the_file_switches_on() throws IOException {
        String file = write("accessLog: true\n").toString();
        assertThat(Console.run("run", "--print-config", "--config", file).out()).contains("accessLog: true");
        assertThat(Console.run("run", "--print-config", "--config", file, "--access-log=false").out())
                .contains("accessLog: false");
    }

    @Test
    void the_printed_settings_can_be_fed_back() throws IOException {
        String printed =
                Console.run("run", "--print-config", "-f", "a b: \"c\".yaml", "-f", "-", "--nodeport-addresses",
                        "primary", "--max-connections", "10", "--metrics-bind-address", "[::1]:1", "--access-log",
                        "--hostname-override", "null").out();

        String again = Console.run("run", "--print-config", "--config", write(printed).toString()).out();

        assertThat(withoutOrigins(again)).isEqualTo(withoutOrigins(printed));
    }

    static Stream<Arguments> mistakesInTheFile() {
        return Stream.of(
                Arguments.of("an unknown key, with the nearest known one", "\nconectTimeout: 1s\n",
                        "FILE:2: there is no setting 'conectTimeout'; did you mean connectTimeout?"),
                Arguments.of("a flag's spelling", "connect-timeout: 1s\n",
                        "FILE:1: there is no setting 'connect-timeout'; did you mean connectTimeout?"),
                Arguments.of("an unknown key that is like no other", "zzz: 1\n", "FILE:1: there is no setting 'zzz'"),
                Arguments.of("the same key twice", "portOffset: 1\nportOffset: 2\n",
                        "FILE:2: portOffset is a duplicate key"),
                Arguments.of("a value of the wrong kind", "logLevel: info\nconnectTimeout: soon\n",
                        "FILE:2: connectTimeout: 'soon' is not a duration like 250ms, 30s, 5m or 1h30m"),
                Arguments.of("a map where a word belongs", "portOffset: {a: b}\n",
                        "FILE:1: portOffset: is a map, and has to be one word"),
                Arguments.of("a list where a word belongs", "portOffset: [1, 2]\n",
                        "FILE:1: portOffset: is a list, and has to be one word"),
                Arguments.of("a map inside a list", "serviceCidr: [{a: b}]\n",
                        "FILE:1: serviceCidr: each value of the list has to be one word"),
                Arguments.of("no map at all", "- a\n",
                        "FILE:1: is not a map of settings: write one 'key: value' on each line"),
                Arguments.of("a wrong value inside a list", "serviceCidr:\n- 10.0.0.0/8\n- 10.0.0.0/99\n",
                        "FILE:2: serviceCidr: '10.0.0.0/99' is not an address range like 10.96.0.0/12"),
                Arguments.of("two ranges of one family", "serviceCidr: 10.0.0.0/8,11.0.0.0/8\nfilename: a\n",
                        "FILE:1: serviceCidr: two IPv4 ranges; one of each family at most"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("mistakesInTheFile")
    void a_mistake_in_the_file_is_one_line_with_file_and_line(String what, String content, String message)
            throws IOException {
        Path file = write(content);

        Console console = Console.run("run", "-f", "nowhere", "--config", file.toString());

        assertThat(console.exitCode()).isEqualTo(2);
        assertThat(console.err()).isEqualTo(
                "sluice: " + message.replace("FILE", file.toString()) + "\nSee 'sluice run --help'.\n");
    }

    @Test
    void a_file_that_is_made_to_hang_or_to_fill_the_terminal_is_one_line() throws IOException {
        Path endless = write("a: &a {<<: *a, b: 1}\n");
        assertThat(Console.run("run", "--config", endless.toString()).err()).startsWith(
                "sluice: " + endless + ":1: the alias *a stands inside of").hasLineCount(2);
        Path longKey = write("? " + "x".repeat(500_000) + "\n: 1\n");
        assertThat(Console.run("run", "--config", longKey.toString()).err())
                .startsWith("sluice: " + longKey + ":1: there is no setting 'xxx").hasSizeLessThan(1_000)
                .hasLineCount(2);
        Path longValue = write("logLevel: " + "x".repeat(500_000) + "\n");
        assertThat(Console.run("run", "--config", longValue.toString()).err())
                .isEqualTo("sluice: " + longValue
                        + ":1: logLevel: is longer than 16384 characters\nSee 'sluice run --help'.\n");
        assertThat(Console.run("run", "--config", "/dev/zero").err())
                .isEqualTo("sluice: /dev/zero: cannot be read: it is larger than 1 MiB\nSee 'sluice run --help'.\n");
    }

    @Test
    void what_is_not_yaml_is_told_with_its_line() throws IOException {
        Path file = write("portOffset: 1\n  x: [\n");
        assertThat(Console.run("run", "--config", file.toString()).err())
                .startsWith("sluice: " + file + ":2: is not YAML")
                .hasLineCount(2);
    }

    @Test
    void a_file_that_does_not_exist_is_told_by_name() {
        Console console = Console.run("run", "--config", "no/such.yaml");
        assertThat(console.exitCode()).isEqualTo(2);
        assertThat(console.err()).startsWith("sluice: no/such.yaml: there is no such file\n");
    }

    @Test
    void several_mistakes_in_the_file_are_told_at_once() throws IOException {
        Console console = Console.run("run", "--config", write("a: 1\nb: 2\n").toString());
        assertThat(console.err()).contains(":1: there is no setting 'a'", ":2: there is no setting 'b'");
    }

    static Stream<Arguments> mistakesOnTheCommandLine() {
        return Stream.of(Arguments.of("--connect-timeout", "0s", "it has to be longer than zero"),
                Arguments.of("--half-close-timeout", "0", "it has to be longer than zero"),
                Arguments.of("--keepalive-idle", "1500ms", "'1500ms' is not a time of whole seconds from 1s to 32767s"),
                Arguments.of("--keepalive-interval", "0s", "'0s' is not a time of whole seconds from 1s to 32767s"),
                Arguments.of("--keepalive-interval", "10h", "'10h' is not a time of whole seconds from 1s to 32767s"),
                Arguments.of("--keepalive-count", "128", "'128' is not a number from 1 to 127"),
                Arguments.of("--service-cidr", "10.0.0.0/33", "'10.0.0.0/33' is not an address range"),
                Arguments.of("--transport", "kqueue",
                        "'kqueue' is none of auto, epoll, io_uring, nio"),
                Arguments.of("--node-port-range", "5-4", "'5-4' is not a port range like 30000-32767"),
                Arguments.of("--port-offset", "70000", "'70000' is not a number from 0 to 65534"),
                Arguments.of("--worker-threads", "0", "'0' is not a number from 1 to 1024, nor the word auto"),
                Arguments.of("--max-connections", "-1", "'-1' is not a number of at least 1, nor the word auto"),
                Arguments.of("--nodeport-addresses", "primary,10.0.0.0/8", "primary cannot be combined with ranges"),
                Arguments.of("--nodeport-addresses", "eth0",
                        "'eth0' is not an address range like 10.96.0.0/12, nor the "
                                + "word primary"),
                Arguments.of("--log-level", "loud", "'loud' is none of error, warn, info, debug, trace"),
                Arguments.of("--access-log", "maybe", "'maybe'"));
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("mistakesOnTheCommandLine")
    void a_mistake_on_the_command_line_is_one_line_with_the_flag(String flag, String value, String reason) {
        Console console = Console.run("run", "-f", "nowhere", flag + "=" + value);

        assertThat(console.exitCode()).isEqualTo(2);
        assertThat(console.err()).startsWith("sluice: " + flag + ": ").contains(reason)
                .endsWith("See 'sluice run --help'.\n").hasLineCount(2);
    }

    @Test
    void a_mistake_in_a_variable_is_told_with_its_name() {
        assertThat(Console.run(Map.of("SLUICE_LOG_FORMAT", "xml"), "run", "-f", "x").err())
                .startsWith("sluice: SLUICE_LOG_FORMAT: 'xml' is none of text, json\n");
    }

    @Test
    void a_mistaken_variable_does_not_matter_when_a_flag_overrides_it() {
        assertThat(
                Console.run(Map.of("SLUICE_LOG_FORMAT", "xml"), "run", "--print-config", "--log-format", "json").out())
                .contains("logFormat: json  # --log-format");
    }

    @Test
    void a_variable_that_is_no_setting_is_a_warning_with_the_nearest_setting() {
        Console console = Console.run(Map.of("SLUICE_LOG_FORMT", "json", "SLUICE_PORT_80_TCP_ADDR", "10.0.0.1",
                "SLUICE_SERVICE_HOST", "10.0.0.1", "SLUICE_JAVA_OPTS", "-Xmx1g"), "run", "--print-config");

        assertThat(console.exitCode()).isZero();
        assertThat(console.err())
                .isEqualTo("sluice: the variable SLUICE_LOG_FORMT is not a setting and is ignored; did "
                        + "you mean SLUICE_LOG_FORMAT?\n");
    }

    @Test
    void help_is_shown_even_when_the_file_is_broken() throws IOException {
        Console console = Console.run(Map.of("SLUICE_CONFIG", write("a: [").toString()), "run", "--help");
        assertThat(console.exitCode()).isZero();
        assertThat(console.out().replaceAll("\\s", "")).contains("--service-cidr", "Default:127.120.0.0/16");
    }

    @ParameterizedTest(name = "{0} open files: {1} connections")
    @CsvSource({"1024,256", "65536,32512", "1048576,524032", "512,16", "9223372036854775807,1000000"})
    void the_limit_of_connections_follows_the_limit_of_open_files(long descriptors, int connections) {
        assertThat(ConnectionFlags.affordableConnections(descriptors)).isEqualTo(connections);
    }

    @Command
    private static final class Services {
        @Mixin
        private ServiceFlags settings;
    }

    @ParameterizedTest(name = "--hostname-override [{0}], NODE_NAME [{1}]: {2}")
    @CsvSource({"Over, from-variable, over", "'', Node-1, node-1", "' ', ' node-1 ', node-1"})
    void the_nodes_name_is_the_override_then_the_variable(String override, String variable, String name) {
        Services command = new Services();
        new CommandLine(command).parseArgs("--hostname-override", override);

        assertThat(command.settings.nodeName(Map.of("NODE_NAME", variable))).isEqualTo(name);
    }

    @Test
    void else_the_nodes_name_is_the_hosts_in_lower_case() {
        Services command = new Services();
        new CommandLine(command).parseArgs();

        assertThat(command.settings.nodeName(Map.of())).isNotBlank().isLowerCase();
    }

    private Path write(String content) throws IOException {
        return Files.writeString(directory.resolve("config.yaml"), content);
    }

    private static String withoutOrigins(String printed) {
        return printed.replaceAll("(?m) {2}# .*$", "");
    }

    @ParameterizedTest(name = "{0} {1}: {2}")
    @CsvSource(delimiter = '|', value = {
            "--dns-listen     | localhost:53    | 'localhost:53' is not an address like 127.0.0.1",
            "--dns-listen     | :53             | ':53' is not an address like 127.0.0.1",
            "--dns-listen     | 0.0.0.0         | cannot listen at the wildcard address",
            "--dns-upstream   | dns.example.com | nor a file like /etc/resolv.conf",
            "--dns-upstream   | fe80::1%nowhere0 | 'fe80::1%nowhere0' is not an address like 127.0.0.1",
            "--dns-udp-size   | 511             | '511' is not a number from 512 to 65535",
            "--dns-upstream   | /no/such/file   | /no/such/file cannot be read",
            "--dns-ttl        | 2h              | '2h' is not a whole number of seconds up to 1h",
            "--dns-ttl        | 1500ms          | '1500ms' is not a whole number of seconds up to 1h",
            "--dns-pods       | maybe           | 'maybe' is none of off, insecure, verified",
            "--cluster-domain | local..         | 'local..' is not a domain like cluster.local"})
    void mistakes_in_settings_of_dns_are_named(String flag, String value, String message) {
        Console console = Console.run("run", "-f", "/nonexistent", flag, value);
        assertThat(console.exitCode()).isEqualTo(2);
        assertThat(console.err()).contains(message);
    }

    @Test
    void link_local_dns_addresses_have_a_zone() {
        assertThat(Console.run("run", "--print-config", "--dns-listen", "fe80::1%lo,[fe80::2%1]:5353").out())
                .contains("dnsListen: [\"[fe80::1%lo]:53\", \"[fe80::2%lo]:5353\"]");
    }

    @Test
    void dns_addresses_have_port_53_unless_they_say_otherwise() {
        assertThat(Console.run("run", "--print-config", "--dns-listen", "127.0.0.1,[::1]:5353", "--dns-upstream",
                "/etc/resolv.conf,192.0.2.1").out()).contains("dnsListen: [127.0.0.1:53, \"[::1]:5353\"]",
                        "dnsUpstream: [/etc/resolv.conf, 192.0.2.1]");
    }
}
