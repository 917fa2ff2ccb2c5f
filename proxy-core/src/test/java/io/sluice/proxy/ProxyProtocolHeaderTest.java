package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.IpAddresses;
import io.sluice.service.ProxyProtocol;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The headers as HAProxy's proxy-protocol.txt defines them, sections 2.1 and 2.2. */
class ProxyProtocolHeaderTest {

    private static final String SIGNATURE = "0d0a0d0a000d0a515549540a";

    private static InetSocketAddress at(String ip, int port) {
        return new InetSocketAddress(IpAddresses.parse(ip), port);
    }

    @ParameterizedTest
    @CsvSource({"192.168.0.1, 192.168.0.11, 56324, 443, PROXY TCP4 192.168.0.1 192.168.0.11 56324 443",
            "2001:db8::1, fd00::10, 65535, 1, PROXY TCP6 2001:db8::1 fd00::10 65535 1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff, ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe, 65535, 65535, "
                    + "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe "
                    + "65535 65535"})
    void version_1_is_a_line_of_text(String client, String listener, int clientPort, int port, String line) {
        byte[] header = ProxyProtocolHeader.of(ProxyProtocol.V1, at(client, clientPort), at(listener, port));
        assertThat(new String(header, StandardCharsets.US_ASCII)).isEqualTo(line + "\r\n");
        assertThat(header.length).isLessThanOrEqualTo(107);
    }

    @ParameterizedTest
    @CsvSource({"192.168.0.1, 192.168.0.11, 56324, 443, 2111000cc0a80001c0a8000bdc0401bb",
            "2001:db8::1, fd00::10, 65535, 1, "
                    + "2121002420010db8000000000000000000000001fd000000000000000000000000000010ffff0001"})
    void version_2_is_binary(String client, String listener, int clientPort, int port, String hex) {
        assertThat(HexFormat.of()
                .formatHex(ProxyProtocolHeader.of(ProxyProtocol.V2, at(client, clientPort), at(listener, port))))
                .isEqualTo(SIGNATURE + hex);
    }

    @Test
    void a_probe_says_that_it_speaks_for_nobody() {
        assertThat(ProxyProtocolHeader.ofNobody(ProxyProtocol.V1)).asString().isEqualTo("PROXY UNKNOWN\r\n");
        assertThat(HexFormat.of().formatHex(ProxyProtocolHeader.ofNobody(ProxyProtocol.V2)))
                .isEqualTo(SIGNATURE + "20000000");
    }

    @Test
    void without_the_annotation_there_is_no_header() {
        assertThat(ProxyProtocolHeader.of(ProxyProtocol.NONE, at("192.0.2.1", 1), at("192.0.2.2", 2))).isEmpty();
        assertThat(ProxyProtocolHeader.ofNobody(ProxyProtocol.NONE)).isEmpty();
    }
}
