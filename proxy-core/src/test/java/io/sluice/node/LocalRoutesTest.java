package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.Errno;
import io.sluice.node.AddressDemand.Use;
import io.sluice.node.ServiceAddresses.Provided;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import java.io.IOException;
import java.net.InetAddress;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LocalRoutesTest {

    private static final Provided ALL = new Provided(Map.of(), Map.of());

    private final Table table = new Table();

    /** A routing table in memory. */
    private static final class Table implements RoutingTable {
        final Set<String> routes = new TreeSet<>();
        final Map<String, Integer> refuses = new HashMap<>();
        int orders;
        String gateway = "192.0.2.1";
        boolean silent;

        @Override
        public Set<Cidr> ours() throws IOException {
            answer();
            return routes.stream().map(Cidr::parse).collect(Collectors.toSet());
        }

        private void answer() throws IOException {
            if (silent) {
                throw new IOException("No buffer space available");
            }
        }

        @Override
        public NodeNetworks networks() throws IOException {
            answer();
            return new NodeNetworks(Set.of(IpAddresses.parse("192.0.2.7")), List.of(Cidr.parse("192.0.2.0/24")),
                    List.of(), Set.of(IpAddresses.parse(gateway)));
        }

        @Override
        public Map<Cidr, Integer> add(Collection<Cidr> destinations) {
            orders++;
            Map<Cidr, Integer> errors = new HashMap<>();
            destinations.forEach(d -> {
                Integer error = refuses.get(d.toString());
                if (error != null) {
                    errors.put(d, error);
                } else {
                    routes.add(d.toString());
                }
            });
            return errors;
        }

        @Override
        public Map<Cidr, Integer> remove(Collection<Cidr> destinations) throws IOException {
            answer();
            orders++;
            destinations.forEach(d -> routes.remove(d.toString()));
            return Map.of();
        }
    }

    private LocalRoutes routes(String... ranges) throws IOException {
        return new LocalRoutes(table, Stream.of(ranges).map(Cidr::parse).toList(), true);
    }

    /** Cluster addresses, and no endpoints. */
    private static AddressDemand cluster(String... addresses) {
        return demand(false, Map.of(), Use.CLUSTER, addresses);
    }

    private static AddressDemand demand(boolean ownManifests, Map<String, String> endpoints, Use use,
            String... addresses) {
        Map<InetAddress, ServiceName> named = new HashMap<>();
        endpoints.forEach((ip, service) -> named.put(IpAddresses.parse(ip), new ServiceName("tenant", service)));
        return new AddressDemand(
                Stream.of(addresses).map(IpAddresses::parse).collect(Collectors.toMap(ip -> ip, ip -> use)), named,
                ownManifests);
    }

    @Test
    void an_endpoint_takes_neither_a_cluster_address_nor_the_range_away() throws IOException {
        LocalRoutes routes = routes("10.96.0.0/16");
        for (boolean ownManifests : new boolean[] {true, false}) {
            assertThat(routes.provide(demand(ownManifests, Map.of("10.96.6.1", "alias", "10.100.0.1", "alias"),
                    Use.CLUSTER, "10.96.6.1", "10.96.9.9", "10.100.0.1"))).isEqualTo(ALL);
            routes.release();
            assertThat(table.routes).containsExactly("10.100.0.1/32", "10.96.0.0/16");
        }
    }

    @Test
    void an_endpoint_at_an_address_of_the_range_that_no_service_has_counts_in_manifests_of_our_own_alone()
            throws IOException {
        LocalRoutes routes = routes("10.96.0.0/16");
        Map<String, String> endpoint = Map.of("10.96.200.200", "odd");
        routes.provide(demand(false, endpoint, Use.CLUSTER, "10.96.6.1"));
        assertThat(table.routes).containsExactly("10.96.0.0/16");

        routes.provide(demand(true, endpoint, Use.CLUSTER, "10.96.6.1"));
        routes.release();
        assertThat(table.routes).containsExactly("10.96.6.1/32");
    }

    @Test
    void an_external_address_that_becomes_an_endpoint_is_given_back_and_the_reason_names_who_has_it()
            throws IOException {
        LocalRoutes routes = routes();
        assertThat(routes.provide(demand(false, Map.of(), Use.EXTERNAL, "203.0.113.5"))).isEqualTo(ALL);
        assertThat(routes.provide(demand(false, Map.of("203.0.113.5", "db"), Use.EXTERNAL, "203.0.113.5")).refused())
                .containsExactly(Map.entry(IpAddresses.parse("203.0.113.5"),
                        "203.0.113.5 is not made an address of this node: it is the address of an endpoint, which could"
                                + " not be reached any more; tenant/db has it among its endpoints"));
        routes.release();
        assertThat(table.routes).isEmpty();
    }

    @Test
    void what_the_node_needs_is_looked_at_again_as_long_as_a_single_address_depends_on_it() throws IOException {
        LocalRoutes routes = routes("10.96.0.0/16");
        routes.provide(cluster("10.96.0.10"));
        table.gateway = "10.100.0.1";
        assertThat(routes.repair()).as("nothing outside of the range").isFalse();
        routes.provide(cluster("10.100.0.2"));
        assertThat(routes.repair()).as("all as it was").isFalse();
        table.gateway = "10.100.0.2";
        assertThat(routes.repair()).isTrue();
        assertThat(routes.provide(cluster("10.100.0.2")).refused()).hasSize(1);
    }

    @Test
    void what_another_daemon_added_or_removed_meanwhile_is_known_after_adopting() throws IOException {
        table.routes.add("10.96.0.1/32");
        LocalRoutes routes = routes();
        table.routes.remove("10.96.0.1/32");
        table.routes.add("10.96.0.2/32");
        routes.adopt();
        assertThat(routes.provide(cluster("10.96.0.1"))).isEqualTo(ALL);
        routes.release();
        assertThat(table.routes).containsExactly("10.96.0.1/32");
    }

    @Test
    void a_range_is_one_route_and_an_address_outside_of_it_another() throws IOException {
        LocalRoutes routes = routes("10.96.0.0/16", "fd00:10:96::/112");
        assertThat(routes.provide(cluster("10.96.0.10", "fd00:10:96::1", "10.100.0.1"))).isEqualTo(ALL);
        assertThat(table.routes).containsExactly("10.100.0.1/32", "10.96.0.0/16", "fd00:10:96::/112");
    }

    @Test
    void without_ranges_each_address_has_a_route() throws IOException {
        LocalRoutes routes = routes();
        routes.provide(cluster("10.96.0.10", "fd00:10:96::1"));
        assertThat(table.routes).containsExactly("10.96.0.10/32", "fd00:10:96::1/128");
        assertThat(table.orders).as("batches").isEqualTo(1);
    }

    @Test
    void loopback_and_the_nodes_own_address_need_none() throws IOException {
        LocalRoutes routes = routes("127.120.0.0/16");
        assertThat(routes.provide(cluster("127.120.3.4", "192.0.2.7", "::1"))).isEqualTo(ALL);
        assertThat(table.routes).isEmpty();
    }

    @Test
    void a_range_that_would_swallow_a_network_of_the_node_gives_way_to_single_addresses() throws IOException {
        LocalRoutes routes = routes("192.0.0.0/16");
        routes.provide(cluster("192.0.2.77", "192.0.9.1"));
        assertThat(table.routes).containsExactly("192.0.2.77/32", "192.0.9.1/32");
    }

    @Test
    void the_gateway_is_not_taken_over_and_the_reason_is_told() throws IOException {
        LocalRoutes routes = routes();
        assertThat(routes.provide(cluster("192.0.2.1", "10.96.0.10")).refused())
                .containsExactly(Map.entry(IpAddresses.parse("192.0.2.1"),
                        "192.0.2.1 is not made an address of this node: it is a gateway of this node"));
        assertThat(table.routes).containsExactly("10.96.0.10/32");
    }

    @Test
    void what_is_not_wanted_any_more_goes_at_release_and_not_before() throws IOException {
        LocalRoutes routes = routes();
        routes.provide(cluster("10.96.0.10", "10.96.0.11"));
        routes.release();
        routes.provide(cluster("10.96.0.11", "10.96.0.12"));
        assertThat(table.routes).hasSize(3);
        routes.release();
        assertThat(table.routes).containsExactly("10.96.0.11/32", "10.96.0.12/32");
    }

    @Test
    void what_a_crash_left_is_used_or_removed() throws IOException {
        table.routes.addAll(List.of("10.96.0.10/32", "10.96.0.99/32"));
        LocalRoutes routes = routes();
        routes.provide(cluster("10.96.0.10"));
        assertThat(table.orders).as("nothing had to be added").isZero();
        routes.release();
        assertThat(table.routes).containsExactly("10.96.0.10/32");
    }

    @Test
    void what_somebody_removed_comes_back() throws IOException {
        LocalRoutes routes = routes("10.96.0.0/16");
        routes.provide(cluster("10.100.0.1"));
        table.routes.clear();
        routes.repair();
        assertThat(table.routes).containsExactly("10.100.0.1/32", "10.96.0.0/16");
    }

    @Test
    void an_address_that_has_its_route_is_available_while_the_kernel_cannot_be_asked() throws IOException {
        table.routes.addAll(List.of("10.96.0.0/16", "10.100.0.1/32"));
        LocalRoutes routes = routes("10.96.0.0/16");
        table.silent = true;
        assertThat(routes.provide(cluster("10.96.0.10", "10.100.0.1", "10.100.0.2")).failed())
                .containsOnlyKeys(IpAddresses.parse("10.100.0.2"));
    }

    @Test
    void a_route_that_could_not_be_removed_is_removed_when_the_kernel_can_be_asked_again() throws IOException {
        LocalRoutes routes = routes();
        routes.provide(cluster("10.96.0.10"));
        routes.release();
        table.silent = true;
        routes.provide(cluster());
        routes.release();
        assertThat(routes.repair()).as("while the kernel does not answer").isFalse();
        table.silent = false;
        assertThat(routes.repair()).isTrue();
        routes.provide(cluster());
        routes.release();
        assertThat(table.routes).isEmpty();
        assertThat(routes.repair()).as("all is done").isFalse();
    }

    @Test
    void a_route_that_somebody_removed_and_the_kernel_refused_comes_back_when_it_does_not_any_more()
            throws IOException {
        LocalRoutes routes = routes();
        routes.provide(cluster("10.96.0.10"));
        table.routes.clear();
        table.refuses.put("10.96.0.10/32", Errno.ENOMEM.number());
        assertThat(routes.repair()).isTrue();
        table.refuses.clear();
        assertThat(routes.provide(cluster("10.96.0.10"))).isEqualTo(ALL);
        assertThat(table.routes).containsExactly("10.96.0.10/32");
        assertThat(routes.repair()).as("all is done").isFalse();
    }

    @Test
    void at_the_end_everything_goes_unless_it_is_to_be_kept() throws IOException {
        LocalRoutes kept = routes();
        kept.provide(cluster("10.96.0.10"));
        kept.close(true);
        assertThat(table.routes).hasSize(1);
        LocalRoutes next = routes();
        next.provide(cluster("10.96.0.10"));
        next.close(false);
        assertThat(table.routes).isEmpty();
        next.repair();
        assertThat(table.routes).as("nothing is mended after the end").isEmpty();
    }

    @Test
    void a_right_that_is_missing_is_said_and_tried_again() throws IOException {
        table.refuses.put("10.96.0.10/32", Errno.EPERM.number());
        LocalRoutes routes = routes();
        assertThat(routes.provide(cluster("10.96.0.10")).failed())
                .containsValue("'ip route add local 10.96.0.10/32 dev lo'"
                        + " fails: this process lacks CAP_NET_ADMIN in its network namespace");
        table.refuses.clear();
        assertThat(routes.provide(cluster("10.96.0.10"))).isEqualTo(ALL);
        assertThat(table.routes).containsExactly("10.96.0.10/32");
    }

    @Test
    void a_local_route_that_somebody_else_has_is_used_and_left_alone() throws IOException {
        table.refuses.put("10.96.0.10/32", Errno.EEXIST.number());
        LocalRoutes routes = routes();
        assertThat(routes.provide(cluster("10.96.0.10"))).isEqualTo(ALL);
        routes.close(false);
        assertThat(table.orders).as("only the attempt to add it").isEqualTo(1);
    }
}
