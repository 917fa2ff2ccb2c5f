package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Endpoints are called by the last octet of their address: {@code "124"} are 10.0.0.1, 10.0.0.2 and 10.0.0.4. */
class RoundRobinTest {

    private static final InetAddress CLIENT = IpAddresses.parse("192.0.2.1");

    private static List<Endpoint> endpoints(String octets) {
        return octets.chars().mapToObj(c -> endpoint(c - '0')).toList();
    }

    private static Endpoint endpoint(int octet) {
        return Endpoint.ready(new EndpointAddress(IpAddresses.parse("10.0.0." + octet), 80));
    }

    private static int octet(Endpoint endpoint) {
        return endpoint.address().ip().getAddress()[3] & 0xff;
    }

    private static Set<EndpointAddress> addresses(String octets) {
        Set<EndpointAddress> addresses = new HashSet<>();
        endpoints(octets).forEach(e -> addresses.add(e.address()));
        return addresses;
    }

    private static String picks(Balancer balancer, int picks) {
        StringBuilder octets = new StringBuilder();
        for (int i = 0; i < picks; i++) {
            octets.append(pick(balancer));
        }
        return octets.toString();
    }

    private static int pick(Balancer balancer) {
        return octet(balancer.endpoints().get(balancer.pick(CLIENT, Set.of(), 0)));
    }

    @ParameterizedTest(name = "starting at {0}")
    @CsvSource({"0, 1231231", "1, 2312312", "2, 3123123", "3, 1231231", "-1, 3123123", "-3, 1231231"})
    void each_endpoint_in_turn(int start, String expected) {
        assertThat(picks(new RoundRobin(endpoints("123"), start), 7)).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MAX_VALUE, Integer.MAX_VALUE - 1, Integer.MIN_VALUE, -2})
    void the_turn_stays_even_where_an_int_ends(int start) {
        int[] counts = new int[4];
        RoundRobin balancer = new RoundRobin(endpoints("123"), start);
        for (int i = 0; i < 9; i++) {
            counts[pick(balancer)]++;
        }
        assertThat(counts).containsExactly(0, 3, 3, 3);
    }

    @Test
    void without_endpoints_there_is_nothing_to_pick() {
        RoundRobin none = new RoundRobin(List.of(), 7);
        assertThat(none.pick(CLIENT, Set.of(), 0)).isEqualTo(-1);
        assertThat(none.pick(CLIENT, addresses("1"), 0)).isEqualTo(-1);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            one added at the end comes before the first again | 123 | 3 | 1234 | 4123
            one added after the last picked comes next        | 13  | 1 | 123  | 2312
            one added before it waits for its turn            | 23  | 1 | 123  | 3123
            the next one is gone                              | 123 | 1 | 13   | 3131
            the one picked last is gone                       | 123 | 2 | 13   | 3131
            all others are gone                               | 123 | 2 | 2    | 2222
            the next ones are others                          | 123 | 3 | 34   | 4343
            nothing in common, all after                      | 123 | 2 | 456  | 4564
            nothing in common, all before                     | 456 | 2 | 123  | 1231
            no change                                         | 123 | 2 | 123  | 3123
            nobody was picked before                          | 123 | 0 | 123  | 1231
            """)
    void the_turn_is_kept_when(String change, String before, int picks, String after, String expected) {
        RoundRobin balancer = new RoundRobin(endpoints(before), 0);
        picks(balancer, picks);
        assertThat(picks(balancer.with(endpoints(after), 0), 4)).isEqualTo(expected);
    }

    @Test
    void the_turn_outlives_changes_without_a_pick_between() {
        RoundRobin balancer = new RoundRobin(endpoints("123"), 0);
        assertThat(picks(balancer, 2)).isEqualTo("12");
        assertThat(picks(balancer.with(endpoints("1"), 0).with(List.of(), 0).with(endpoints("123"), 0), 4))
                .isEqualTo("3123");
    }

    @Test
    void whatever_changes_every_round_is_even_and_nobody_is_picked_twice_in_a_row() {
        for (long seed = 0; seed < 2_000; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            TreeSet<Integer> octets = new TreeSet<>();
            Balancer balancer = new RoundRobin(List.of(), random.nextInt());
            int last = -1;
            for (int change = 0; change < 20; change++) {
                int toggled = random.nextInt(1, 12);
                if (!octets.remove(toggled)) {
                    octets.add(toggled);
                }
                balancer = balancer.with(octets.stream().map(RoundRobinTest::endpoint).toList(), 0);
                int rounds = random.nextInt(3);
                int[] counts = new int[12];
                for (int i = 0; i < rounds * octets.size(); i++) {
                    int picked = pick(balancer);
                    counts[picked]++;
                    assertThat(octets.size() > 1 && picked == last).as("seed %d: twice in a row", seed).isFalse();
                    last = picked;
                }
                for (int octet : octets) {
                    assertThat(counts[octet]).as("seed %d", seed).isEqualTo(rounds);
                }
                if (!octets.isEmpty() && random.nextBoolean()) {
                    last = pick(balancer);
                }
            }
        }
    }

    @ParameterizedTest(name = "{0} tried")
    @ValueSource(strings = {"1", "2", "12", "13", "23"})
    void what_was_tried_is_not_picked_again(String tried) {
        for (int start = 0; start < 3; start++) {
            RoundRobin balancer = new RoundRobin(endpoints("123"), start);
            for (int i = 0; i < 6; i++) {
                int index = balancer.pick(CLIENT, addresses(tried), 0);
                assertThat(tried).doesNotContain(Integer.toString(octet(balancer.endpoints().get(index))));
            }
        }
    }

    @Test
    void when_all_were_tried_none_is_left() {
        assertThat(new RoundRobin(endpoints("123"), 1).pick(CLIENT, addresses("123"), 0)).isEqualTo(-1);
    }

    @Test
    void what_is_tried_but_gone_does_not_matter() {
        RoundRobin balancer = new RoundRobin(endpoints("12"), 0);
        assertThat(balancer.pick(CLIENT, addresses("39"), 0)).isBetween(0, 1);
    }

    @ParameterizedTest(name = "{0} refusing")
    @ValueSource(strings = {"1", "3", "12", "14", "235"})
    void while_some_refuse_the_others_stay_even_however_late_the_retries_come(String refusing) {
        for (long seed = 0; seed < 100; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            RoundRobin balancer = new RoundRobin(endpoints("12345"), random.nextInt());
            int live = 5 - refusing.length();
            int connections = 20 * live;
            int[] counts = new int[6];
            List<Set<EndpointAddress>> waiting = new ArrayList<>();
            while (connections > 0 || !waiting.isEmpty()) {
                boolean begins = waiting.isEmpty() || connections > 0 && random.nextBoolean();
                Set<EndpointAddress> tried =
                        begins ? new HashSet<>() : waiting.remove(random.nextInt(waiting.size()));
                connections -= begins ? 1 : 0;
                int picked = octet(balancer.endpoints().get(balancer.pick(CLIENT, tried, 0)));
                if (refusing.contains(Integer.toString(picked))) {
                    assertThat(tried.add(endpoint(picked).address())).as("seed %d: not tried before", seed).isTrue();
                    waiting.add(tried);
                } else {
                    counts[picked]++;
                }
            }
            for (int octet = 1; octet <= 5; octet++) {
                assertThat(counts[octet]).as("seed %d: 10.0.0.%d", seed, octet)
                        .isEqualTo(refusing.contains(Integer.toString(octet)) ? 0 : 20);
            }
        }
    }

    @Test
    void eight_event_loops_at_once_are_exactly_even_together() throws Exception {
        int threads = 8;
        int picks = 70_000;
        RoundRobin balancer = new RoundRobin(endpoints("1234567"), Integer.MAX_VALUE - 100);
        int[] counts = picksOf(threads, picks, balancer, Set.of());
        int[] expected = new int[7];
        Arrays.fill(expected, threads * picks / 7);
        assertThat(counts).containsExactly(expected);
    }

    @Test
    void eight_event_loops_that_retry_at_once_are_exactly_even_together_too() throws Exception {
        int threads = 8;
        int picks = 60_000;
        RoundRobin balancer = new RoundRobin(endpoints("1234567"), 3);
        int[] counts = picksOf(threads, picks, balancer, addresses("4"));
        int[] expected = new int[7];
        Arrays.fill(expected, threads * picks / 6);
        expected[3] = 0;
        assertThat(counts).containsExactly(expected);
    }

    private static int[] picksOf(int threads, int picks, RoundRobin balancer, Set<EndpointAddress> tried)
            throws Exception {
        AtomicIntegerArray counts = new AtomicIntegerArray(balancer.endpoints().size());
        Callable<Void> loop = () -> {
            for (int i = 0; i < picks; i++) {
                counts.incrementAndGet(balancer.pick(CLIENT, tried, 0));
            }
            return null;
        };
        try (ExecutorService loops = Executors.newFixedThreadPool(threads)) {
            for (Future<Void> running : loops.invokeAll(Collections.nCopies(threads, loop))) {
                running.get();
            }
        }
        return array(counts);
    }

    private static int[] array(AtomicIntegerArray counts) {
        int[] array = new int[counts.length()];
        Arrays.setAll(array, counts::get);
        return array;
    }
}
