package io.sluice.balance;

import io.sluice.balance.EndpointPool.Stickiness;
import io.sluice.service.BalancerKind;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.Service;
import io.sluice.service.ServiceAnnotations;
import io.sluice.service.ServicePort;
import io.sluice.service.SessionAffinity;
import java.net.InetAddress;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntSupplier;
import java.util.function.IntUnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Everything that decides where the connections of one Service port go, at one moment: the data path picks by it, the
 * admin API shows it, and it explains itself. Replaced whole with each change; {@link #next} takes over what
 * outlasts a change (turns, the endpoints of clients).
 */
public final class Routing {

    /** The routing of a port that is not proxied, or no longer. */
    public static final Routing NONE = new Routing(null, BalancerKind.ROUND_ROBIN, ServiceAnnotations.NONE, Map.of(),
            List.of(), 0, PortOrders.NONE, EndpointChecks.NONE, Map.of());

    /**
     * What a balancer is given by the data path.
     *
     * @param loads  gives the counter of open connections of an endpoint
     * @param random gives a number from 0 to less than its argument; called by all event loops at once
     */
    public record Tools(Function<EndpointAddress, IntSupplier> loads, IntUnaryOperator random) {}

    /**
     * What decides how a port is balanced, beside its Service and endpoints.
     *
     * @param defaultBalancer for Services without the annotation
     * @param affinity        for {@code sessionAffinity: ClientIP}
     * @param ejected         the endpoints that do not respond, longest ejected first
     * @param maxEjectedShare percent of the endpoints that may be left out at once
     * @param orders          what operators have ordered by hand
     * @param checks          which endpoints fail their health check
     */
    public record Settings(BalancerKind defaultBalancer, AffinityTable affinity, List<EndpointAddress> ejected,
            int maxEjectedShare, PortOrders orders, EndpointChecks checks) {

        /** Nothing is ordered by hand, and nothing is checked. */
        public Settings(BalancerKind defaultBalancer, AffinityTable affinity, List<EndpointAddress> ejected,
                int maxEjectedShare) {
            this(defaultBalancer, affinity, ejected, maxEjectedShare, PortOrders.NONE, EndpointChecks.NONE);
        }

        /** The endpoints to be ejected: those that an operator has ejected before those that do not answer. */
        private List<EndpointAddress> allEjected() {
            List<EndpointAddress> byHand = orders.ejected();
            return byHand.isEmpty()
                    ? ejected
                    : Stream.concat(byHand.stream(), ejected.stream()).distinct().toList();
        }
    }

    private final @Nullable Service service;
    private final BalancerKind kind;
    private final ServiceAnnotations annotations;
    private final Map<IpFamily, EndpointSelection> selections;
    private final List<EndpointAddress> ejected;
    private final int maxEjectedShare;
    private final PortOrders orders;
    private final EndpointChecks checks;
    private final Map<IpFamily, Map<Traffic, EndpointPool>> pools;
    private final Set<EndpointAddress> leftOut;
    private final Set<EndpointAddress> drained;

    private Routing(@Nullable Service service, BalancerKind kind, ServiceAnnotations annotations,
            Map<IpFamily, EndpointSelection> selections, List<EndpointAddress> ejected, int maxEjectedShare,
            PortOrders orders, EndpointChecks checks, Map<IpFamily, Map<Traffic, EndpointPool>> pools) {
        this.service = service;
        this.kind = kind;
        this.annotations = annotations;
        this.selections = selections;
        this.ejected = ejected;
        this.maxEjectedShare = maxEjectedShare;
        this.orders = orders;
        this.checks = checks;
        this.pools = pools;
        Set<EndpointAddress> absent = ejected.isEmpty() && orders.aside().isEmpty() && checks.health().isEmpty()
                ? Set.of()
                : leftOut(pools);
        this.drained = absent.stream().filter(orders::drained).collect(Collectors.toUnmodifiableSet());
        this.leftOut =
                absent.stream().filter(address -> !orders.drained(address)).collect(Collectors.toUnmodifiableSet());
    }

    private static Set<EndpointAddress> leftOut(Map<IpFamily, Map<Traffic, EndpointPool>> pools) {
        Set<EndpointAddress> out = new HashSet<>();
        pools.values().forEach(of -> new HashSet<>(of.values()).forEach(pool -> {
            if (pool.endpoints().size() < pool.candidates().size()) {
                Set<EndpointAddress> absent = new HashSet<>();
                pool.candidates().forEach(e -> absent.add(e.address()));
                pool.endpoints().forEach(e -> absent.remove(e.address()));
                out.addAll(absent);
            }
        }));
        return Set.copyOf(out);
    }

    /**
     * The routing of the same port with these endpoints. Only the families of the Service's own addresses count; each is
     * balanced over its own endpoints.
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

    /** The routing of the same Service and endpoints when other endpoints are ejected. */
    public Routing next(Settings settings, Tools tools, long now) {
        return service == null ? this : next(service, selections, settings, tools, now);
    }

    private Routing next(Service service, Map<IpFamily, EndpointSelection> next, Settings settings, Tools tools,
            long now) {
        ServiceAnnotations nextAnnotations =
                service.equals(this.service) ? annotations : ServiceAnnotations.of(service);
        PortOrders nextOrders = settings.orders();
        BalancerKind nextKind = kind(nextAnnotations, settings);
        boolean sameBalancer = nextKind == kind && nextAnnotations.weights().equals(annotations.weights())
                && nextAnnotations.slowStart().equals(annotations.slowStart()) && nextOrders.sameWeights(orders);
        Stickiness stickiness = service.sessionAffinity() instanceof SessionAffinity.ClientIp affinity
                ? new Stickiness(settings.affinity(), affinity.timeout().toNanos(), nextAnnotations.affinityByService())
                : null;
        Map<IpFamily, Map<Traffic, EndpointPool>> nextPools = new EnumMap<>(IpFamily.class);
        List<EndpointAddress> nextEjected = settings.allEjected();
        next.forEach((family, selection) -> {
            Map<List<Endpoint>, EndpointPool> made = new java.util.HashMap<>();
            Map<Traffic, EndpointPool> byTraffic = new EnumMap<>(Traffic.class);
            for (Traffic traffic : Traffic.values()) {
                List<Endpoint> candidates = selection.endpoints(traffic);
                if (candidates.isEmpty()) {
                    continue;
                }
                // Kinds of traffic that go to the same endpoints share one turn.
                EndpointPool pool = made.get(candidates);
                if (pool == null) {
                    List<Endpoint> usable = EndpointPool.usable(
                            settings.checks().healthy(undrained(candidates, nextOrders)), nextEjected,
                            settings.maxEjectedShare());
                    EndpointPool before = pool(family, traffic);
                    if (sameBalancer && before.same(candidates, usable, stickiness)) {
                        pool = before;
                    } else {
                        Balancer balancer = sameBalancer && !before.endpoints().isEmpty()
                                ? before.balancer().with(usable, now)
                                : balancer(nextKind, nextAnnotations, nextOrders, usable, tools);
                        pool = new EndpointPool(candidates, balancer, stickiness);
                    }
                    made.put(candidates, pool);
                }
                byTraffic.put(traffic, pool);
            }
            nextPools.put(family, byTraffic);
        });
        Routing routing = new Routing(service, nextKind, nextAnnotations, next, List.copyOf(settings.ejected()),
                settings.maxEjectedShare(), nextOrders, settings.checks(), nextPools);
        forgetGone(routing);
        return routing;
    }

    /** With equal weights, taking turns is what weights by hand begin from. */
    private static BalancerKind kind(ServiceAnnotations annotations, Settings settings) {
        BalancerKind asked = annotations.balancer() == null ? settings.defaultBalancer() : annotations.balancer();
        return asked == BalancerKind.ROUND_ROBIN && !settings.orders().weights().isEmpty()
                ? BalancerKind.WEIGHTED_ROUND_ROBIN
                : asked;
    }

    private static List<Endpoint> undrained(List<Endpoint> candidates, PortOrders orders) {
        return orders.drainsAny()
                ? candidates.stream().filter(endpoint -> !orders.drained(endpoint.address())).toList()
                : candidates;
    }

    /** Drops affinity entries of endpoints that are no longer candidates for any traffic. */
    private void forgetGone(Routing next) {
        Set<EndpointAddress> gone = new HashSet<>();
        Set<AffinityTable> tables = new HashSet<>();
        pools.values().forEach(of -> of.values().forEach(pool -> {
            Stickiness stickiness = pool.stickiness();
            if (stickiness != null) {
                tables.add(stickiness.table());
                pool.candidates().forEach(e -> gone.add(e.address()));
            }
        }));
        next.pools.values()
                .forEach(of -> of.values().forEach(pool -> pool.candidates().forEach(e -> gone.remove(e.address()))));
        if (!gone.isEmpty()) {
            tables.forEach(table -> table.forget(gone));
        }
    }

    private static Balancer balancer(BalancerKind kind, ServiceAnnotations annotations, PortOrders orders,
            List<Endpoint> endpoints, Tools tools) {
        IntUnaryOperator random = tools.random();
        // If all are drained, there is none.
        int size = Math.max(1, endpoints.size());
        Balancer balancer = switch (kind) {
            case ROUND_ROBIN -> new RoundRobin(endpoints, random.applyAsInt(size));
            case RANDOM -> new RandomChoice(endpoints, random);
            case LEAST_CONNECTIONS -> new LeastConnections(endpoints, tools.loads(), random);
            case WEIGHTED_ROUND_ROBIN -> new WeightedRoundRobin(endpoints,
                    endpoint -> orders.weight(endpoint.address(), annotations.weight(endpoint)),
                    random.applyAsInt(size));
            case MAGLEV -> new Maglev(endpoints);
        };
        return annotations.slowStart().isZero() || kind == BalancerKind.MAGLEV
                ? balancer
                : new SlowStart(balancer, annotations.slowStart().toNanos(), random);
    }

    private static boolean hasAddressOf(Service service, IpFamily family) {
        return service.clusterIps().stream().anyMatch(ip -> IpFamily.of(ip) == family);
    }

    /** The endpoints for connections of this kind. Any thread. */
    public EndpointPool pool(IpFamily family, Traffic traffic) {
        Map<Traffic, EndpointPool> ofFamily = pools.get(family);
        return ofFamily == null ? EndpointPool.NONE : ofFamily.getOrDefault(traffic, EndpointPool.NONE);
    }

    /** The endpoints by the rules of Kubernetes; families without endpoints are absent. */
    public Map<IpFamily, EndpointSelection> selections() {
        return selections;
    }

    /** The endpoints that serve, ready or terminating, whatever traffic they take. */
    public Set<EndpointAddress> serving() {
        Set<EndpointAddress> serving = new HashSet<>();
        selections.values().forEach(selection -> selection.categorized().stream().map(c -> c.endpoint())
                .filter(e -> e.ready() || e.serving()).forEach(e -> serving.add(e.address())));
        return Collections.unmodifiableSet(serving);
    }

    /** The number of the Service's port with this name; 0 if it has none. */
    public int port(String name) {
        return service == null ? 0
                : service.ports().stream().filter(port -> port.name().equals(name)).mapToInt(ServicePort::port)
                        .findFirst().orElse(0);
    }

    /** How connections are spread. */
    public BalancerKind balancer() {
        return kind;
    }

    /** What the Service's annotations ask for. */
    public ServiceAnnotations annotations() {
        return annotations;
    }

    /** Whether an endpoint gets no traffic that it may take, because it is ejected or fails its health check. */
    public boolean leftOut(EndpointAddress address) {
        return leftOut.contains(address);
    }

    /** How many endpoints get no traffic that they may take, because they are ejected or fail their health check. */
    public int leftOut() {
        return leftOut.size();
    }

    /** Whether an endpoint gets no traffic that it may take, because an operator has drained it. */
    public boolean drained(EndpointAddress address) {
        return drained.contains(address);
    }

    /** How many endpoints get no traffic that they may take, because an operator has drained them. */
    public int drained() {
        return drained.size();
    }

    /** The health check of the port, and what it has come to. */
    public EndpointChecks checks() {
        return checks;
    }

    /** What operators have ordered for endpoints of the port. */
    public PortOrders orders() {
        return orders;
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
