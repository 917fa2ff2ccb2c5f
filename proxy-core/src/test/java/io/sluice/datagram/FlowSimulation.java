package io.sluice.datagram;

import io.sluice.datagram.Flow.Phase;
import io.sluice.datagram.FlowBounds.Bound;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The datagrams of some clients and endpoints, decided by a seed: compares the real {@link FlowTable} with a list of flows
 * that is searched from end to end and has the rules in their plainest form.
 *
 * <p>What has to hold in every step: both know the same flows; a datagram goes to an endpoint that is there and has not just
 * refused, if there is one; the flows that end are those that have to, when they have to; no bound is passed. And when all is over,
 * nothing is left.
 */
final class FlowSimulation {

    private static final long SECOND = 1_000_000_000L;
    private static final int ADDRESSES = 2;

    /** A flow in the list. */
    private static final class Known {
        final Flow flow;
        final int service;
        final FlowTimes times;
        long began;
        long spoke;
        boolean answered;
        boolean stream;
        boolean refused;
        int owed;
        @Nullable
        EndpointAddress endpoint;

        Known(Flow flow, int service, FlowTimes times, long now) {
            this.flow = flow;
            this.service = service;
            this.times = times;
            this.began = now;
            this.spoke = now;
        }

        long deadline() {
            return spoke + (stream ? times.streamNanos() : times.idleNanos());
        }

        void spoken(long now) {
            spoke = now;
            stream |= answered && now - began >= 2 * SECOND;
        }
    }

    private final SplittableRandom random;
    private final FlowBounds bounds;
    private FlowPlaces places;
    private FlowTable<Flow> table;
    private final List<FlowGroup> groups = new ArrayList<>();
    private final List<FlowTimes> times = new ArrayList<>();
    private final List<Set<EndpointAddress>> endpoints = new ArrayList<>();
    private final List<Known> known = new ArrayList<>();
    private final Set<FlowEnd> ends = new HashSet<>();
    /** The flows that have ended since the last check. */
    private final List<Flow> ended = new ArrayList<>();
    private final int clients;
    private long now;

    private FlowSimulation(long seed) {
        random = new SplittableRandom(seed);
        now = random.nextLong(-100 * SECOND, 100 * SECOND);
        int services = random.nextInt(1, 4);
        clients = random.nextInt(1, 12);
        bounds = new FlowBounds(random.nextBoolean() ? 0 : random.nextInt(1, 120),
                random.nextBoolean() ? 0 : random.nextInt(1, 90));
        places = new FlowPlaces(random.nextInt(1, 250), random.nextInt(1, 3));
        table = emptyTable();
        for (int i = 0; i < services; i++) {
            groups.add(new FlowGroup());
            long idle = random.nextLong(1, 40) * SECOND / 2;
            times.add(new FlowTimes(idle, idle * random.nextInt(1, 60), random.nextInt(3) == 0 ? 0
                    : random.nextInt(3)));
            endpoints.add(someEndpoints());
        }
    }

    private FlowTable<Flow> emptyTable() {
        return new FlowTable<>(bounds, places, (flow, why) -> {
            ended.add(flow);
            ends.add(why);
            check(flow.phase() == Phase.ENDED, "it does not know that it has ended");
        }, now);
    }

    /** Plays the history of {@code seed}, and adds to {@code all} how flows have ended. */
    static void run(long seed, Set<FlowEnd> all) {
        try {
            FlowSimulation simulation = new FlowSimulation(seed);
            simulation.play();
            all.addAll(simulation.ends);
        } catch (AssertionError | RuntimeException broken) {
            throw new AssertionError("seed " + seed + ": " + broken.getMessage(), broken);
        }
    }

    private void play() {
        int steps = random.nextInt(20, 500);
        int patience = random.nextInt(1, 20);
        for (int i = 0; i < steps; i++) {
            int dice = random.nextInt(100);
            if (dice < 55) {
                clientSpeaks();
            } else if (dice < 80) {
                endpointSpeaks();
            } else if (dice < 84) {
                endpointRefuses();
            } else if (dice < 88) {
                endpoints.set(random.nextInt(groups.size()), someEndpoints());
            } else if (dice < 89) {
                addressCloses();
            } else if (dice < 89 + patience / 2) {
                timePasses(random.nextLong(1, 1 + patience * SECOND));
            }
            if (random.nextInt(200) == 0) {
                nextProcessTakesOver();
            }
            agree();
        }
        timePasses(times.stream().mapToLong(FlowTimes::streamNanos).max().orElse(0) + SECOND);
        agree();
        check(known.isEmpty(), known.size() + " flows are left");
        check(table.size() == 0 && places.taken() == 0, "the table is not empty");
        check(groups.stream().allMatch(g -> g.size() == 0 && g.clients() == 0 && Ranking.number(g) == 0),
                "a Service's flows are not all gone");
    }

    private Set<EndpointAddress> someEndpoints() {
        Set<EndpointAddress> some = new HashSet<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            some.add(new EndpointAddress(IpAddresses.parse("10.1.0." + random.nextInt(1, 4)),
                    random.nextInt(8080, 8082)));
        }
        return Set.copyOf(some);
    }

    private void clientSpeaks() {
        int service = random.nextInt(groups.size());
        FlowKey key = new FlowKey();
        // The first client sends more than the others.
        int client = random.nextBoolean() ? 0 : random.nextInt(clients);
        key.client(0, client, random.nextInt(1, client == 0 ? 200 : 20));
        key.local(1, service, random.nextInt(ADDRESSES));
        Flow flow = table.find(key);
        Known mine = known.stream().filter(k -> k.flow.key().equals(key)).findFirst().orElse(null);
        check(Objects.equals(mine == null ? null : mine.flow, flow), "it does not find a flow that is there");
        if (flow == null || mine == null) {
            mine = begin(key, service);
            if (mine == null) {
                return;
            }
            flow = mine.flow;
        }
        Set<EndpointAddress> there = endpoints.get(service);
        boolean mayStay = mine.endpoint != null && there.contains(mine.endpoint) && !mine.refused;
        check(flow.stays(there) == mayStay, "it stays where it must not, or moves without need");
        if (!mayStay) {
            Set<EndpointAddress> avoided = flow.avoided();
            check(avoided.equals(mine.refused ? Set.of(Objects.requireNonNull(mine.endpoint)) : Set.of()),
                    "it does not know who has refused");
            EndpointAddress chosen = there.stream().filter(e -> !avoided.contains(e)).findAny()
                    .orElse(there.stream().findAny().orElse(null));
            if (chosen == null) {
                table.end(flow, FlowEnd.NO_ENDPOINT);
                hasEnded(List.of(mine));
                return;
            }
            flow.goesTo(chosen, there);
            mine.endpoint = chosen;
            mine.refused = false;
            mine.owed = 0;
        }
        flow.asked(now);
        mine.owed += mine.times.replies();
        mine.spoken(now);
    }

    private @Nullable Known begin(FlowKey key, int service) {
        List<Known> leaving = new ArrayList<>();
        Bound expected = room(key, service, leaving);
        Bound bound = table.admit(key, groups.get(service));
        check(bound == expected, "room for a flow: " + bound + " instead of " + expected);
        hasEnded(leaving);
        if (bound != null) {
            return null;
        }
        Flow flow = new Flow(key, times.get(service), now);
        table.add(flow, groups.get(service));
        Known mine = new Known(flow, service, times.get(service), now);
        known.add(mine);
        return mine;
    }

    /** Decides by the plainest rules which flows leave, and which bound is reached all the same. */
    private @Nullable Bound room(FlowKey key, int service, List<Known> leaving) {
        List<Known> left = new ArrayList<>(known);
        Predicate<Known> ofService = k -> k.service == service;
        Predicate<Known> ofClient = k -> ofService.test(k) && k.flow.key().sameClient(key);
        if (bounds.perClient() > 0 && left.stream().filter(ofClient).count() >= bounds.perClient()
                && !leaves(left.stream().filter(ofClient).filter(k -> !k.stream).findFirst().orElse(null), left,
                        leaving)) {
            return Bound.CLIENT;
        }
        if (bounds.perService() > 0 && left.stream().filter(ofService).count() >= bounds.perService()
                && !leaves(first(left, service), left, leaving)) {
            return Bound.SERVICE;
        }
        // One table has the places for itself, and one that gave way is enough.
        if (left.size() < places.most()) {
            return null;
        }
        Map<Integer, Long> numbers = left.stream().filter(k -> !k.stream)
                .collect(Collectors.groupingBy(k -> k.service, Collectors.counting()));
        long most = numbers.values().stream().mapToLong(n -> n).max().orElse(0);
        List<Integer> largest = numbers.keySet().stream().filter(s -> numbers.get(s) == most).toList();
        // Of several that are alike any may be taken: the list follows the table.
        int taken = largest.isEmpty() ? -1 : largest.size() == 1 ? largest.getFirst() : groups.indexOf(mostOf(largest));
        return leaves(taken < 0 ? null : first(left, taken), left, leaving) ? null : Bound.OVERALL;
    }

    private FlowGroup mostOf(List<Integer> largest) {
        return largest.stream().map(groups::get).filter(g -> g.before == null && g.rank != null).findFirst()
                .orElseThrow(() -> new AssertionError("the ranking has lost its head"));
    }

    private static boolean leaves(@Nullable Known flow, List<Known> left, List<Known> leaving) {
        if (flow == null) {
            return false;
        }
        left.remove(flow);
        leaving.add(flow);
        return true;
    }

    private static @Nullable Known first(List<Known> left, int service) {
        List<Known> yielding = left.stream().filter(k -> k.service == service && !k.stream).toList();
        Map<Long, List<Known>> byClient =
                yielding.stream().collect(Collectors.groupingBy(k -> k.flow.key().clientLow()));
        List<Known> largest =
                byClient.values().stream().max(Comparator.comparingInt(List::size)).orElse(List.of());
        return largest.size() > Math.max(64, yielding.size() / 16) ? largest.getFirst()
                : yielding.isEmpty() ? null : yielding.getFirst();
    }

    private void endpointSpeaks() {
        Known mine = someone();
        if (mine == null) {
            return;
        }
        boolean last = mine.flow.answered(now);
        mine.answered = true;
        mine.spoken(now);
        check(last == (mine.times.replies() > 0 && --mine.owed <= 0), "it ends with the wrong reply");
        if (last) {
            table.end(mine.flow, FlowEnd.ANSWERED);
            hasEnded(List.of(mine));
        }
    }

    private void endpointRefuses() {
        Known mine = someone();
        if (mine != null) {
            mine.flow.refused();
            mine.refused = true;
        }
    }

    private @Nullable Known someone() {
        List<Known> spoken = known.stream().filter(k -> k.endpoint != null).toList();
        return spoken.isEmpty() ? null : spoken.get(random.nextInt(spoken.size()));
    }

    private void addressCloses() {
        FlowKey local = new FlowKey();
        int service = random.nextInt(groups.size());
        local.local(1, service, random.nextInt(ADDRESSES));
        table.endAll(groups.get(service), flow -> flow.key().sameLocal(local), FlowEnd.CLOSED);
        hasEnded(known.stream().filter(k -> k.flow.key().sameLocal(local)).toList());
    }

    private void timePasses(long nanos) {
        now += nanos;
        while (table.expire(now, random.nextInt(1, 50))) {
            check(ended.stream().noneMatch(f -> f.deadline() > now), "a flow ended before its time");
        }
        check(ended.stream().noneMatch(f -> f.deadline() > now), "a flow ended before its time");
        check(known.stream().noneMatch(k -> k.deadline() < now - SECOND && !ended.contains(k.flow)),
                "a flow did not end in time");
        hasEnded(known.stream().filter(k -> ended.contains(k.flow)).toList());
    }

    private void hasEnded(List<Known> expected) {
        check(new HashSet<>(ended).equals(expected.stream().map(k -> k.flow).collect(Collectors.toSet()))
                && ended.size() == expected.size(), ended.size() + " flows ended, " + expected.size() + " had to");
        known.removeAll(expected);
        ended.clear();
    }

    private void agree() {
        check(table.size() == known.size(), "it has " + table.size() + " flows, and " + known.size() + " are there");
        check(places.taken() == table.size(), "places");
        for (Known one : known) {
            check(one.flow.deadline() == one.deadline() && (one.flow.phase() == Phase.STREAM) == one.stream,
                    "a flow's time");
        }
        for (int i = 0; i < groups.size(); i++) {
            int service = i;
            List<Known> flows = known.stream().filter(k -> k.service == service).toList();
            check(groups.get(i).size() == flows.size()
                    && groups.get(i).clients() == flows.stream().map(k -> k.flow.key().clientLow()).distinct().count()
                    && Ranking.number(groups.get(i)) == flows.stream().filter(k -> !k.stream).count(),
                    "the flows of a Service");
        }
    }

    /** All flows pass to a process that has another clock. */
    private void nextProcessTakesOver() {
        List<Known> before = List.copyOf(known);
        List<PassedFlow> passed = new ArrayList<>();
        for (Known one : before) {
            EndpointAddress endpoint = Objects.requireNonNull(one.endpoint);
            passed.add(new PassedFlow(one.flow.key(), 0, "port", endpoint, one.flow.life(now), 1, 2, 3, 4));
        }
        groups.forEach(group -> table.endAll(group, flow -> true, FlowEnd.HANDED_OVER));
        hasEnded(before);
        check(table.size() == 0 && places.taken() == 0, "flows that have passed are left");
        long ahead = random.nextLong(-50 * SECOND, 50 * SECOND);
        now += ahead;
        places = new FlowPlaces(places.most(), 1);
        table = emptyTable();
        List<PassedFlow> received;
        try {
            received = PassedFlow.decode(PassedFlow.encode(passed));
        } catch (IOException e) {
            throw new AssertionError("a message that is not understood", e);
        }
        check(received.equals(passed), "the flows are others");
        for (int i = 0; i < before.size(); i++) {
            Known one = before.get(i);
            Known next = new Known(new Flow(received.get(i).key(), one.times, now), one.service, one.times, now);
            next.flow.resume(received.get(i).life(), received.get(i).endpoint(), now);
            next.began = one.began + ahead;
            next.spoke = one.spoke + ahead;
            next.answered = one.answered;
            next.stream = one.stream;
            next.owed = one.owed;
            next.endpoint = one.endpoint;
            table.add(next.flow, groups.get(one.service));
            known.add(next);
        }
    }

    private static void check(boolean holds, String rule) {
        if (!holds) {
            throw new AssertionError(rule);
        }
    }
}
