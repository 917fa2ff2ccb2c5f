package io.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AllowedHostsTest {

    private static final AllowedHosts HOSTS =
            new AllowedHosts(List.of("Node-A", "*.mon.example", "prom.example."), "--metrics-allowed-hosts");

    @ParameterizedTest(name = "{0}: Host: {1}")
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            an address                               | 127.0.0.1             | 200
            an address and our port                  | 10.0.0.7:10249        | 200
            a forwarded port                         | 127.0.0.1:8080        | 200
            an address with a dot at the end         | 127.0.0.1.            | 200
            IPv6                                     | [::1]                 | 200
            IPv6 and a port                          | [2001:db8::7]:10249   | 200
            IPv6 in upper case                       | [2001:DB8::7]         | 200
            IPv6 with a zone                         | [fe80::1%eth0]:10249  | 200
            IPv6 with a zone and its sign encoded    | [fe80::1%25eth0]      | 200
            an IPv4-mapped address                   | [::ffff:127.0.0.1]    | 200
            localhost                                | localhost             | 200
            localhost and a port                     | localhost:10249       | 200
            localhost in upper case                  | LOCALHOST             | 200
            localhost with a dot at the end          | localhost.:10249      | 200
            a name below localhost                   | sluice.localhost      | 200
            an allowed name                          | node-a:10249          | 200
            an allowed name in other case            | NODE-A                | 200
            an allowed name with a dot at the end    | prom.example.         | 200
            a name below an allowed one              | a.b.mon.example       | 200
            that one itself                          | mon.example           | 403
            a name that only ends like it            | evilmon.example       | 403
            an attacker's name                       | rebind.evil.example   | 403
            an attacker's name and our port          | evil.example:10249    | 403
            a name that begins like an allowed one   | node-a.evil.example   | 403
            a name that begins like localhost        | localhost.evil.example| 403
            a name that ends like localhost          | notlocalhost          | 403
            a name that begins like an address       | 127.0.0.1.evil.example| 403
            a name with an underscore                | a_b.example           | 403
            an internationalized name                | xn--bcher-kva.example | 403
            a short form of an address               | 127.1                 | 400
            an address as one number                 | 2130706433            | 400
            an address in hexadecimal                | 0x7f.0.0.1            | 400
            an address with leading zeros            | 127.0.0.01            | 400
            IPv6 without brackets                    | ::1                   | 400
            an open bracket                          | [::1                  | 400
            IPv4 in brackets                         | [127.0.0.1]           | 400
            a name in brackets                       | [localhost]           | 400
            text after the brackets                  | [::1]evil.example     | 400
            an empty zone                            | [fe80::1%]            | 400
            a port that is no number                 | localhost:http        | 400
            a port that is too large                 | localhost:65536       | 400
            two ports                                | localhost:1:2         | 400
            an empty name                            | ""                    | 400
            only a port                              | :10249                | 400
            only a dot                               | .                     | 400
            two dots                                 | a..example            | 400
            a user before the name                   | localhost@evil.example| 400
            two names                                | localhost,evil.example| 400
            two names with a blank                   | localhost evil.example| 400
            a path                                   | localhost/            | 400
            a name that is not ASCII                 | bücher.example        | 400
            a wide dot                               | localhost。evil        | 400
            a dotless i                              | LOCALHOSTı            | 400
            """)
    void a_host_is_an_address_or_an_allowed_name(String what, String host, int status) {
        assertThat(status(List.of(host), Optional.empty(), true)).isEqualTo(status);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            HTTP/1.1 without Host                         |                     |                     | true  | 400
            HTTP/1.0 without Host, which no browser sends |                     |                     | false | 200
            HTTP/1.0 with an attacker's                   | evil.example        |                     | false | 403
            two, both allowed                             | localhost;localhost |                     | true  | 400
            two, one of an attacker                       | localhost;evil.exa  |                     | true  | 400
            a whole URL and the same Host                 | localhost           | localhost:10249     | true  | 200
            a whole URL of an attacker                    | localhost           | evil.example        | true  | 403
            a whole URL and an attacker's Host            | evil.example        | localhost           | true  | 403
            a whole URL with a user                       | localhost           | u@localhost         | true  | 400
            """)
    void every_name_of_a_request_counts(String what, String hosts, String absolute, boolean required, int status) {
        assertThat(
                status(hosts == null ? List.of() : List.of(hosts.split(";")), Optional.ofNullable(absolute), required))
                .isEqualTo(status);
    }

    @Test
    void who_is_refused_is_told_what_to_do() {
        assertThat(HOSTS.refusal(List.of("Evil.Example:80"), Optional.empty(), true).orElseThrow().message()).isEqualTo(
                "the name evil.example is not allowed here: ask by IP address, by localhost, *.localhost, node-a, "
                        + "*.mon.example, prom.example, or allow the name with --metrics-allowed-hosts");
    }

    @Test
    void a_star_allows_everything() {
        AllowedHosts any = new AllowedHosts(List.of("*"), "--metrics-allowed-hosts");
        assertThat(any.refusal(List.of("evil.example"), Optional.empty(), true)).isEmpty();
        assertThat(any.refusal(List.of(), Optional.empty(), true)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            node-1:10249    | no port
            a b             | is not a host name
            *a.example      | is not a host name
            a.*.example     | is not a host name
            *.              | is not a host name
            http://a        | is not a host name
            10.0.0.1        | allowed anyway
            fd00::1         | allowed anyway
            127.1           | is not a host name
            """)
    void an_entry_that_can_match_nothing_is_refused(String entry, String complaint) {
        assertThatThrownBy(() -> AllowedHosts.checked(entry)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'" + entry + "'").hasMessageContaining(complaint);
    }

    private static int status(List<String> hosts, Optional<String> absolute, boolean required) {
        return HOSTS.refusal(hosts, absolute, required).map(AllowedHosts.Refusal::status).orElse(200);
    }
}
