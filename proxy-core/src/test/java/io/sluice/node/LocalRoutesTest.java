package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
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

    private final Table table = new Table();

    /** A routing table in memory. */
    private static final class Table implements RoutingTable {
        final Set<String> routes = new TreeSet<>();
        final Map<String, Integer> refuses = new HashMap<>();
        int orders;

        @Override
        public Set<Cidr> ours() {
            return routes.stream().map(Cidr::parse).collect(Collectors.toSet());
        }

        @Override
        public NodeNetworks networks() {
            return new NodeNetworks(Set.of(IpAddresses.parse("192.0.2.7")), List.of(Cidr.parse("192.0.2.0/24")),
                    List.of(), Set.of(IpAddresses.parse("192.0.2.1")));
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
        public Map<Cidr, Integer> remove(Collection<Cidr> destinations) {
            orders++;
            destinations.forEach(d -> routes.remove(d.toString()));
            return Map.of();
        }
    }

    private LocalRoutes routes(String... ranges) throws IOException {
        return new LocalRoutes(table, Stream.of(ranges).map(Cidr::parse).toList());
    }

    private static Set<InetAddress> ips(String... addresses) {
        return Stream.of(addresses).map(IpAddresses::parse).collect(Collectors.toSet());
    }

    @Test
    void a_range_is_one_route_and_an_address_outside_of_it_another() throws IOException {
        LocalRoutes routes = routes("10.96.0.0/16", "fd00:10:96::/112");
        assertThat(routes.provide(ips("10.96.0.10", "fd00:10:96::1", "10.100.0.1"), Set.of())).isEmpty();
        assertThat(table.routes).containsExactly("10.100.0.1/32", "10.96.0.0/16", "fd00:10:96::/112");
    }

    @Test
    void without_ranges_each_address_has_a_route() throws IOException {
        LocalRoutes routes = routes();
        routes.provide(ips("10.96.0.10", "fd00:10:96::1"), Set.of());
        assertThat(table.routes).containsExactly("10.96.0.10/32", "fd00:10:96::1/128");
        assertThat(table.orders).as("batches").isEqualTo(1);
    }

    @Test
    void loopback_and_the_nodes_own_address_need_none() throws IOException {
        LocalRoutes routes = routes("127.120.0.0/16");
        assertThat(routes.provide(ips("127.120.3.4", "192.0.2.7", "::1"), Set.of())).isEmpty();
        assertThat(table.routes).isEmpty();
    }

    @Test
    void a_range_that_would_swallow_a_network_of_the_node_gives_way_to_single_addresses() throws IOException {
        LocalRoutes routes = routes("192.0.0.0/16");
        routes.provide(ips("192.0.2.77", "192.0.9.1"), Set.of());
        assertThat(table.routes).containsExactly("192.0.2.77/32", "192.0.9.1/32");
    }

    @Test
    void the_gateway_is_not_taken_over_and_the_reason_is_told() throws IOException {
        LocalRoutes routes = routes();
        assertThat(routes.provide(ips("192.0.2.1", "10.96.0.10"), Set.of()))
                .containsExactly(Map.entry(IpAddresses.parse("192.0.2.1"),
                        "192.0.2.1 is not made an address of this node: it is a gateway of this node"));
        assertThat(table.routes).containsExactly("10.96.0.10/32");
    }

    @Test
    void what_is_not_wanted_any_more_goes_at_release_and_not_before() throws IOException {
        LocalRoutes routes = routes();
        routes.provide(ips("10.96.0.10", "10.96.0.11"), Set.of());
        routes.release();
        routes.provide(ips("10.96.0.11", "10.96.0.12"), Set.of());
        assertThat(table.routes).hasSize(3);
        routes.release();
        assertThat(table.routes).containsExactly("10.96.0.11/32", "10.96.0.12/32");
    }

    @Test
    void what_a_crash_left_is_used_or_removed() throws IOException {
        table.routes.addAll(List.of("10.96.0.10/32", "10.96.0.99/32"));
        LocalRoutes routes = routes();
        routes.provide(ips("10.96.0.10"), Set.of());
        assertThat(table.orders).as("nothing had to be added").isZero();
        routes.release();
        assertThat(table.routes).containsExactly("10.96.0.10/32");
    }

    @Test
    void what_somebody_removed_comes_back() throws IOException {
        LocalRoutes routes = routes("10.96.0.0/16");
        routes.provide(ips("10.100.0.1"), Set.of());
        table.routes.clear();
        routes.mend();
        assertThat(table.routes).containsExactly("10.100.0.1/32", "10.96.0.0/16");
    }

    @Test
    void at_the_end_everything_goes_unless_it_is_to_be_kept() throws IOException {
        LocalRoutes kept = routes();
        kept.provide(ips("10.96.0.10"), Set.of());
        kept.close(true);
        assertThat(table.routes).hasSize(1);
        LocalRoutes next = routes();
        next.provide(ips("10.96.0.10"), Set.of());
        next.close(false);
        assertThat(table.routes).isEmpty();
        next.mend();
        assertThat(table.routes).as("nothing is mended after the end").isEmpty();
    }

    @Test
    void a_right_that_is_missing_is_said_and_tried_again() throws IOException {
        table.refuses.put("10.96.0.10/32", ErrnoException.EPERM);
        LocalRoutes routes = routes();
        assertThat(routes.provide(ips("10.96.0.10"), Set.of()))
                .containsValue("'ip route add local 10.96.0.10/32 dev lo'"
                        + " fails: this process lacks CAP_NET_ADMIN in its network namespace");
        table.refuses.clear();
        assertThat(routes.provide(ips("10.96.0.10"), Set.of())).isEmpty();
        assertThat(table.routes).containsExactly("10.96.0.10/32");
    }

    @Test
    void a_local_route_that_somebody_else_has_is_used_and_left_alone() throws IOException {
        table.refuses.put("10.96.0.10/32", ErrnoException.EEXIST);
        LocalRoutes routes = routes();
        assertThat(routes.provide(ips("10.96.0.10"), Set.of())).isEmpty();
        routes.close(false);
        assertThat(table.orders).as("only the attempt to add it").isEqualTo(1);
    }
}
