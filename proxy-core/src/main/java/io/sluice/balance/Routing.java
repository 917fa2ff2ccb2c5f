package io.sluice.balance;

import io.sluice.balance.Lane.Stickiness;
import io.sluice.service.BalancerKind;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.Service;
import io.sluice.service.ServiceOptions;
import io.sluice.service.SessionAffinity;
import java.net.InetAddress;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntSupplier;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Everything that decides where the connections of one Service port go, at one moment: the data path picks by it, the
 * admin API shows it, and it explains itself. Replaced whole with each change; what goes on across changes (turns, who
 * went where) is taken over by {@link #next}.
 */
public final class Routing {

    /** Of a port that is not proxied, or not any more. */
    public static final Routing NONE = new Routing(null, BalancerKind.ROUND_ROBIN, ServiceOptions.NONE, Map.of(),
            List.of(), 0, Map.of());

    /**
     * What a balancer needs from outside.
     *
     * @param loads  says how many connections are open to an endpoint
     * @param random gives a number from 0 to less than its argument; called by all event loops at once
     */
    public record Tools(Function<EndpointAddress, IntSupplier> loads, IntUnaryOperator random) {}

    /**
     * How a port is to be balanced, beside its Service and endpoints.
     *
     * @param defaultBalancer for Services that do not say
     * @param affinity        for {@code sessionAffinity: ClientIP}
     * @param ejected         who does not answer, first who has not for longest
     * @param maxEjectedShare percent of the endpoints that may be left out at once
     */
    public record Settings(BalancerKind defaultBalancer, AffinityTable affinity, List<EndpointAddress> ejected,
            int maxEjectedShare) {}

    private final @Nullable Service service;
    private final BalancerKind kind;
    private final ServiceOptions options;
    private final Map<IpFamily, EndpointSelection> selections;
    private final List<EndpointAddress> ejected;
    private final int maxEjectedShare;
    private final Map<IpFamily, Map<Traffic, Lane>> lanes;
    private final Set<EndpointAddress> leftOut;

    private Routing(@Nullable Service service, BalancerKind kind, ServiceOptions options,
            Map<IpFamily, EndpointSelection> selections, List<EndpointAddress> ejected, int maxEjectedShare,
            Map<IpFamily, Map<Traffic, Lane>> lanes) {
        this.service = service;
        this.kind = kind;
        this.options = options;
        this.selections = selections;
        this.ejected = ejected;
        this.maxEjectedShare = maxEjectedShare;
        this.lanes = lanes;
        this.leftOut = ejected.isEmpty() ? Set.of() : leftOut(lanes);
    }

    private static Set<EndpointAddress> leftOut(Map<IpFamily, Map<Traffic, Lane>> lanes) {
        Set<EndpointAddress> out = new HashSet<>();
        lanes.values().forEach(of -> new HashSet<>(of.values()).forEach(lane -> {
            if (lane.endpoints().size() < lane.candidates().size()) {
                Set<EndpointAddress> absent = new HashSet<>();
                lane.candidates().forEach(e -> absent.add(e.address()));
                lane.endpoints().forEach(e -> absent.remove(e.address()));
                out.addAll(absent);
            }
        }));
        return Set.copyOf(out);
    }

    /**
     * What a port with these endpoints comes to. Only the families of the Service's own addresses count: each is balanced
     * over its own endpoints.
     *
     * @param now nanoseconds of a monotonic clock
     */
    public Routing next(Service service, EndpointSet endpoints, NodeTopology node, Settings settings, Tools tools,
            long now) {
        Map<IpFamily, EndpointSelection> next = new EnumMap<>(IpFamily.class);
        for (IpFamily family : IpFamily.values()) {
            EndpointSet ofFamily = endpoints.of(family);
            if (!ofFamily.isEmpty() && hasAddressOf(service, family)) {
                next.put(family, EndpointSelection.of(service, ofFamily, node));
            }
        }
        return next(service, next, settings, tools, now);
    }

    /** The same Service and endpoints, while others of them do not answer. */
    public Routing next(Settings settings, Tools tools, long now) {
        return service == null ? this : next(service, selections, settings, tools, now);
    }

    private Routing next(Service service, Map<IpFamily, EndpointSelection> next, Settings settings, Tools tools,
            long now) {
        ServiceOptions nextOptions =
                service.equals(this.service) ? options : ServiceOptions.of(service);
        BalancerKind nextKind =
                nextOptions.balancer() == null ? settings.defaultBalancer() : nextOptions.balancer();
        boolean sameBalancer = nextKind == kind && nextOptions.weights().equals(options.weights())
                && nextOptions.slowStart().equals(options.slowStart());
        Stickiness stickiness = service.sessionAffinity() instanceof SessionAffinity.ClientIp affinity
                ? new Stickiness(settings.affinity(), affinity.timeout().toNanos(), nextOptions.affinityByService())
                : null;
        Map<IpFamily, Map<Traffic, Lane>> nextLanes = new EnumMap<>(IpFamily.class);
        next.forEach((family, selection) -> {
            Map<List<Endpoint>, Lane> made = new java.util.HashMap<>();
            Map<Traffic, Lane> byTraffic = new EnumMap<>(Traffic.class);
            for (Traffic traffic : Traffic.values()) {
                List<Endpoint> candidates = selection.endpoints(traffic);
                if (candidates.isEmpty()) {
                    continue;
                }
                // Kinds of traffic that go to the same endpoints share one turn.
                Lane lane = made.get(candidates);
                if (lane == null) {
                    List<Endpoint> usable = Lane.usable(candidates, settings.ejected(), settings.maxEjectedShare());
                    Lane before = lane(family, traffic);
                    if (sameBalancer && before.same(candidates, usable, stickiness)) {
                        lane = before;
                    } else {
                        Balancer balancer = sameBalancer && !before.endpoints().isEmpty()
                                ? before.balancer().with(usable, now)
                                : balancer(nextKind, nextOptions, usable, tools);
                        lane = new Lane(candidates, balancer, stickiness);
                    }
                    made.put(candidates, lane);
                }
                byTraffic.put(traffic, lane);
            }
            nextLanes.put(family, byTraffic);
        });
        Routing routing = new Routing(service, nextKind, nextOptions, next, List.copyOf(settings.ejected()),
                settings.maxEjectedShare(), nextLanes);
        forgetThoseGone(routing);
        return routing;
    }

    /** Who takes no traffic of any kind any more has no clients that stay with it. */
    private void forgetThoseGone(Routing next) {
        Set<EndpointAddress> gone = new HashSet<>();
        Set<AffinityTable> tables = new HashSet<>();
        lanes.values().forEach(of -> of.values().forEach(lane -> {
            Stickiness stickiness = lane.stickiness();
            if (stickiness != null) {
                tables.add(stickiness.table());
                lane.candidates().forEach(e -> gone.add(e.address()));
            }
        }));
        next.lanes.values()
                .forEach(of -> of.values().forEach(lane -> lane.candidates().forEach(e -> gone.remove(e.address()))));
        if (!gone.isEmpty()) {
            tables.forEach(table -> table.forget(gone));
        }
    }

    private static Balancer balancer(BalancerKind kind, ServiceOptions options, List<Endpoint> endpoints,
            Tools tools) {
        IntUnaryOperator random = tools.random();
        Balancer balancer = switch (kind) {
            case ROUND_ROBIN -> new RoundRobin(endpoints, random.applyAsInt(endpoints.size()));
            case RANDOM -> new RandomChoice(endpoints, random);
            case LEAST_CONNECTIONS -> new LeastConnections(endpoints, tools.loads(), random);
            case WEIGHTED_ROUND_ROBIN ->
                    new WeightedRoundRobin(endpoints, options::weight, random.applyAsInt(endpoints.size()));
            case MAGLEV -> new Maglev(endpoints);
        };
        return options.slowStart().isZero() || kind == BalancerKind.MAGLEV
                ? balancer
                : new SlowStart(balancer, options.slowStart().toNanos(), random);
    }

    private static boolean hasAddressOf(Service service, IpFamily family) {
        return service.clusterIps().stream().anyMatch(ip -> IpFamily.of(ip) == family);
    }

    /** What connections of this kind are spread over. Any thread. */
    public Lane lane(IpFamily family, Traffic traffic) {
        Map<Traffic, Lane> ofFamily = lanes.get(family);
        return ofFamily == null ? Lane.NONE : ofFamily.getOrDefault(traffic, Lane.NONE);
    }

    /** What the rules of Kubernetes make of the endpoints; families without endpoints are absent. */
    public Map<IpFamily, EndpointSelection> selections() {
        return selections;
    }

    /** How connections are spread. */
    public BalancerKind balancer() {
        return kind;
    }

    /** What the Service's annotations ask for. */
    public ServiceOptions options() {
        return options;
    }

    /** Whether an endpoint is left out of the traffic that it may take, because it does not answer. */
    public boolean leftOut(EndpointAddress address) {
        return leftOut.contains(address);
    }

    /** How many endpoints are left out of traffic that they may take. */
    public int leftOut() {
        return leftOut.size();
    }

    /**
     * Why a connection of this kind goes where it goes.
     *
     * @param client null if it does not matter
     * @param now    nanoseconds of the same clock
     */
    public Explanation explain(IpFamily family, Traffic traffic, @Nullable InetAddress client, long now) {
        if (service == null) {
            return Explanation.NOTHING;
        }
        return Explanation.of(service, this, family, traffic, client, now);
    }

    /** Percent of the endpoints that may be left out at once. */
    int maxEjectedShare() {
        return maxEjectedShare;
    }

    List<EndpointAddress> ejected() {
        return ejected;
    }
}
