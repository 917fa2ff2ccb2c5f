package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CidrTest {

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({
            "10.96.0.0/12, 10.96.0.0/12, 1048576",
            "10.96.1.2/12, 10.96.0.0/12, 1048576",
            "10.0.0.255/31, 10.0.0.254/31, 2",
            "10.0.0.1, 10.0.0.1/32, 1",
            "10.0.0.1/32, 10.0.0.1/32, 1",
            "255.255.255.255/0, 0.0.0.0/0, 4294967296",
            "255.255.255.255/1, 128.0.0.0/1, 2147483648",
            "::/0, ::/0, 340282366920938463463374607431768211456",
            "fd00::1, fd00::1/128, 1",
            "fd00:1:2:3::4/64, fd00:1:2:3::/64, 18446744073709551616",
            "ffff:ffff::/17, ffff:8000::/17, 2596148429267413814265248164610048",
    })
    void a_range_begins_at_its_network_address(String text, String canonical, BigInteger size) {
        assertThat(Cidr.parse(text)).hasToString(canonical).isEqualTo(Cidr.parse(canonical));
        assertThat(Cidr.parse(text).size()).isEqualTo(size);
    }

    @ParameterizedTest(name = "\"{0}\" is no range")
    @ValueSource(strings = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
            "10.0.0.0/-0", "10.0.0.0/8 ", "10.0.0.0 /8", "10.0.0.0/8/8", "10.0.0.0/x", "10.0.0.0/99999999999", "10/8",
            "10.0.0.0/\u0668", "010.0.0.0/8", "::/129", "::/-1", "fe80::1%eth0/64", "::ffff:10.0.0.0/104", "eth0"})
    void anything_else_is_refused_and_named(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Cidr.parse(text))
                .withMessage("'%s' is not an address range like 10.96.0.0/12", text);
    }

    @ParameterizedTest(name = "{1} in {0}: {2}")
    @CsvSource({
            "10.0.0.0/8, 10.255.255.255, true",
            "10.0.0.0/8, 11.0.0.0, false",
            "10.0.0.0/8, 9.255.255.255, false",
            "10.96.0.0/12, 10.111.255.255, true",
            "10.96.0.0/12, 10.112.0.0, false",
            "192.168.0.128/25, 192.168.0.127, false",
            "192.168.0.128/25, 192.168.0.128, true",
            "10.0.0.1/32, 10.0.0.1, true",
            "10.0.0.1/32, 10.0.0.0, false",
            "0.0.0.0/0, 255.255.255.255, true",
            "0.0.0.0/0, ::1, false",
            "::/0, 1.2.3.4, false",
            "::/0, fd00::1, true",
            "fd00::/8, fdff::, true",
            "fd00::/8, fc00::, false",
            "0.0.0.0/0, ::ffff:1.2.3.4, true",
    })
    void a_range_contains_its_addresses(String range, String address, boolean expected) {
        assertThat(Cidr.parse(range).contains(IpAddresses.parse(address))).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0} + {1} = {2}")
    @CsvSource({
            "10.0.0.0/8, 0, 10.0.0.0",
            "10.0.0.0/8, 256, 10.0.1.0",
            "10.0.0.0/8, 16777215, 10.255.255.255",
            "128.0.0.0/1, 2147483647, 255.255.255.255",
            "0.0.0.0/0, 1, 0.0.0.1",
            "fd00::/64, 18446744073709551615, fd00::ffff:ffff:ffff:ffff",
            "ffff::/16, 1, ffff::1",
    })
    void the_address_at_an_offset(String range, BigInteger offset, String address) {
        assertThat(Cidr.parse(range).address(offset)).isEqualTo(IpAddresses.parse(address));
    }

    @ParameterizedTest
    @CsvSource({"10.0.0.0/24, 256", "10.0.0.0/24, -1", "10.0.0.1/32, 1"})
    void an_offset_outside_is_refused(String range, BigInteger offset) {
        assertThatIllegalArgumentException().isThrownBy(() -> Cidr.parse(range).address(offset))
                .withMessage("offset %s is outside %s", offset, range);
    }

    @Test
    void every_address_of_a_range_is_inside_and_its_neighbours_are_not() throws UnknownHostException {
        for (long seed = 0; seed < 20_000; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            InetAddress address = IpAddressesTest.random(random);
            int bits = address.getAddress().length * 8;
            Cidr range = new Cidr(address, random.nextInt(bits + 1));
            String what = "seed " + seed + ": " + range;
            BigInteger value = new BigInteger(1, address.getAddress());
            BigInteger first = new BigInteger(1, range.network().getAddress());
            BigInteger last = first.add(range.size()).subtract(BigInteger.ONE);

            assertThat(range.contains(address)).as(what).isTrue();
            assertThat(first.mod(range.size())).as(what).isZero();
            assertThat(range.address(value.subtract(first))).as(what).isEqualTo(address);
            assertThat(new Cidr(address, bits).contains(address)).as(what).isTrue();
            assertThat(Cidr.parse(range.toString())).as(what).isEqualTo(range);
            assertThat(range.family()).as(what).isEqualTo(IpFamily.of(address));

            InetAddress other = flipped(address, random.nextInt(bits));
            BigInteger otherValue = new BigInteger(1, other.getAddress());
            boolean inside = otherValue.compareTo(first) >= 0 && otherValue.compareTo(last) <= 0;
            assertThat(range.contains(other)).as(what + " and " + other).isEqualTo(inside && family(other, range));
        }
    }

    private static boolean family(InetAddress address, Cidr range) {
        return IpFamily.of(address) == range.family();
    }

    private static InetAddress flipped(InetAddress address, int bit) throws UnknownHostException {
        byte[] octets = address.getAddress();
        octets[bit / 8] ^= (byte) (0x80 >> bit % 8);
        return InetAddress.getByAddress(octets);
    }
}
