package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodePortAddressesTest {

    private static final String NODE =
            "127.0.0.1 ::1 192.168.1.7 fe80::1 169.254.3.4 fd00::7 10.0.0.2 10.0.0.1 fd00::8";

    private static List<String> words(String text) {
        return text.isEmpty() ? List.of() : List.of(text.split(" ", -1));
    }

    private static String choose(String setting, String node, String outward) {
        List<InetAddress> local = words(node).stream().map(IpAddresses::parse).toList();
        return NodePortAddresses.parse(words(setting))
                .choose(local, words(outward).stream().map(IpAddresses::parse).toList()).stream()
                .map(IpAddresses::format)
                .collect(Collectors.joining(" "));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            nothing: all addresses but link-local ones   | ''                       | 10.0.0.1 10.0.0.2 127.0.0.1 192.168.1.7 ::1 fd00::7 fd00::8
            loopback of both families                    | 127.0.0.0/8 ::1/128      | 127.0.0.1 ::1
            a range                                      | 10.0.0.0/8               | 10.0.0.1 10.0.0.2
            a range and an address                       | 10.0.0.0/8 fd00::8       | 10.0.0.1 10.0.0.2 fd00::8
            ranges that overlap name an address once     | 10.0.0.0/8 10.0.0.1/32   | 10.0.0.1 10.0.0.2
            everything of one family                     | 0.0.0.0/0                | 10.0.0.1 10.0.0.2 127.0.0.1 192.168.1.7
            everything, said so                          | 0.0.0.0/0 ::/0           | 10.0.0.1 10.0.0.2 127.0.0.1 192.168.1.7 ::1 fd00::7 fd00::8
            a link-local address is not served           | fe80::/10 169.254.0.0/16 | ''
            a range that the node is not in              | 172.16.0.0/12            | ''
            primary: the first global one of each family | primary                  | 192.168.1.7 fd00::7
            """)
    void chosen_by(String rule, String setting, String chosen) {
        assertThat(choose(setting, NODE, "")).isEqualTo(chosen);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            what the default route says counts, not the order | 10.0.0.1 fd00::8 | 10.0.0.1 fd00::8
            a family without a way out has its first one      | 10.0.0.1         | 10.0.0.1 fd00::7
            an address that is routed, not the node's own     | 192.0.2.1        | 192.168.1.7 fd00::7
            """)
    void primary_is(String rule, String outward, String chosen) {
        assertThat(choose("primary", NODE, outward)).isEqualTo(chosen);
    }

    @Test
    void a_node_with_loopback_only_has_no_primary_address() {
        assertThat(choose("primary", "127.0.0.1 ::1 fe80::1", "127.0.0.1")).isEmpty();
    }

    @Test
    void an_address_at_two_interfaces_is_served_once() {
        assertThat(choose("", "10.0.0.1 10.0.0.1", "")).isEqualTo("10.0.0.1");
    }

    @Test
    void primary_stands_alone() {
        Stream.of("primary 10.0.0.0/8", "10.0.0.0/8 primary", "primary primary").forEach(
                setting -> assertThatIllegalArgumentException()
                        .isThrownBy(() -> NodePortAddresses.parse(words(setting)))
                        .withMessage("'primary' stands alone; it cannot be mixed with ranges"));
    }

    @Test
    void a_word_that_is_neither_is_named() {
        assertThatIllegalArgumentException().isThrownBy(() -> NodePortAddresses.parse(List.of("10.0.0.0/8", "eth0")))
                .withMessageContaining("'eth0'");
    }

    @Test
    void the_machines_own_loopback_address_is_found() {
        assertThat(NodePortAddresses.parse(List.of("127.0.0.1")).resolve())
                .containsExactly(IpAddresses.parse("127.0.0.1"));
    }
}
