package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.CheckSchedule.Bounds;
import io.sluice.balance.CheckSchedule.Target;
import io.sluice.service.EndpointAddress;
import io.sluice.service.HealthCheck;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which endpoint is checked when; on a clock that the test moves. */
class CheckScheduleTest {

    private static final HealthCheck EVERY_SECOND =
            new HealthCheck(null, Duration.ofSeconds(1), Duration.ofSeconds(1), 2, 3);
    private static final Bounds WIDE = new Bounds(1_000, 1_000, 1_000, 1_000);
    private static final long MS = TimeUnit.MILLISECONDS.toNanos(1);

    private static ServicePortName port(String namespace) {
        return new ServicePortName(new ServiceName(namespace, "web"), "http", Protocol.TCP);
    }

    private static Set<EndpointAddress> endpoints(int count) {
        Set<EndpointAddress> endpoints = new HashSet<>();
        for (int i = 0; i < count; i++) {
            endpoints.add(Endpoints.address(i));
        }
        return endpoints;
    }

    private static CheckSchedule schedule(Bounds bounds) {
        return new CheckSchedule(bounds, new SplittableRandom(1));
    }

    /** How often each namespace is checked in so many seconds, every check passing at once. */
    private static Map<String, Integer> checked(CheckSchedule schedule, int seconds) {
        Map<String, Integer> counts = new HashMap<>();
        for (long now = 0; now < TimeUnit.SECONDS.toNanos(seconds); now += 20 * MS) {
            for (Target target : schedule.take(now)) {
                counts.merge(target.port().service().namespace(), 1, Integer::sum);
                schedule.passed(target, now);
            }
        }
        return counts;
    }

    @Test
    void every_endpoint_is_checked_once_in_each_interval_give_or_take_a_tenth() {
        CheckSchedule schedule = schedule(WIDE);
        schedule.follow(port("a"), EVERY_SECOND, endpoints(10), 0);
        assertThat(checked(schedule, 100).get("a")).isBetween(10 * 95, 10 * 105);
    }

    @Test
    void no_more_checks_begin_than_may() {
        CheckSchedule schedule = schedule(new Bounds(50, 50, 1_000, 1_000));
        schedule.follow(port("a"), EVERY_SECOND, endpoints(1_000), 0);
        assertThat(checked(schedule, 10).get("a")).isBetween(490, 506);
    }

    @Test
    void a_namespace_with_many_endpoints_makes_only_its_own_checks_late() {
        CheckSchedule schedule = schedule(new Bounds(200, 50, 1_000, 1_000));
        schedule.follow(port("greedy"), EVERY_SECOND, endpoints(5_000), 0);
        schedule.follow(port("modest"), EVERY_SECOND, endpoints(10), 0);
        Map<String, Integer> counts = checked(schedule, 20);
        assertThat(counts.get("greedy")).isBetween(990, 1_010);
        assertThat(counts.get("modest")).isBetween(180, 210);
    }

    @Test
    void namespaces_take_turns_when_all_of_them_together_want_too_much() {
        CheckSchedule schedule = schedule(new Bounds(100, 80, 1_000, 1_000));
        for (String namespace : List.of("a", "b", "c", "d")) {
            schedule.follow(port(namespace), EVERY_SECOND, endpoints(500), 0);
        }
        assertThat(checked(schedule, 20)).hasSize(4).allSatisfy((name, count) -> assertThat(count).isBetween(450, 550));
    }

    @Test
    void no_more_are_under_way_than_may_and_a_namespace_that_hangs_leaves_room_for_others() {
        CheckSchedule schedule = schedule(new Bounds(1_000, 1_000, 6, 4));
        schedule.follow(port("hanging"), EVERY_SECOND, endpoints(100), 0);
        schedule.follow(port("other"), EVERY_SECOND, endpoints(100), 0);
        long now = 2_000 * MS;
        List<Target> taken = schedule.take(now);
        assertThat(taken).hasSize(6);
        assertThat(schedule.next(now)).isEqualTo(CheckSchedule.NEVER);
        Target other = taken.stream().filter(target -> target.port().equals(port("other"))).findAny().orElseThrow();
        schedule.passed(other, now);
        assertThat(schedule.next(now)).isLessThanOrEqualTo(now + 1 * MS);
        assertThat(schedule.take(now + 10 * MS)).hasSize(1);
    }

    @Test
    void nothing_is_checked_where_none_may_begin() {
        CheckSchedule schedule = schedule(Bounds.of(0));
        schedule.follow(port("a"), EVERY_SECOND, endpoints(10), 0);
        assertThat(schedule.take(TimeUnit.HOURS.toNanos(1))).isEmpty();
        assertThat(schedule.next(0)).isEqualTo(CheckSchedule.NEVER);
    }

    @Test
    void what_is_known_of_an_endpoint_is_kept_while_it_stays_and_forgotten_when_it_goes() {
        CheckSchedule schedule = schedule(WIDE);
        schedule.follow(port("a"), EVERY_SECOND, endpoints(2), 0);
        schedule.take(1_000 * MS).forEach(target -> schedule.failed(target, "it answered 503", 1_000 * MS));
        assertThat(schedule.health(port("a"))).hasSize(2);
        HealthCheck other = new HealthCheck("/", Duration.ofSeconds(2), Duration.ofSeconds(1), 2, 3);
        schedule.follow(port("a"), other, Set.of(Endpoints.address(0)), 1_000 * MS);
        assertThat(schedule.health(port("a"))).containsOnlyKeys(Endpoints.address(0));
        schedule.follow(port("a"), null, endpoints(2), 1_000 * MS);
        assertThat(schedule.health(port("a"))).isEmpty();
        assertThat(schedule.size()).isZero();
        assertThat(schedule.next(0)).isEqualTo(CheckSchedule.NEVER);
    }

    /**
     * Ports come and go, endpoints too, checks pass, fail, hang and cannot be made: the bounds hold at any moment, no endpoint is
     * checked twice at once, nothing that is gone is checked, and at the end nothing is left.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void the_bounds_hold_whatever_happens(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Bounds bounds = new Bounds(1 + random.nextInt(100), 1 + random.nextInt(50), 1 + random.nextInt(20),
                1 + random.nextInt(10));
        CheckSchedule schedule = new CheckSchedule(bounds, random.split());
        Map<ServicePortName, Set<EndpointAddress>> wanted = new HashMap<>();
        List<Target> underWay = new ArrayList<>();
        Deque<Long> begun = new ArrayDeque<>();
        long now = -5_000 * MS;
        for (int step = 0; step < 5_000; step++) {
            now += random.nextInt(60) * MS;
            ServicePortName port = port("ns-" + random.nextInt(4));
            switch (random.nextInt(20)) {
                case 0 -> {
                    wanted.remove(port);
                    schedule.follow(port, null, Set.of(), now);
                }
                case 1, 2 -> {
                    wanted.put(port, endpoints(random.nextInt(40)));
                    schedule.follow(port, EVERY_SECOND, wanted.get(port), now);
                }
                default -> {
                    for (Target target : schedule.take(now)) {
                        assertThat(wanted.getOrDefault(target.port(), Set.of())).as("seed %d", seed)
                                .contains(target.endpoint());
                        assertThat(underWay).as("seed %d", seed).noneMatch(other -> other.isFollowed()
                                && other.port().equals(target.port()) && other.endpoint().equals(target.endpoint()));
                        underWay.add(target);
                        begun.add(now);
                    }
                }
            }
            long second = now - 1_000 * MS;
            begun.removeIf(at -> at - second <= 0);
            assertThat(begun.size()).as("seed %d", seed)
                    .isLessThanOrEqualTo(bounds.perSecond() + bounds.perSecond() / 10
                            + 1);
            assertThat(underWay.size()).as("seed %d", seed).isLessThanOrEqualTo(bounds.underWay());
            while (!underWay.isEmpty() && random.nextInt(3) > 0) {
                Target target = underWay.remove(random.nextInt(underWay.size()));
                switch (random.nextInt(3)) {
                    case 0 -> schedule.passed(target, now);
                    case 1 -> schedule.failed(target, "it answered 503", now);
                    default -> schedule.inconclusive(target, now);
                }
            }
        }
        for (ServicePortName port : Set.copyOf(wanted.keySet())) {
            schedule.follow(port, null, Set.of(), now);
        }
        for (Target target : underWay) {
            schedule.passed(target, now);
        }
        assertThat(schedule.size()).isZero();
        assertThat(schedule.take(now + TimeUnit.HOURS.toNanos(1))).isEmpty();
    }
}
