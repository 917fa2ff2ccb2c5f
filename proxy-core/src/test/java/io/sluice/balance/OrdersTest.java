package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.balance.Order.Kind;
import io.sluice.service.BalancerKind;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What is in force after some orders, and where connections go then. */
class OrdersTest {

    private static final Instant NOON = Instant.parse("2026-11-30T12:00:00Z");
    private static final ServicePortName WEB =
            new ServicePortName(new ServiceName("shop", "web"), "http", Protocol.TCP);
    private static final ServicePortName API =
            new ServicePortName(new ServiceName("shop", "api"), "", Protocol.TCP);

    private final SplittableRandom seeded = new SplittableRandom(1);
    private final Routing.Tools tools = new Routing.Tools(address -> () -> 0, seeded::nextInt);

    private static Order order(ServicePortName port, int endpoint, Kind kind, int weight, int minutes) {
        return new Order(port, Endpoints.address(endpoint), kind, weight, NOON,
                minutes == 0 ? null : NOON.plusSeconds(minutes * 60L), "root");
    }

    /** Words: {@code drain N [MINUTES]}, {@code eject N}, {@code weight N W}, {@code undrain N}; endpoints are numbers. */
    private static Orders orders(String words) {
        Orders orders = Orders.NONE;
        for (String word : words.split(", ", -1)) {
            String[] part = word.split(" ", -1);
            int number = part.length > 1 ? Integer.parseInt(part[1]) : 0;
            int more = part.length > 2 ? Integer.parseInt(part[2]) : 0;
            orders = switch (part[0]) {
                case "drain" -> orders.with(List.of(order(WEB, number, Kind.DRAIN, 0, more))).orElseThrow();
                case "eject" -> orders.with(List.of(order(WEB, number, Kind.EJECT, 0, more))).orElseThrow();
                case "weight" -> orders.with(List.of(order(WEB, number, Kind.WEIGHT, more, 0))).orElseThrow();
                case "undrain" -> orders.without(o -> o.endpoint().equals(Endpoints.address(number))
                        && o.kind() != Kind.WEIGHT);
                case "nothing" -> orders;
                default -> throw new IllegalArgumentException(word);
            };
        }
        return orders;
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            nothing is ordered at first              | nothing                      | ''
            an endpoint is drained                   | drain 1                      | DRAIN 1
            the newest takes the place of the first  | drain 1, eject 1             | EJECT 1
            and the other way round                  | eject 1, drain 1             | DRAIN 1
            a weight stands beside it                | drain 1, weight 1 7          | DRAIN 1, WEIGHT 1
            a weight takes the place of a weight     | weight 1 7, weight 1 3       | WEIGHT 1
            the order is that of giving              | drain 2, eject 1, drain 2    | EJECT 1, DRAIN 2
            undrain takes back either, no weight     | drain 1, weight 1 7, undrain 1 | WEIGHT 1
            and of this endpoint alone               | drain 1, drain 2, undrain 1  | DRAIN 2
            """)
    void an_endpoint_has_the_newest_order_of_each_sort(String what, String words, String inForce) {
        assertThat(orders(words).all().stream().map(o -> o.kind() + " "
                + (o.endpoint().ip().getAddress()[3] - 1)).collect(Collectors.joining(", "))).isEqualTo(inForce);
    }

    @Test
    void an_order_ends_by_itself_when_its_time_is_over() {
        Orders orders = orders("drain 1 10, drain 2 5, drain 3");
        assertThat(orders.nextEnd()).contains(NOON.plusSeconds(300));
        assertThat(orders.ended(NOON.plusSeconds(299))).isEmpty();
        assertThat(orders.ended(NOON.plusSeconds(300))).extracting(Order::endpoint)
                .containsExactly(Endpoints.address(2));
        assertThat(orders("drain 3").nextEnd()).isEmpty();
    }

    @Test
    void there_are_no_more_than_the_most() {
        List<Order> many = new ArrayList<>();
        for (int i = 0; i < Orders.MOST; i++) {
            many.add(order(WEB, i, Kind.DRAIN, 0, 0));
        }
        Orders full = Orders.NONE.with(many).orElseThrow();
        assertThat(full.with(List.of(order(WEB, Orders.MOST, Kind.DRAIN, 0, 0)))).isEmpty();
        assertThat(full.with(List.of(order(WEB, 0, Kind.EJECT, 0, 0)))).as("one in the place of another").isPresent();
    }

    @Test
    void only_the_ports_whose_orders_differ_are_told() {
        Orders before = orders("drain 1");
        Orders after = before.with(List.of(order(API, 1, Kind.DRAIN, 0, 0))).orElseThrow();
        assertThat(before.differing(after)).containsExactly(API);
        assertThat(after.differing(before)).containsExactly(API);
        assertThat(after.differing(after)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"WEIGHT, 0", "WEIGHT, 101", "DRAIN, 1"})
    void a_weight_has_to_be_one_of_its_kind(Kind kind, int weight) {
        assertThatThrownBy(() -> order(WEB, 1, kind, weight, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    private Routing routing(Routing before, BalancerKind kind, String words, int endpoints) {
        Service service = Service.builder(WEB.service()).clusterIps(List.of(IpAddresses.parse("10.96.0.1")))
                .ports(List.of(new ServicePort("http", Protocol.TCP, 80, 0, "8080", null)))
                .annotations(Map.of("sluice.io/balancer", kind.word())).build();
        return before.next(service, EndpointSet.of(Endpoints.ready(0, endpoints)), new NodeTopology("n1", "a"),
                new Routing.Settings(BalancerKind.ROUND_ROBIN, new AffinityTable(10), List.of(), 50,
                        orders(words).of(WEB), EndpointChecks.NONE),
                tools, 0);
    }

    /** How often each endpoint is picked in so many times. */
    private static Map<Integer, Integer> picks(Routing routing, int times) {
        EndpointPool pool = routing.pool(IpFamily.IPV4, Traffic.INTERNAL);
        Map<Integer, Integer> counts = new TreeMap<>();
        for (int i = 0; i < times; i++) {
            int index = pool.pick(Endpoints.client(i), Set.of(), 0);
            if (index >= 0) {
                counts.merge(pool.endpoints().get(index).address().ip().getAddress()[3] - 1, 1, Integer::sum);
            }
        }
        return counts;
    }

    @ParameterizedTest
    @EnumSource
    void a_drained_endpoint_gets_nothing_whatever_the_balancer(BalancerKind kind) {
        Routing routing = routing(Routing.NONE, kind, "drain 1", 3);
        assertThat(picks(routing, 300)).containsOnlyKeys(0, 2);
        assertThat(routing.drained(Endpoints.address(1))).isTrue();
        assertThat(routing.leftOut(Endpoints.address(1))).as("it is not ejected").isFalse();
        assertThat(routing.selections().get(IpFamily.IPV4).clusterEndpoints()).hasSize(3);
        assertThat(picks(routing(routing, kind, "drain 1, undrain 1", 3), 300)).containsOnlyKeys(0, 1, 2);
    }

    @ParameterizedTest
    @EnumSource
    void when_all_are_drained_nothing_is_picked_and_it_comes_back(BalancerKind kind) {
        Routing routing = routing(routing(Routing.NONE, kind, "nothing", 2), kind, "drain 0, drain 1", 2);
        assertThat(picks(routing, 50)).isEmpty();
        assertThat(routing.explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0).next())
                .isEqualTo("nowhere: every endpoint that takes such connections is drained by hand");
        assertThat(picks(routing(routing, kind, "drain 1", 2), 50)).containsOnlyKeys(0);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            one is left out                             | eject 1                   | 3 | 0 2   | 1
            no more than the share                      | eject 1, eject 2          | 3 | 0 2   | 1
            never the last                              | eject 0                   | 1 | 0     | 0
            nor the last that is not drained            | drain 0, eject 1          | 2 | 1     | 0
            drained ones do not count for the share     | drain 0, drain 1, eject 2 | 4 | 3     | 1
            """)
    void an_ejected_endpoint_is_left_out_as_far_as_ejection_goes(String what, String words, int endpoints,
            String picked, int leftOut) {
        Routing routing = routing(Routing.NONE, BalancerKind.ROUND_ROBIN, words, endpoints);
        assertThat(picks(routing, 100).keySet().stream().map(String::valueOf).collect(Collectors.joining(" ")))
                .isEqualTo(picked);
        assertThat(routing.leftOut()).isEqualTo(leftOut);
    }

    @Test
    void a_weight_by_hand_makes_turns_weighted_and_is_taken_back_without_a_trace() {
        Routing plain = routing(Routing.NONE, BalancerKind.ROUND_ROBIN, "nothing", 3);
        Routing weighted = routing(plain, BalancerKind.ROUND_ROBIN, "weight 1 4", 3);
        assertThat(picks(weighted, 60)).isEqualTo(Map.of(0, 10, 1, 40, 2, 10));
        assertThat(weighted.balancer()).isEqualTo(BalancerKind.WEIGHTED_ROUND_ROBIN);
        assertThat(picks(routing(weighted, BalancerKind.ROUND_ROBIN, "weight 1 2", 3), 40))
                .isEqualTo(Map.of(0, 10, 1, 20, 2, 10));
        Routing again = routing(weighted, BalancerKind.ROUND_ROBIN, "nothing", 3);
        assertThat(again.balancer()).isEqualTo(BalancerKind.ROUND_ROBIN);
        assertThat(picks(again, 30)).isEqualTo(Map.of(0, 10, 1, 10, 2, 10));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            drain 0        | ready, but drained by hand (root)                                      | false
            drain 0 10     | ready, but drained by hand (root, until 2026-11-30T12:10:00Z)          | false
            eject 0        | ready, but ejected by hand (root)                                      | false
            eject 1, eject 0 | ready; ejected by hand (root), but no more than 50 % and never the last may be ejected | true
            weight 0 7     | ready; weighted 7 by hand (root)                                       | true
            """)
    void what_is_ordered_is_explained(String words, String rule, boolean candidate) {
        Explanation.Line line = routing(Routing.NONE, BalancerKind.ROUND_ROBIN, words, 2)
                .explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0).endpoints().getFirst();
        assertThat(line.endpoint()).extracting(Endpoint::address).isEqualTo(first());
        assertThat(line.rule()).isEqualTo(rule);
        assertThat(line.candidate()).isEqualTo(candidate);
    }

    private static EndpointAddress first() {
        return Endpoints.address(0);
    }
}
