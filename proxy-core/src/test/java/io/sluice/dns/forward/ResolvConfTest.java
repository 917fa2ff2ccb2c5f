package io.sluice.dns.forward;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.IpAddresses;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What files like resolv.conf say. */
class ResolvConfTest {

    @ParameterizedTest
    @ValueSource(strings = {"ISO-8859-1", "UTF-8", "Shift_JIS", "GB18030"})
    void comments_may_be_in_any_encoding(String encoding) {
        assertThat(servers(Charset.forName(encoding), "# von Hand geändert, ルーター", "search example.com",
                "nameserver 192.0.2.1 # Büro", "; ß", "  nameserver\t2001:db8::1\r", "nameserver router", "nameserver",
                "options ndots:5")).containsExactly("192.0.2.1:53", "[2001:db8::1]:53");
    }

    @Test
    void link_local_servers_have_a_zone() throws SocketException {
        NetworkInterface loopback = NetworkInterface.getByName("lo");
        assertThat(
                servers(StandardCharsets.US_ASCII, "nameserver fe80::1%lo", "nameserver fe80::2%" + loopback.getIndex(),
                        "nameserver fe80::3", "nameserver fe80::4%nowhere0", "nameserver 192.0.2.1%lo",
                        "nameserver 2001:db8::1%lo"))
                .hasSize(3)
                .satisfies(found -> assertThat(found.getFirst()).isEqualTo("[fe80::1%lo]:53"))
                .satisfies(found -> assertThat(found.get(1)).startsWith("[fe80::2%"))
                .satisfies(found -> assertThat(found.getLast()).isEqualTo("[fe80::3]:53"));
    }

    @Test
    void a_file_may_name_nobody() {
        assertThat(servers(StandardCharsets.US_ASCII)).isEmpty();
        assertThat(servers(StandardCharsets.US_ASCII, "#nameserver 192.0.2.1")).isEmpty();
    }

    private static List<String> servers(Charset encoding, String... lines) {
        return ResolvConf.nameservers(String.join("\n", lines).getBytes(encoding)).stream()
                .map(server -> IpAddresses.formatZoned(server.getAddress(), server.getPort())).toList();
    }
}
