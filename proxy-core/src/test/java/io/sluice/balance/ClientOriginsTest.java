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
class ClientOriginsTest {

    private static final ClientOrigins SOURCES = new ClientOrigins(
            Set.of(IpAddresses.parse("192.168.0.5"), IpAddresses.parse("fd00::5")),
            List.of(Cidr.parse("10.244.0.0/16"), Cidr.parse("fd01::/48")),
            List.of(Cidr.parse("192.168.0.0/24"), Cidr.parse("fd00::/64"), Cidr.parse("10.244.0.0/24")));

    @ParameterizedTest(name = "{0}")
    @CsvSource({"any client at a cluster address is internal traffic, false, 8.8.8.8, 10.96.0.1, INTERNAL",
            "a pod at a cluster address is internal traffic, false, 10.244.1.2, 10.96.0.1, INTERNAL",
            "a client from outside is external traffic, true, 8.8.8.8, 192.168.0.5, EXTERNAL",
            "another node is external traffic, true, 192.168.0.6, 192.168.0.5, EXTERNAL",
            "a pod comes back in, true, 10.244.1.2, 192.168.0.5, SHORT_CIRCUIT",
            "the node's own address comes back in, true, 192.168.0.5, 203.0.113.1, SHORT_CIRCUIT",
            "loopback comes back in, true, 127.0.0.1, 127.0.0.1, SHORT_CIRCUIT",
            "the address that was called is the node itself, true, 203.0.113.1, 203.0.113.1, SHORT_CIRCUIT",
            "an IPv6 client from outside is external traffic, true, 2001:db8::1, fd00::5, EXTERNAL",
            "an IPv6 pod comes back in, true, fd01::1, fd00::5, SHORT_CIRCUIT",
            "the node's IPv6 address comes back in, true, fd00::5, 2001:db8::5, SHORT_CIRCUIT",
            "IPv6 loopback comes back in, true, ::1, fd00::5, SHORT_CIRCUIT"})
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

    @ParameterizedTest(name = "{0}")
    @CsvSource({"a pod on a cable of its own, 10.244.1.2, 10.244.1.3, 10.96.0.1, true",
            "a pod of IPv6, fd01:1::2, fd01:1::3, fd96::1, true",
            "a machine outside and a pod here, 192.0.2.7, 10.244.0.9, 203.0.113.7, true",
            "a pod that reaches itself, 10.244.1.2, 10.244.1.2, 10.96.0.1, false",
            "two pods on one bridge, 10.244.0.2, 10.244.0.3, 10.96.0.1, false",
            "two machines on one network of the node, 192.168.0.7, 192.168.0.8, 203.0.113.7, false",
            "a machine of the network and a process of the node, 192.168.0.7, 192.168.0.5, 203.0.113.7, true",
            "a process of the node, 192.168.0.5, 10.244.1.3, 10.96.0.1, false",
            "a process of the node at a local address, 10.96.0.1, 10.244.1.3, 10.96.0.1, false",
            "a process of the node at loopback, 127.0.0.1, 10.244.1.3, 127.0.0.1, false",
            "a process of the node as the endpoint, 10.244.1.2, 127.0.0.1, 10.96.0.1, false",
            "a link-local client, fe80::1, fd01:1::3, fd00::5, false",
            "a client of IPv6 and an endpoint of IPv4, fd01:1::2, 10.244.1.3, fd96::1, false"})
    void an_endpoint_may_see_a_client_if_its_answer_passes_this_node(String what, String client, String endpoint,
            String listener, boolean sees) {
        assertThat(SOURCES.canSee(IpAddresses.parse(endpoint), IpAddresses.parse(client), IpAddresses.parse(listener)))
                .as(what).isEqualTo(sees);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"a pod, 10.244.1.2, false", "the node, 192.168.0.5, false", "a machine outside, 192.0.2.7, true",
            "another node, 192.168.0.6, true"})
    void whoever_is_neither_a_pod_nor_this_node_is_outside(String what, String client, boolean outside) {
        assertThat(SOURCES.outside(IpAddresses.parse(client), IpAddresses.parse("10.96.0.1"))).as(what)
                .isEqualTo(outside);
        assertThat(ClientOrigins.NONE.outside(IpAddresses.parse(client), IpAddresses.parse("10.96.0.1"))).isFalse();
    }
}
