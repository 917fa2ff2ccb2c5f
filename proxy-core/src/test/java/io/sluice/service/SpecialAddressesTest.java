package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SpecialAddressesTest {

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource(textBlock = """
            0.0.0.0, unspecified
            0.1.2.3, unspecified
            127.0.0.1, loopback
            127.255.255.254, loopback
            169.254.169.254, link-local
            224.0.0.1, multicast
            239.255.255.255, multicast
            240.0.0.1, reserved
            255.255.255.255, broadcast
            ::, unspecified
            ::1, loopback
            ::ffff:127.0.0.1, loopback
            ::ffff:169.254.169.254, link-local
            ::127.0.0.1, IPv4-compatible
            fe80::1, link-local
            ff02::1, multicast
            10.96.0.1, ''
            ::ffff:10.96.0.1, ''
            192.168.1.255, ''
            fd00::1, ''
            2001:db8::1, ''
            """)
    void an_address_is_of_one_kind(String address, String kind) {
        assertThat(SpecialAddresses.kind(IpAddresses.parse(address)).orElse("")).isEqualTo(kind);
    }
}
