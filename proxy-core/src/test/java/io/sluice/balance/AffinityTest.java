package io.sluice.balance;

import static io.sluice.balance.Endpoints.CLIENT;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.EndpointPool.Stickiness;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

/** {@code sessionAffinity: ClientIP}. */
class AffinityTest {

    private static final long TIMEOUT = 100;

    private final AffinityTable table = new AffinityTable(1000);

    private EndpointPool pool(List<Endpoint> endpoints, int turn) {
        return new EndpointPool(endpoints, new RoundRobin(endpoints, turn), new Stickiness(table, TIMEOUT, false));
    }

    private static EndpointAddress pick(EndpointPool pool, InetAddress client, long now) {
        return pool.endpoints().get(pool.pick(client, Set.of(), now)).address();
    }

    @Test
    void a_client_stays_and_each_new_connection_begins_its_time_anew() {
        EndpointPool pool = pool(Endpoints.ready(0, 3), 0);
        EndpointAddress first = pick(pool, CLIENT, 0);
        assertThat(pick(pool, CLIENT, 99)).isEqualTo(first);
        assertThat(pick(pool, CLIENT, 198)).isEqualTo(first);
        assertThat(pick(pool, CLIENT, 298)).isNotEqualTo(first);
    }

    @Test
    void clients_are_told_apart_and_each_is_balanced_at_first() {
        EndpointPool pool = pool(Endpoints.ready(0, 2), 0);
        EndpointAddress one = pick(pool, IpAddresses.parse("192.0.2.1"), 0);
        EndpointAddress other = pick(pool, IpAddresses.parse("2001:db8::1"), 0);
        assertThat(other).isNotEqualTo(one);
        assertThat(pick(pool, IpAddresses.parse("2001:db8::1"), 1)).isEqualTo(other);
    }

    @Test
    void a_client_of_an_endpoint_that_is_not_in_use_is_balanced_anew_and_stays_there() {
        EndpointPool both = pool(Endpoints.ready(0, 2), 0);
        assertThat(pick(both, CLIENT, 0)).isEqualTo(Endpoints.address(0));
        EndpointPool rest = pool(Endpoints.ready(1, 1), 0);
        assertThat(pick(rest, CLIENT, 1)).isEqualTo(Endpoints.address(1));
        assertThat(pick(both, CLIENT, 2)).isEqualTo(Endpoints.address(1));
    }

    @Test
    void a_retry_goes_elsewhere_and_the_client_with_it() {
        EndpointPool pool = pool(Endpoints.ready(0, 2), 0);
        EndpointAddress first = pick(pool, CLIENT, 0);
        int other = pool.pick(CLIENT, Set.of(first), 1);
        assertThat(pool.endpoints().get(other).address()).isNotEqualTo(first);
        assertThat(pick(pool, CLIENT, 2)).isEqualTo(pool.endpoints().get(other).address());
    }

    @Test
    void the_endpoints_that_go_are_forgotten() {
        EndpointPool pool = pool(Endpoints.ready(0, 2), 0);
        EndpointAddress first = pick(pool, CLIENT, 0);
        table.forget(Set.of(first));
        assertThat(table.size()).isZero();
        assertThat(pick(pool, CLIENT, 1)).isNotEqualTo(first);
    }

    @Test
    void who_has_not_come_for_the_timeout_is_swept_out() {
        EndpointPool pool = pool(Endpoints.ready(0, 2), 0);
        pick(pool, Endpoints.client(1), 0);
        pick(pool, Endpoints.client(2), 60);
        table.sweep(TIMEOUT, 100);
        assertThat(table.size()).isEqualTo(1);
        assertThat(pool.stays(Endpoints.client(2), 100)).isNotNegative();
    }

    @Test
    void many_addresses_cost_no_more_than_the_bound_and_who_comes_often_stays() {
        AffinityTable small = new AffinityTable(100);
        List<Endpoint> endpoints = Endpoints.ready(0, 7);
        EndpointPool pool =
                new EndpointPool(endpoints, new RoundRobin(endpoints, 0), new Stickiness(small, 1_000_000, false));
        EndpointAddress regular = pick(pool, CLIENT, 0);
        for (int i = 1; i <= 50_000; i++) {
            pick(pool, Endpoints.client(i), i);
            assertThat(pick(pool, CLIENT, i)).isEqualTo(regular);
            assertThat(small.size()).isLessThanOrEqualTo(100);
        }
    }

    @Test
    void the_bound_holds_with_all_event_loops_at_work() throws Exception {
        AffinityTable small = new AffinityTable(100);
        List<Endpoint> endpoints = Endpoints.ready(0, 7);
        EndpointPool pool =
                new EndpointPool(endpoints, new RoundRobin(endpoints, 0), new Stickiness(small, 1_000_000, false));
        List<Callable<Void>> loops = new ArrayList<>();
        for (int loop = 0; loop < 4; loop++) {
            int first = loop * 20_000;
            loops.add(() -> {
                for (int i = first; i < first + 20_000; i++) {
                    pool.pick(Endpoints.client(i), Set.of(), i);
                }
                return null;
            });
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (var done : threads.invokeAll(loops)) {
                done.get();
            }
        }
        // One more for each thread that came while another made room.
        assertThat(small.size()).isLessThanOrEqualTo(104);
    }

    @Test
    void keyed_by_service_a_client_meets_the_same_pod_at_every_port() {
        List<Endpoint> web = new ArrayList<>();
        List<Endpoint> api = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            // Two Pods at each address, told apart by their ports.
            InetAddress ip = Endpoints.address(i / 2).ip();
            web.add(pod(ip, 8080 + i % 2, "pod-" + i));
            api.add(pod(ip, 9090 + i % 2, "pod-" + i));
        }
        EndpointPool first = new EndpointPool(web, new RoundRobin(web, 0), new Stickiness(table, TIMEOUT, true));
        EndpointPool second = new EndpointPool(api, new RoundRobin(api, 5), new Stickiness(table, TIMEOUT, true));
        for (int i = 0; i < 50; i++) {
            int atWeb = first.pick(Endpoints.client(i), Set.of(), 0);
            int atApi = second.pick(Endpoints.client(i), Set.of(), 0);
            assertThat(api.get(atApi).target()).isEqualTo(web.get(atWeb).target());
            assertThat(first.pick(Endpoints.client(i), Set.of(), 0)).isEqualTo(atWeb);
        }
    }

    private static Endpoint pod(InetAddress ip, int port, String name) {
        return Endpoint.builder(new EndpointAddress(ip, port)).target(name).build();
    }

    @Test
    void affinity_is_kept_through_any_change_of_other_endpoints() {
        for (int seed = 0; seed < 100; seed++) {
            SplittableRandom dice = new SplittableRandom(seed);
            AffinityTable clients = new AffinityTable(1000);
            List<Endpoint> all = Endpoints.ready(0, 20);
            EndpointAddress[] stays = new EndpointAddress[50];
            for (int step = 0; step < 30; step++) {
                List<Endpoint> now = all.stream().filter(e -> dice.nextInt(4) > 0).toList();
                if (now.isEmpty()) {
                    continue;
                }
                Set<EndpointAddress> there = Endpoints.addresses(now);
                EndpointPool pool = new EndpointPool(now, new RoundRobin(now, dice.nextInt(100)),
                        new Stickiness(clients, TIMEOUT, false));
                for (int i = 0; i < stays.length; i++) {
                    EndpointAddress picked = pick(pool, Endpoints.client(i), step);
                    if (stays[i] != null && there.contains(stays[i])) {
                        assertThat(picked).as("seed %s, step %s, client %s", seed, step, i).isEqualTo(stays[i]);
                    }
                    stays[i] = picked;
                }
            }
        }
    }
}
