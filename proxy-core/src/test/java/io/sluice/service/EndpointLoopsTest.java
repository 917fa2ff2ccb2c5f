package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.ServiceState.PortState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EndpointLoopsTest {

    private static final int PORT = 80;

    /** {@code a>b} means that Service a has Service b's address as an endpoint; b is a number from 1 to 250. */
    private static ClusterSnapshot snapshot(Iterable<String> edges) {
        Map<Integer, List<Endpoint>> endpoints = new HashMap<>();
        for (String edge : edges) {
            String[] ends = edge.split(">", -1);
            endpoints.computeIfAbsent(Integer.valueOf(ends[0]), n -> new ArrayList<>());
            if (ends.length > 1) {
                endpoints.get(Integer.valueOf(ends[0])).add(Endpoint.ready(address(ends[1])));
            }
        }
        Map<ServiceName, ServiceState> services = new HashMap<>();
        endpoints.forEach((number, list) -> {
            ServicePort port = new ServicePort("", Protocol.TCP, PORT, 0, "80", null);
            Service service = Service.builder(new ServiceName("default", "s" + number))
                    .clusterIps(List.of(address(Integer.toString(number)).ip())).ports(List.of(port)).build();
            services.put(service.name(),
                    new ServiceState(service, List.of(new PortState(port, EndpointSet.of(list), null))));
        });
        return new ClusterSnapshot(1, Instant.EPOCH, new NodeTopology("node", null), services);
    }

    private static EndpointAddress address(String number) {
        return new EndpointAddress(IpAddresses.parse("10.96." + Integer.parseInt(number) / 250 + "."
                + Integer.parseInt(number) % 250), PORT);
    }

    private static EndpointLoops find(ClusterSnapshot snapshot) {
        Map<EndpointAddress, ServicePortName> answered = new HashMap<>();
        snapshot.services().forEach((name, state) -> answered.put(
                new EndpointAddress(state.service().clusterIps().getFirst(), PORT),
                new ServicePortName(name, "", Protocol.TCP)));
        return EndpointLoops.find(snapshot.services().values(), answered::get);
    }

    private static Set<String> backward(EndpointLoops loops) {
        Set<String> edges = new TreeSet<>();
        loops.endpoints().forEach((port, addresses) -> addresses.forEach(address -> {
            byte[] octets = address.ip().getAddress();
            edges.add(port.service().name().substring(1) + ">" + ((octets[2] & 0xff) * 250 + (octets[3] & 0xff)));
        }));
        return edges;
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            a Service with pods only             | 1>200           | ''
            its own endpoint                     | 1>1 1>200       | 1>1
            two that are each other's            | 1>2 2>1         | 1>2 2>1
            three in a circle                    | 1>2 2>3 3>1     | 1>2 2>3 3>1
            one that leads on to another         | 1>2 2>200       | ''
            one that leads into a circle         | 1>2 2>3 3>2     | 2>3 3>2
            one that a circle leads to           | 1>2 2>1 2>3 3>200 | 1>2 2>1
            two circles with a way between       | 1>2 2>1 2>3 3>4 4>3 | 1>2 2>1 3>4 4>3
            two ways to the same                 | 1>2 1>3 2>4 3>4 4>200 | ''
            """)
    void only_what_leads_back_is_found(String what, String edges, String expected) {
        assertThat(String.join(" ", backward(find(snapshot(List.of(edges.split(" ", -1))))))).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void an_endpoint_is_found_exactly_if_one_can_walk_back_from_it(long seed) {
        Random random = new Random(seed);
        Set<String> edges = new TreeSet<>();
        for (int i = 0; i < 30; i++) {
            edges.add((1 + random.nextInt(20)) + ">" + (1 + random.nextInt(20)));
        }
        for (int i = 1; i <= 20; i++) {
            edges.add(Integer.toString(i));
        }
        Set<String> expected = new TreeSet<>();
        for (String edge : edges) {
            String[] ends = edge.split(">", -1);
            if (ends.length > 1 && reaches(edges, ends[1], ends[0])) {
                expected.add(edge);
            }
        }
        assertThat(backward(find(snapshot(edges)))).as("seed %d: %s", seed, edges).isEqualTo(expected);
    }

    private static boolean reaches(Set<String> edges, String from, String to) {
        Set<String> seen = new TreeSet<>(Set.of(from));
        boolean more = true;
        while (more) {
            more = false;
            for (String edge : edges) {
                String[] ends = edge.split(">", -1);
                more |= ends.length > 1 && seen.contains(ends[0]) && seen.add(ends[1]);
            }
        }
        return seen.contains(to);
    }

    @Test
    void a_long_chain_needs_no_deep_stack() {
        List<String> edges = new ArrayList<>();
        for (int i = 1; i < 60_000; i++) {
            edges.add(i + ">" + (i + 1));
        }
        edges.add("60000>1");
        assertThat(find(snapshot(edges)).endpoints()).hasSize(60_000);
    }

    @Test
    void what_is_cut_out_is_gone_and_a_port_that_has_nothing_else_says_why() {
        ClusterSnapshot snapshot = snapshot(List.of("1>1", "1>200", "2>2", "3>200"));
        EndpointLoops loops = find(snapshot);
        ClusterSnapshot cut = loops.cutOut(snapshot);
        assertThat(endpoints(cut, "s1")).containsExactly(address("200"));
        assertThat(endpoints(cut, "s2")).isEmpty();
        assertThat(cut.services().get(new ServiceName("default", "s1")).ports().getFirst().whyEmpty()).isNull();
        assertThat(cut.services().get(new ServiceName("default", "s2")).ports().getFirst().whyEmpty())
                .isEqualTo(new EmptyReason.LeadsBack(List.of("10.96.0.2:80")));
        assertThat(cut.services().get(new ServiceName("default", "s3")))
                .isSameAs(snapshot.services().get(new ServiceName("default", "s3")));
        assertThat(EndpointLoops.NONE.cutOut(snapshot)).isSameAs(snapshot);
        assertThat(loops.concern(new ServiceName("default", "s2"))).isTrue();
        assertThat(loops.concern(new ServiceName("default", "s3"))).isFalse();
    }

    private static List<EndpointAddress> endpoints(ClusterSnapshot snapshot, String name) {
        return snapshot.services().get(new ServiceName("default", name)).ports().getFirst().endpoints().endpoints()
                .stream().map(Endpoint::address).toList();
    }
}
