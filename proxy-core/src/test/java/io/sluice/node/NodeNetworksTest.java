package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.node.AddressDemand.Use;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeNetworksTest {

    private static final NodeNetworks NODE = new NodeNetworks(
            Set.of(IpAddresses.parse("192.0.2.7"), IpAddresses.parse("fd00::7"), IpAddresses.parse("127.0.0.1"),
                    IpAddresses.parse("10.99.0.1")),
            List.of(Cidr.parse("192.0.2.0/24"), Cidr.parse("fd00::/64")),
            List.of(Cidr.parse("192.0.2.0/24"), Cidr.parse("10.0.0.0/8"), Cidr.parse("10.244.1.0/24"),
                    Cidr.parse("10.245.0.9/32"), Cidr.parse("fd00::/64"), Cidr.parse("fd00:244::/64")),
            Set.of(IpAddresses.parse("192.0.2.1"), IpAddresses.parse("10.97.0.1")));
    private static final Set<InetAddress> ENDPOINTS =
            Set.of(IpAddresses.parse("10.246.0.5"), IpAddresses.parse("fd00:246::5"));

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            an address nobody has                    | 10.96.0.10      | ''
            the same for IPv6                        | fd00:10:96::10  | ''
            one of the node's network, nobody's      | 192.0.2.77      | ''
            the gateway                              | 192.0.2.1       | is a gateway of this node
            an address with a route of its own       | 10.245.0.9      | has a route of its own on this node (ip route show 10.245.0.9/32), a pod or a neighbour perhaps
            everything's address                     | 0.0.0.0         | is an address that no Service can have
            multicast                                | 224.0.0.1       | is an address that no Service can have
            link-local                               | 169.254.169.254 | is an address that no Service can have
            broadcast                                | 255.255.255.255 | is an address that no Service can have
            the broadcast address of a network       | 192.0.2.255     | stands for all of 192.0.2.0/24, a network of this node
            the address of a network itself          | 192.0.2.0       | stands for all of 192.0.2.0/24, a network of this node
            the routers' address of an IPv6 network  | fd00::          | stands for all of fd00::/64, a network of this node
            the last address of an IPv6 network      | fd00::ffff:ffff:ffff:ffff | ''
            """)
    void what_the_kernel_knows_comes_before_any_service(String what, String address, String objection) {
        for (Use use : Use.values()) {
            assertThat(NODE.objection(IpAddresses.parse(address), use, false).orElse("")).as("%s", use)
                    .isEqualTo(objection);
        }
    }

    @ParameterizedTest(name = "{0}: {2} of a Service, endpoint {3}: refused {4}")
    @CsvSource(delimiter = '|', textBlock = """
            a cluster address stays, whatever endpoints say             | 10.246.0.5   | CLUSTER       | true  | false
            an external address gives way to a machine                  | 10.246.0.5   | EXTERNAL      | true  | true
            and has it where there is none                              | 10.246.0.5   | EXTERNAL      | false | false
            even if only the default route leads there                  | 203.0.113.5  | EXTERNAL      | true  | true
            that of a load balancer gives way in the node's own network | 192.0.2.77   | LOAD_BALANCER | true  | true
            and where a route leads                                     | 10.246.0.5   | LOAD_BALANCER | true  | true
            and stays where nothing but somebody's word says so         | 203.0.113.5  | LOAD_BALANCER | true  | false
            the same for IPv6                                           | fd00:113::5  | LOAD_BALANCER | true  | false
            and in a network of pods                                    | fd00:244::5  | LOAD_BALANCER | true  | true
            """)
    void who_can_be_believed_more_has_the_address(String what, String address, Use use, boolean endpoint,
            boolean refused) {
        assertThat(NODE.objection(IpAddresses.parse(address), use, endpoint).isPresent()).isEqualTo(refused);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            a range nobody needs                     | 10.96.0.0/16     | ''
            the same for IPv6                        | fd00:10:96::/112 | ''
            inside a route to far away               | 10.100.0.0/16    | ''
            around a single address of the node      | 10.99.0.0/16     | ''
            a network of the node                    | 192.0.2.0/24     | overlaps with 192.0.2.0/24, a network of this node
            a part of it                             | 192.0.2.128/25   | overlaps with 192.0.2.0/24, a network of this node
            around it                                | 192.0.0.0/16     | overlaps with 192.0.2.0/24, a network of this node
            a part of the IPv6 network               | fd00::1:0/112    | overlaps with fd00::/64, a network of this node
            around the pods                          | 10.244.0.0/16    | would hide the route to 10.244.1.0/24
            exactly a route                          | fd00:244::/64    | would hide the route to fd00:244::/64
            around a gateway                         | 10.97.0.0/16     | contains 10.97.0.1, a gateway of this node
            around an endpoint                       | 10.246.0.0/16    | contains 10.246.0.5, an endpoint of a Service
            everything                               | 0.0.0.0/0        | is everything
            """)
    void a_range_that_covers_what_others_use_is_objected_to(String what, String range, String objection) {
        assertThat(NODE.objection(Cidr.parse(range), ENDPOINTS).orElse("")).isEqualTo(objection);
    }

    @ParameterizedTest(name = "{0} is local: {1}")
    @CsvSource({"192.0.2.7, true", "fd00::7, true", "127.3.4.5, true", "::1, true", "192.0.2.8, false"})
    void its_own_addresses_and_loopback_are_local(String address, boolean local) {
        assertThat(NODE.isLocal(IpAddresses.parse(address))).isEqualTo(local);
    }
}
