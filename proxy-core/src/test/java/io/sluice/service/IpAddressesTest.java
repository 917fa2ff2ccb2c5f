package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IpAddressesTest {

    @ParameterizedTest(name = "{0} is written {1}")
    @CsvSource({
            "1.2.3.4, 1.2.3.4",
            "0.0.0.0, 0.0.0.0",
            "255.255.255.255, 255.255.255.255",
            "::, ::",
            "::1, ::1",
            "0:0:0:0:0:0:0:1, ::1",
            "1::, 1::",
            "2001:DB8::1, 2001:db8::1",
            "2001:0db8:0000:0000:0000:0000:0002:0001, 2001:db8::2:1",
            "2001:db8:0:1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
            "2001:db8::1:1:1:1:1, 2001:db8:0:1:1:1:1:1",
            "2001:0:0:1:0:0:0:1, 2001:0:0:1::1",
            "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1",
            "1:0:0:2:3:4:0:0, 1::2:3:4:0:0",
            "0:0:1:0:0:0:0:0, 0:0:1::",
            "0:1:0:1:0:1:0:1, 0:1:0:1:0:1:0:1",
            "fe80::1, fe80::1",
            "64:ff9b::1.2.3.4, 64:ff9b::102:304",
            "::1.2.3.4, ::102:304",
            "::ffff:1.2.3.4, 1.2.3.4",
            "::FFFF:102:304, 1.2.3.4",
    })
    void an_address_has_one_text(String text, String canonical) {
        assertThat(IpAddresses.format(IpAddresses.parse(text))).isEqualTo(canonical);
    }

    @ParameterizedTest(name = "\"{0}\" is no address")
    @ValueSource(strings = {"", " ", "localhost", "kubia.default", "1.2.3", "127.1", "1", "2130706433", "1.2.3.4.5",
            "1.2.3.", "1..2.3", "1.2.3.4.", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "256.1.1.1", "1.2.3.-4", "+1.2.3.4",
            "010.0.0.1", "10.0.0.01", "1.2.3.00", "0x7f.0.0.1", "1.2.3.4:80", "1.2.3.4/32", "1.2.3.\u0664",
            "\uff11.2.3.4", ":", ":::", "1::2::3", "::g", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1/64",
            "[::1]", "[::1]:80", "fe80::1%eth0", "fe80::1%1", "::ffff:1.2.3", "::ffff:010.2.3.4", "::1.2.3.04",
            "::ffff:1.2.3.256", "::-1", "%", "1.2.3.4%lo"})
    void anything_else_is_refused_and_named(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> IpAddresses.parse(text))
                .withMessage("'%s' is not an IP address", text);
    }

    @ParameterizedTest
    @CsvSource({"010.0.0.1, 10.0.0.1", "10.0.0.00, 10.0.0.0", "000.000.000.000, 0.0.0.0", "1.2.3.4, 1.2.3.4",
            "10.10.100.200, 10.10.100.200", "::ffff:010.02.3.4, 10.2.3.4", "2001:0db8::0, 2001:db8::"})
    void a_stored_address_is_decimal_whatever_zeros_it_begins_with(String text, String address) {
        assertThat(IpAddresses.format(IpAddresses.parseStored(text))).isEqualTo(address);
    }

    @Test
    void what_is_written_is_read_as_the_same_address() throws UnknownHostException {
        for (long seed = 0; seed < 20_000; seed++) {
            InetAddress address = random(new SplittableRandom(seed));
            String text = IpAddresses.format(address);
            assertThat(IpAddresses.parse(text)).as("seed %d: %s", seed, text).isEqualTo(address);
            assertThat(text).as("seed %d", seed).matches("[0-9a-f.:]+").doesNotContain(":::")
                    .doesNotMatch(".*::.*::.*");
        }
    }

    /** With many zeros, so that there are runs of them. */
    static InetAddress random(SplittableRandom random) throws UnknownHostException {
        byte[] octets = new byte[random.nextBoolean() ? 4 : 16];
        random.nextBytes(octets);
        int zeros = random.nextInt(4);
        for (int i = 0; i < octets.length / 2; i++) {
            if (random.nextInt(4) < zeros) {
                octets[2 * i] = 0;
                octets[2 * i + 1] = 0;
            }
        }
        return InetAddress.getByAddress(octets);
    }

    @ParameterizedTest
    @CsvSource({"10.0.0.1, 80, 10.0.0.1:80", "::1, 65535, [::1]:65535", "::ffff:10.0.0.1, 80, 10.0.0.1:80"})
    void with_a_port_an_ipv6_address_is_in_brackets(String ip, int port, String expected) {
        assertThat(IpAddresses.format(IpAddresses.parse(ip), port)).isEqualTo(expected);
        assertThat(new EndpointAddress(IpAddresses.parse(ip), port)).hasToString(expected);
    }

    @Test
    void a_zone_is_not_written() throws UnknownHostException {
        byte[] octets = IpAddresses.parse("fe80::1").getAddress();
        assertThat(IpAddresses.format(Inet6Address.getByAddress(null, octets, 3))).isEqualTo("fe80::1");
    }

    @Test
    void ipv4_comes_before_ipv6_and_octets_are_unsigned() {
        String[] ordered = {"0.0.0.0", "1.2.3.4", "1.2.3.5", "10.0.0.9", "10.0.0.10", "127.255.255.255", "128.0.0.0",
                "255.0.0.0", "::", "::1", "7fff::", "8000::", "fd00::1"};
        InetAddress[] addresses = Stream.of(ordered).map(IpAddresses::parse).toArray(InetAddress[]::new);
        InetAddress[] sorted = addresses.clone();
        Arrays.sort(sorted, IpAddresses.ORDER.reversed());
        Arrays.sort(sorted, IpAddresses.ORDER);
        assertThat(sorted).containsExactly(addresses);
    }
}
