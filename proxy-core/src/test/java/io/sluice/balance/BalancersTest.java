package io.sluice.balance;

import static io.sluice.balance.Endpoints.CLIENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.service.BalancerKind;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What holds for every balancer, and what is particular to each beside {@link RoundRobin}. */
class BalancersTest {

    private static final long SECOND = 1_000_000_000L;

    private final SplittableRandom seeded = new SplittableRandom(42);
    private final IntUnaryOperator random = seeded::nextInt;
    private final Map<EndpointAddress, Integer> load = new HashMap<>();

    private Balancer balancer(BalancerKind kind, List<Endpoint> endpoints) {
        return switch (kind) {
            case ROUND_ROBIN -> new RoundRobin(endpoints, 0);
            case RANDOM -> new RandomChoice(endpoints, random);
            case LEAST_CONNECTIONS ->
                    new LeastConnections(endpoints, address -> () -> load.getOrDefault(address, 0), random);
            case WEIGHTED_ROUND_ROBIN ->
                    new WeightedRoundRobin(endpoints, e -> e.address().ip().getAddress()[3] % 3 + 1, 0);
            case MAGLEV -> new Maglev(endpoints);
        };
    }

    private static int[] counts(Balancer balancer, int picks) {
        int[] counts = new int[balancer.endpoints().size()];
        for (int i = 0; i < picks; i++) {
            counts[balancer.pick(Endpoints.client(i), Set.of(), 0)]++;
        }
        return counts;
    }

    @ParameterizedTest
    @EnumSource
    void an_endpoint_that_was_tried_is_never_picked_and_any_other_can_be(BalancerKind kind) {
        for (int seed = 0; seed < 200; seed++) {
            SplittableRandom dice = new SplittableRandom(seed);
            List<Endpoint> endpoints = Endpoints.ready(0, 1 + dice.nextInt(12));
            Balancer balancer = balancer(kind, endpoints);
            Set<EndpointAddress> tried = new HashSet<>();
            for (int left = endpoints.size(); left > 0; left--) {
                int index = balancer.pick(Endpoints.client(seed), tried, 0);
                assertThat(index).as("seed %s, tried %s", seed, tried).isBetween(0, endpoints.size() - 1);
                assertThat(tried.add(endpoints.get(index).address())).as("seed %s", seed).isTrue();
            }
            assertThat(balancer.pick(Endpoints.client(seed), tried, 0)).as("seed %s", seed).isEqualTo(-1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void without_endpoints_there_is_nothing_to_pick_and_later_there_is(BalancerKind kind) {
        Balancer none = balancer(kind, List.of());
        assertThat(none.pick(CLIENT, Set.of(), 0)).isEqualTo(-1);
        assertThat(none.peek(CLIENT, 0)).isEqualTo(-1);
        assertThat(none.with(Endpoints.ready(0, 1), 0).pick(CLIENT, Set.of(), 0)).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void what_is_foretold_comes_and_foretelling_changes_nothing(BalancerKind kind) {
        Balancer balancer = balancer(kind, Endpoints.ready(0, 7));
        for (int i = 0; i < 100; i++) {
            int foretold = balancer.peek(Endpoints.client(i), 0);
            assertThat(balancer.peek(Endpoints.client(i), 0)).isEqualTo(foretold);
            int picked = balancer.pick(Endpoints.client(i), Set.of(), 0);
            if (foretold != Balancer.UNFORESEEABLE) {
                assertThat(picked).isEqualTo(foretold);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void nobody_gets_far_more_than_the_share_and_nobody_nothing(BalancerKind kind) {
        List<Endpoint> endpoints = Endpoints.ready(0, 20);
        Balancer balancer = balancer(kind, endpoints);
        int picks = 100_000;
        int[] counts = counts(balancer, picks);
        int heaviest = kind == BalancerKind.WEIGHTED_ROUND_ROBIN ? 3 : 1;
        assertThat(Arrays.stream(counts).max().orElseThrow()).isLessThan(heaviest * picks / 20 * 11 / 10);
        assertThat(Arrays.stream(counts).min().orElseThrow()).isGreaterThan(picks / 20 / 3);
    }

    @ParameterizedTest(name = "weights {0}")
    @CsvSource({"1 1 1", "1 2 3", "5 1", "100 1 50", "7 7", "3 5 7 11", "2"})
    void weights_are_kept_exactly_in_as_many_rounds_as_the_heaviest_weighs(String text) {
        int[] weights = Arrays.stream(text.split(" ")).mapToInt(Integer::parseInt).toArray();
        List<Endpoint> endpoints = Endpoints.ready(0, weights.length);
        WeightedRoundRobin balancer = new WeightedRoundRobin(endpoints, e -> weights[endpoints.indexOf(e)], 0);
        assertThat(counts(balancer, Arrays.stream(weights).sum())).isEqualTo(weights);
    }

    @Test
    void a_heavy_endpoint_gets_its_share_spread_and_not_in_a_burst() {
        List<Endpoint> endpoints = Endpoints.ready(0, 3);
        WeightedRoundRobin balancer =
                new WeightedRoundRobin(endpoints, e -> e.equals(endpoints.get(0)) ? 4 : 2, 0);
        StringBuilder order = new StringBuilder();
        for (int i = 0; i < 800; i++) {
            order.append(balancer.pick(CLIENT, Set.of(), 0));
        }
        assertThat(order).doesNotContain("000").doesNotContain("11").doesNotContain("22");
    }

    @Test
    void weights_stay_exact_when_an_endpoint_goes() {
        List<Endpoint> endpoints = Endpoints.ready(0, 3);
        Map<EndpointAddress, Integer> weights = Map.of(Endpoints.address(0), 3, Endpoints.address(1), 1,
                Endpoints.address(2), 2);
        Balancer balancer = new WeightedRoundRobin(endpoints, e -> weights.getOrDefault(e.address(), 1), 5);
        counts(balancer, 7);
        assertThat(counts(balancer.with(endpoints.subList(0, 2), 0), 400)).containsExactly(300, 100);
    }

    @Test
    void a_weight_below_one_is_a_fault_of_the_caller() {
        assertThatThrownBy(() -> new WeightedRoundRobin(Endpoints.ready(0, 1), e -> 0, 0))
                .hasMessageContaining("weight 0");
    }

    @Test
    void of_two_endpoints_the_one_with_fewer_connections_is_taken() {
        List<Endpoint> endpoints = Endpoints.ready(0, 2);
        Balancer balancer = balancer(BalancerKind.LEAST_CONNECTIONS, endpoints);
        load.put(Endpoints.address(0), 1);
        assertThat(counts(balancer, 50)).containsExactly(0, 50);
        load.put(Endpoints.address(1), 2);
        assertThat(counts(balancer, 50)).containsExactly(50, 0);
    }

    @Test
    void connections_that_stay_are_spread_far_more_evenly_than_by_chance() {
        List<Endpoint> endpoints = Endpoints.ready(0, 50);
        for (BalancerKind kind : List.of(BalancerKind.RANDOM, BalancerKind.LEAST_CONNECTIONS)) {
            load.clear();
            Balancer balancer = balancer(kind, endpoints);
            for (int i = 0; i < 5000; i++) {
                load.merge(endpoints.get(balancer.pick(CLIENT, Set.of(), 0)).address(), 1, Integer::sum);
            }
            int most = Collections.max(load.values());
            if (kind == BalancerKind.RANDOM) {
                assertThat(most).isGreaterThan(110);
            } else {
                // 100 and log log n / log 2, says the theory.
                assertThat(most).isLessThanOrEqualTo(104);
            }
        }
    }

    @Test
    void maglev_sends_a_client_always_to_the_same_endpoint_on_every_node() {
        List<Endpoint> endpoints = Endpoints.ready(0, 30);
        Maglev one = new Maglev(endpoints);
        Maglev other = new Maglev(endpoints);
        for (int i = 0; i < 1000; i++) {
            assertThat(other.pick(Endpoints.client(i), Set.of(), 0))
                    .isEqualTo(one.pick(Endpoints.client(i), Set.of(), 0));
        }
        // A fixed point: another version of the table would move every client of a cluster that is half updated.
        assertThat(new Maglev(Endpoints.ready(0, 3)).pick(CLIENT, Set.of(), 0)).isEqualTo(MAGLEV_OF_CLIENT);
    }

    private static final int MAGLEV_OF_CLIENT = 2;

    @ParameterizedTest(name = "of {0} endpoints one leaves: {1} per mille of the clients of others move at the most")
    @CsvSource({"3, 2", "10, 10", "100, 15", "600, 15", "1000, 10", "5000, 10"})
    void when_an_endpoint_leaves_few_clients_of_others_move(int count, int bound) {
        List<Endpoint> before = Endpoints.ready(0, count);
        List<Endpoint> after = new ArrayList<>(before);
        Endpoint gone = after.remove(count / 2);
        Maglev full = new Maglev(before);
        Balancer rest = full.with(after, 0);
        int clients = 100_000;
        int itsOwn = 0;
        int moved = 0;
        for (int i = 0; i < clients; i++) {
            Endpoint was = before.get(full.pick(Endpoints.client(i), Set.of(), 0));
            Endpoint is = after.get(rest.pick(Endpoints.client(i), Set.of(), 0));
            if (was.equals(gone)) {
                itsOwn++;
            } else if (!was.equals(is)) {
                moved++;
            }
        }
        System.out.printf("maglev: 1 of %d endpoints leaves: %.2f %% of the clients were its own, %.2f %% moved between"
                + " others%n", count, itsOwn * 100.0 / clients, moved * 100.0 / clients);
        assertThat(moved).isLessThan(clients / 1000 * bound);
    }

    @Test
    void an_ipv6_client_goes_by_its_whole_address() {
        Maglev balancer = new Maglev(Endpoints.ready(0, 10));
        int[] counts = new int[10];
        for (int i = 0; i < 10_000; i++) {
            counts[balancer.pick(IpAddresses.parse("2001:db8::" + Integer.toHexString(i + 1)), Set.of(), 0)]++;
        }
        assertThat(Arrays.stream(counts).min().orElseThrow()).isGreaterThan(850);
    }

    @Test
    void a_fresh_endpoint_begins_with_a_tenth_of_its_share_and_has_the_whole_in_the_end() {
        Balancer balancer = new SlowStart(new RoundRobin(Endpoints.ready(0, 9), 0), 100 * SECOND, random)
                .with(Endpoints.ready(0, 10), 0);
        int picks = 100_000;
        assertThat(countsAt(balancer, picks, 0)[9]).isBetween(picks / 10 / 20, picks / 10 / 5);
        assertThat(countsAt(balancer, picks, 50 * SECOND)[9]).isBetween(picks / 10 * 2 / 5, picks / 10 * 7 / 10);
        assertThat(countsAt(balancer, picks, 100 * SECOND)[9]).isEqualTo(picks / 10);
    }

    @Test
    void the_first_endpoints_start_at_once_and_fresh_ones_share_what_there_is() {
        SlowStart first = new SlowStart(new RoundRobin(Endpoints.ready(0, 3), 0), 100 * SECOND, random);
        assertThat(countsAt(first, 300, 0)).containsExactly(100, 100, 100);
        Balancer onlyFresh = first.with(Endpoints.ready(10, 2), 0);
        assertThat(countsAt(onlyFresh, 1000, 0)[0]).isBetween(400, 600);
    }

    @Test
    void an_endpoint_that_stays_is_not_fresh_again_after_a_change() {
        Balancer balancer = new SlowStart(new RoundRobin(Endpoints.ready(0, 2), 0), 100 * SECOND, random)
                .with(Endpoints.ready(0, 3), 0).with(Endpoints.ready(0, 4), 90 * SECOND);
        assertThat(countsAt(balancer, 40_000, 101 * SECOND)[2]).isGreaterThan(9_000);
        assertThat(countsAt(balancer, 40_000, 101 * SECOND)[3]).isLessThan(5_000);
    }

    private static int[] countsAt(Balancer balancer, int picks, long now) {
        int[] counts = new int[balancer.endpoints().size()];
        for (int i = 0; i < picks; i++) {
            counts[balancer.pick(CLIENT, Set.of(), now)]++;
        }
        return counts;
    }
}
