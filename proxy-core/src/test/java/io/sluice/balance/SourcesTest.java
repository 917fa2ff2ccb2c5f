package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Node 192.168.0.5 and fd00::5, pods in 10.244.0.0/16 and fd01::/48. */
class SourcesTest {

    private static final Sources SOURCES = new Sources(
            Set.of(IpAddresses.parse("192.168.0.5"), IpAddresses.parse("fd00::5")),
            List.of(Cidr.parse("10.244.0.0/16"), Cidr.parse("fd01::/48")));

    @ParameterizedTest(name = "{0}")
    @CsvSource({"any client at a cluster address is internal traffic, false, 8.8.8.8, 10.96.0.1, INTERNAL",
            "a pod at a cluster address is internal traffic, false, 10.244.1.2, 10.96.0.1, INTERNAL",
            "a client from outside is external traffic, true, 8.8.8.8, 192.168.0.5, EXTERNAL",
            "another node is external traffic, true, 192.168.0.6, 192.168.0.5, EXTERNAL",
            "a pod comes back in, true, 10.244.1.2, 192.168.0.5, LOOPED",
            "the node's own address comes back in, true, 192.168.0.5, 203.0.113.1, LOOPED",
            "loopback comes back in, true, 127.0.0.1, 127.0.0.1, LOOPED",
            "the address that was called is the node itself, true, 203.0.113.1, 203.0.113.1, LOOPED",
            "an IPv6 client from outside is external traffic, true, 2001:db8::1, fd00::5, EXTERNAL",
            "an IPv6 pod comes back in, true, fd01::1, fd00::5, LOOPED",
            "the node's IPv6 address comes back in, true, fd00::5, 2001:db8::5, LOOPED",
            "IPv6 loopback comes back in, true, ::1, fd00::5, LOOPED"})
    void what_a_connection_counts_as(String rule, boolean externalAddress, String client, String listener,
            Traffic expected) {
        assertThat(SOURCES.traffic(externalAddress, IpAddresses.parse(client), IpAddresses.parse(listener)))
                .isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"without ranges everybody may, '', 8.8.8.8, 203.0.113.1, true",
            "inside a range, 8.8.8.0/24, 8.8.8.8, 203.0.113.1, true",
            "inside the second range, 9.0.0.0/8 8.8.8.8/32, 8.8.8.8, 203.0.113.1, true",
            "outside every range, 9.0.0.0/8 8.8.4.0/24, 8.8.8.8, 203.0.113.1, false",
            "a pod has no privilege, 8.8.8.0/24, 10.244.1.2, 203.0.113.1, false",
            "the node has no privilege, 8.8.8.0/24, 192.168.0.5, 203.0.113.1, false",
            "the node by the address that it calls, 192.168.0.0/24, 203.0.113.1, 203.0.113.1, true",
            "but only if the node is inside a range, 8.8.8.0/24, 203.0.113.1, 203.0.113.1, false",
            "the ranges of the other family do not count, 8.8.8.0/24, 2001:db8::1, 2001:db8::5, true",
            "IPv6 inside, 2001:db8::/32, 2001:db8::1, 2001:db8::5, true",
            "IPv6 outside, 2001:db8::/64, 2001:db9::1, 2001:db8::5, false"})
    void who_may_use_a_load_balancer_address(String rule, String ranges, String client, String listener,
            boolean expected) {
        List<Cidr> cidrs = Stream.of(ranges.split(" ")).filter(r -> !r.isEmpty()).map(Cidr::parse).toList();
        assertThat(SOURCES.allows(cidrs, IpAddresses.parse(client), IpAddresses.parse(listener))).isEqualTo(expected);
    }
}
