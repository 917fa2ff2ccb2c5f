package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.node.AddressDemand.Use;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.reconcile.AddressClaims.Node;
import io.sluice.reconcile.AppliedState.Warning;
import io.sluice.service.Cidr;
import io.sluice.service.ClusterFacts;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointLoops;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.ServiceMap;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who gets which address; without a socket. */
class AddressClaimsTest {

    private static final Node NODE = new Node(
            Set.of(IpAddresses.parse("192.168.77.1"), IpAddresses.parse("fd00:77::1"), IpAddresses.parse("127.0.0.1")),
            List.of(IpAddresses.parse("192.168.77.1")),
            Map.of(new InetSocketAddress(IpAddresses.parse("0.0.0.0"), 10_256), "health checks",
                    new InetSocketAddress(IpAddresses.parse("127.0.0.1"), 10_249), "metrics"),
            List.of(Cidr.parse("10.244.0.0/16")), 0);
    private static final ClusterFacts CLUSTER = new ClusterFacts(false,
            Map.of(IpAddresses.parse("192.168.77.2"), "worker-2", IpAddresses.parse("fd00:77::2"), "worker-2",
                    IpAddresses.parse("192.168.77.1"), "a-node-that-says-so", IpAddresses.parse("10.96.0.99"), "liar"),
            Set.of(new InetSocketAddress(IpAddresses.parse("192.168.77.3"), 6443),
                    new InetSocketAddress("10.96.0.1", 443),
                    new InetSocketAddress(IpAddresses.parse("192.168.77.1"), 8443)),
            Set.of());

    private static AddressClaims decide(ClusterFacts facts, String... services) {
        return AddressClaims.of(snapshot(facts, services), NODE, (service, port) -> false);
    }

    private static ClusterSnapshot snapshot(ClusterFacts facts, String... services) {
        Map<ServiceName, ServiceState> states = new HashMap<>();
        Stream.of(services).map(Claimant::of).forEach(state -> states.put(state.service().name(), state));
        return new ClusterSnapshot(1, Instant.EPOCH, new NodeTopology("node", null), ServiceMap.of(states), List.of(),
                List.of(),
                facts);
    }

    /** {@code address=Service} of each claim. */
    private static Set<String> served(AddressClaims claims) {
        return claims.claims().entrySet().stream().map(e -> AddressClaims.display(e.getKey()) + "="
                + e.getValue().owner().service().name()).collect(Collectors.toSet());
    }

    private static List<String> reasons(AddressClaims claims) {
        return claims.refusals().stream().map(r -> r.claim().owner() + ": " + r.reason()).toList();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            an address of nobody's is served                    | 203.0.113.7     | 80    | ''
            the node's own is shared                            | 192.168.77.1    | 80    | ''
            the node's own over IPv6                            | fd00:77::1      | 80    | ''
            one of another node                                 | 192.168.77.2    | 80    | it is the address of node worker-2
            one of another node over IPv6                       | fd00:77::2      | 80    | it is the address of node worker-2
            the API server's                                    | 192.168.77.3    | 80    | the API server answers there
            a pod's                                             | 10.244.3.4      | 80    | it is in 10.244.0.0/16, the range of pods
            loopback                                            | 127.0.0.1       | 80    | it is loopback
            loopback in other letters                           | ::ffff:127.0.0.1 | 80   | it is loopback
            loopback over IPv6                                  | ::1             | 80    | it is loopback
            the metadata server                                 | 169.254.169.254 | 80    | it is link-local
            link-local                                          | fe80::1         | 80    | it is link-local
            multicast                                           | 224.0.0.1       | 80    | it is multicast
            everybody                                           | 255.255.255.255 | 80    | it is broadcast
            a range of nobody's                                 | 240.0.0.1       | 80    | it is reserved
            anything                                            | 0.0.0.0         | 80    | it is unspecified
            anything over IPv6                                  | ::              | 80    | it is unspecified
            another Service's cluster address                   | 10.96.0.10      | 8080  | it is the cluster address of kube-system/dns
            the API server's cluster address                    | 10.96.0.1       | 443   | it is the cluster address of default/kubernetes
            kubelet's health check of this node                 | 192.168.77.1    | 10248 | port 10248 of a node is kept for kubelet
            SSH of this node                                    | 192.168.77.1    | 22    | port 22 of a node is kept for SSH
            the same port of an address of nobody's             | 203.0.113.7     | 22    | ''
            a health check node port                            | 192.168.77.1    | 30099 | port 30099 is the health check node port of default/checked
            a port where a pod of this node's network listens   | 192.168.77.1    | 9100  | port 9100 of this node is an endpoint
            """)
    void nobody_outside_takes_what_is_somebody_elses(String what, String address, int port, String reason) {
        for (String kind : List.of("external", "lb")) {
            AddressClaims claims = decide(CLUSTER,
                    "tenant/greedy cluster 10.96.9.1 " + kind + " " + address + " port " + port,
                    "kube-system/dns cluster 10.96.0.10 port 53", "default/kubernetes cluster 10.96.0.1 port 443",
                    "default/checked cluster 10.96.0.11 healthcheck 30099 endpoint 192.168.77.1:9100");
            String here = AddressClaims.display(new InetSocketAddress(IpAddresses.parse(address), port));
            if (reason.isEmpty()) {
                assertThat(served(claims)).as(kind).contains(here + "=greedy");
                assertThat(reasons(claims)).as(kind).isEmpty();
            } else {
                assertThat(served(claims)).as(kind).doesNotContain(here + "=greedy").contains("10.96.9.1:" + port
                        + "=greedy");
                assertThat(reasons(claims)).as(kind).containsExactly("tenant/greedy: "
                        + IpAddresses.format(IpAddresses.parse(address)) + " is refused as an address from outside: "
                        + reason);
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            loopback, as the demo has it        | 127.0.0.5    | 80    | true
            kubelet's port                      | 192.168.77.1 | 10250 | true
            a pod's                             | 10.244.3.4   | 80    | true
            one of another node                 | 192.168.77.2 | 80    | false
            link-local                          | 169.254.1.1  | 80    | false
            where this daemon answers           | 127.0.0.1    | 10249 | false
            """)
    void who_writes_the_manifests_may_have_what_is_the_nodes_and_no_more(String what, String address, int port,
            boolean served) {
        AddressClaims claims =
                decide(new ClusterFacts(true, CLUSTER.nodes(), Set.of(), Set.of()),
                        "default/web cluster 127.120.0.1 external " + address + " port " + port);
        assertThat(claims.claims().containsKey(new InetSocketAddress(IpAddresses.parse(address), port)))
                .isEqualTo(served);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            the older Service                      | a/new 2024 cluster 10.96.0.1 external 203.0.113.7 | b/old 2023 cluster 10.96.0.2 external 203.0.113.7 | old
            of the same age the first by namespace | a/z 2024 cluster 10.96.0.1 external 203.0.113.7   | b/a 2024 cluster 10.96.0.2 external 203.0.113.7   | z
            then by name                           | a/y 2024 cluster 10.96.0.1 lb 203.0.113.7         | a/x 2024 cluster 10.96.0.2 lb 203.0.113.7         | x
            a controller's word before a tenant's  | a/vip 2024 cluster 10.96.0.1 lb 203.0.113.7       | b/old 2023 cluster 10.96.0.2 external 203.0.113.7 | vip
            a node port before everybody           | a/np 2024 cluster 10.96.0.1 nodeport 30080        | b/old 2023 cluster 10.96.0.2 external 192.168.77.1 port 30080 | np
            """)
    void of_two_that_claim_one_address_and_port(String what, String one, String other, String winner) {
        for (String[] order : new String[][] {{one, other}, {other, one}}) {
            AddressClaims claims = decide(CLUSTER, order);
            InetSocketAddress contended = claims.refusals().getFirst().address();
            assertThat(claims.claims().get(contended)).extracting(c -> c.owner().service().name()).isEqualTo(winner);
            assertThat(claims.refusals()).hasSize(1);
            assertThat(claims.refusals().getFirst().reason())
                    .startsWith(AddressClaims.display(contended) + " is claimed by ").contains(winner);
        }
    }

    @Test
    void of_three_the_oldest_has_it_and_two_are_refused() {
        AddressClaims claims = decide(CLUSTER, "a/a 2024 cluster 10.96.0.1 external 203.0.113.7",
                "b/b 2023 cluster 10.96.0.2 external 203.0.113.7", "c/c 2022 cluster 10.96.0.3 external 203.0.113.7");
        assertThat(served(claims)).contains("203.0.113.7:80=c");
        assertThat(claims.refusals()).extracting(r -> r.claim().owner().service().name()).containsExactly("a", "b");
    }

    @Test
    void a_service_of_which_nobody_has_written_when_it_was_made_comes_after_those_of_which_somebody_has() {
        ClusterFacts facts = new ClusterFacts(true, Map.of(), Set.of(),
                Set.of(new ServiceName("a", "a"), new ServiceName("a", "b")));
        assertThat(served(decide(facts, "a/a 2020 cluster 10.96.0.1 external 203.0.113.7",
                "a/b 2019 cluster 10.96.0.2 external 203.0.113.7"))).contains("203.0.113.7:80=a");
        assertThat(served(decide(facts, "a/a 2020 cluster 10.96.0.1 external 203.0.113.7",
                "c/c 2024 cluster 10.96.0.2 external 203.0.113.7"))).contains("203.0.113.7:80=c");
    }

    @Test
    void a_service_that_names_its_address_twice_has_it_once_and_nothing_is_refused() {
        AddressClaims claims = decide(CLUSTER,
                "a/a cluster 10.96.0.1 external 203.0.113.7 external 203.0.113.7 lb 203.0.113.7 external 10.96.0.1");
        assertThat(claims.refusals()).isEmpty();
        assertThat(claims.claims().values()).extracting(Claim::kind).extracting(Enum::name)
                .containsExactlyInAnyOrder("CLUSTER_IP", "LOAD_BALANCER");
        assertThat(claims.wanted()).containsExactlyInAnyOrderEntriesOf(
                Map.of(IpAddresses.parse("10.96.0.1"), Use.CLUSTER, IpAddresses.parse("203.0.113.7"),
                        Use.LOAD_BALANCER));
    }

    @Test
    void a_cluster_address_is_served_whatever_a_node_or_an_endpoint_says_of_it() {
        AddressClaims claims = decide(CLUSTER, "a/a cluster 10.96.0.99 port 443",
                "default/kubernetes cluster 10.96.0.1 port 443", "b/b cluster 10.96.0.2 endpoint 10.96.0.99:443");
        assertThat(claims.refusals()).isEmpty();
        assertThat(claims.wanted()).containsEntry(IpAddresses.parse("10.96.0.99"), Use.CLUSTER)
                .containsEntry(IpAddresses.parse("10.96.0.1"), Use.CLUSTER);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            kubelet        | 10250
            the API server | 8443
            """)
    void a_daemon_that_listens_at_all_addresses_of_a_node_finds_none_of_them_taken(String daemon, int port) {
        AddressClaims claims = decide(CLUSTER,
                "a/a cluster 10.96.0.3 external 192.168.77.1 lb 203.0.113.7 port " + port);
        assertThat(claims.claims()).isEmpty();
        assertThat(reasons(claims)).hasSize(3).allSatisfy(reason -> assertThat(reason)
                .endsWith(daemon + " has to be able to listen at this port of all addresses of this node"));
    }

    @Test
    void the_api_servers_own_service_may_have_its_port() {
        assertThat(served(decide(CLUSTER, "default/kubernetes cluster 10.96.0.1 port 8443")))
                .containsExactly("10.96.0.1:8443=kubernetes");
    }

    @Test
    void where_this_daemon_answers_no_service_does_not_even_at_a_cluster_address() {
        AddressClaims claims = decide(CLUSTER, "a/a cluster 10.96.0.1 port 10256");
        assertThat(reasons(claims)).containsExactly(
                "a/a: 10.96.0.1:10256 is refused: this daemon itself answers there (health checks)");
    }

    @Test
    void an_address_that_is_refused_is_not_wanted_and_one_that_only_lost_a_port_is() {
        AddressClaims claims = decide(CLUSTER, "a/a 2023 cluster 10.96.0.1 external 203.0.113.7",
                "b/b 2024 cluster 10.96.0.2 external 203.0.113.7 external 192.168.77.2");
        assertThat(claims.wanted().keySet()).containsExactlyInAnyOrder(IpAddresses.parse("10.96.0.1"),
                IpAddresses.parse("10.96.0.2"), IpAddresses.parse("203.0.113.7"));
    }

    @Test
    void what_the_node_refuses_is_claimed_by_nobody() {
        AddressClaims claims = decide(CLUSTER, "a/a cluster 10.96.0.1 external 203.0.113.7");
        claims.refuse(Map.of(IpAddresses.parse("203.0.113.7"), "it is a gateway"));
        assertThat(served(claims)).containsExactly("10.96.0.1:80=a");
        assertThat(reasons(claims)).containsExactly("a/a: it is a gateway");
        assertThat(claims.affects(new EndpointAddress(IpAddresses.parse("203.0.113.7"), 80))).isTrue();
    }

    @ParameterizedTest(name = "{0}: {2}")
    @CsvSource(delimiter = '|', textBlock = """
            an endpoint like any other          | 10.1.0.1:8080     | false
            a Service's address                 | 10.96.0.1:80      | true
            that at another port                | 10.96.0.1:81      | true
            an external address and its port    | 203.0.113.7:80    | true
            that at another port                | 203.0.113.7:81    | false
            a port of this node that is claimed | 192.168.77.1:80   | true
            """)
    void which_endpoints_matter(String what, String endpoint, boolean matters) {
        AddressClaims claims =
                decide(CLUSTER, "a/a cluster 10.96.0.1 external 203.0.113.7 external 192.168.77.1");
        String[] parts = endpoint.split(":", -1);
        assertThat(claims.affects(new EndpointAddress(IpAddresses.parse(parts[0]), Integer.parseInt(parts[1]))))
                .isEqualTo(matters);
    }

    @Test
    void an_endpoint_that_is_another_services_cluster_address_is_told_of_once_for_each_service() {
        ClusterSnapshot snapshot = snapshot(CLUSTER, "tenant/alias cluster 10.96.9.9 endpoint 10.96.6.1:80"
                + " endpoint 10.96.6.1:81 endpoint 10.96.7.1:80", "tenant/headless endpoint 10.96.6.1:80",
                "default/victim cluster 10.96.6.1 endpoint 10.1.0.1:80", "default/other cluster 10.96.7.1");
        AddressClaims claims = AddressClaims.of(snapshot, NODE, (service, port) -> false);
        assertThat(EndpointWarnings.of(snapshot, claims, EndpointLoops.NONE)).containsExactly(
                new Warning(new ServiceName("tenant", "alias"), "has among its endpoints 10.96.6.1, the cluster address"
                        + " of default/victim, 10.96.7.1, the cluster address of default/other; that address stays where"
                        + " it is"),
                new Warning(new ServiceName("tenant", "headless"), "has among its endpoints 10.96.6.1, the cluster"
                        + " address of default/victim; that address stays where it is"));
    }

    @Test
    void there_are_no_more_than_a_hundred_warnings() {
        ClusterSnapshot snapshot = snapshot(CLUSTER, Stream.concat(Stream.of("a/victim cluster 10.96.6.1"),
                Stream.iterate(1, i -> i + 1).limit(300).map(i -> "t/s" + i + " endpoint 10.96.6.1:80"))
                .toArray(String[]::new));
        assertThat(EndpointWarnings.of(snapshot, AddressClaims.of(snapshot, NODE, (service, port) -> false),
                EndpointLoops.NONE)).hasSize(100);
    }
}
