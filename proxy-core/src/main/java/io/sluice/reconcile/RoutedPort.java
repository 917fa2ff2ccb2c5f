package io.sluice.reconcile;

import io.sluice.service.Endpoint;
import io.sluice.nftables.DirectWay;
import java.util.Optional;
import java.util.HashMap;
import java.util.Map;
import io.sluice.balance.AffinityTable;
import io.sluice.balance.EndpointChecks;
import io.sluice.balance.EndpointSelection;
import io.sluice.balance.EndpointSelection.Categorized;
import io.sluice.balance.PortOrders;
import io.sluice.balance.PreservedTraffic;
import io.sluice.balance.Routing;
import io.sluice.balance.Traffic;
import io.sluice.metrics.PortMeters;
import io.sluice.proxy.ServicePortTargets;
import io.sluice.service.BalancerKind;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.ProxyProtocol;
import io.sluice.service.Service;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One proxied Service port and the routing that was applied for it. Confined to the control thread, but for {@link
 * #routing}.
 */
final class RoutedPort implements OutlierDetector.Subject, HealthChecker.Subject {

    private final ServicePortName name;
    private final ControlThread time;
    private final ServicePortTargets targets;
    private final PortMeters meters;
    private final BalancerKind defaultBalancer;
    private final int maxEjectedShare;
    private final Routing.Tools tools;
    /** The affinity table of this port alone; the ports of a Service may share one instead. */
    private final AffinityTable ownAffinity;
    private AffinityTable affinity;
    private Service service;
    private PortState state;
    /** Null until it is routed for the first time. */
    private @Nullable NodeTopology node;
    private PortOrders orders = PortOrders.NONE;
    private EndpointChecks checks = EndpointChecks.NONE;
    private volatile Routing routing = Routing.NONE;
    private final Consumer<ServicePortName> rerouted;
    /** What {@link #directWays} was made of. */
    private Routing directOf = Routing.NONE;
    private final Map<WayKey, Optional<DirectWay>> directWays = new HashMap<>();

    private record WayKey(IpFamily family, Traffic traffic, boolean masquerade) {}

    /**
     * Routes no connection yet.
     *
     * @param rerouted is told when connections go to other endpoints although the port has the same
     */
    RoutedPort(ServicePortName name, ServicePortTargets targets, PortMeters meters, Service service, PortState state,
            Balancing balancing, ControlThread time, IntUnaryOperator random, Consumer<ServicePortName> rerouted) {
        this.rerouted = rerouted;
        this.name = name;
        this.time = time;
        this.targets = targets;
        this.meters = meters;
        this.service = service;
        this.state = new PortState(state.port(), EndpointSet.EMPTY, null);
        this.defaultBalancer = balancing.balancer();
        this.maxEjectedShare = balancing.ejection().maxShare();
        this.ownAffinity = new AffinityTable(balancing.affinityClients());
        this.affinity = ownAffinity;
        this.tools = new Routing.Tools(address -> meters.endpoint(address)::active,
                random);
    }

    @Override
    public ServicePortName name() {
        return name;
    }

    ServicePortTargets targets() {
        return targets;
    }

    Service service() {
        return service;
    }

    /** The state that was applied last; without endpoints before that. */
    PortState state() {
        return state;
    }

    /** Whether it had an endpoint, and so a client, when it was routed last. */
    boolean hadEndpoints() {
        return node != null && state.whyEmpty() == null;
    }

    AffinityTable ownAffinity() {
        return ownAffinity;
    }

    /** The routing in force. Any thread. */
    Routing routing() {
        return routing;
    }

    /** Whether exactly this was applied last. */
    boolean follows(Service wanted, PortState wantedState, NodeTopology wantedNode) {
        return state.equals(wantedState) && service.equals(wanted) && wantedNode.equals(node);
    }

    /**
     * Routes the next connections to these endpoints.
     *
     * @param affinityTable remembers clients
     * @param ejected       endpoints that do not answer, the longest out first
     * @param ordered       what operators have ordered by hand
     * @param checked       which endpoints fail their health check
     */
    void route(Service wanted, PortState wantedState, NodeTopology wantedNode, AffinityTable affinityTable,
            List<EndpointAddress> ejected, PortOrders ordered, EndpointChecks checked) {
        orders = ordered;
        checks = checked;
        routing = routing.next(wanted, wantedState.endpoints(), wantedNode, settings(affinityTable, ejected), tools,
                time.nanoTime());
        service = wanted;
        affinity = affinityTable;
        inForce();
        meters.endpoints(wantedState.endpoints());
        state = wantedState;
        node = wantedNode;
    }

    /** Sets the traffic in which endpoints see the client's own address, from the next connection on. */
    void preserve(PreservedTraffic traffic) {
        targets.preserve(traffic);
    }

    PreservedTraffic preserved() {
        return targets.preserved();
    }

    /** Routes no connection any more. */
    void retire() {
        routing = Routing.NONE;
        targets.update(routing, List.of());
        meters.retire();
    }

    /** Forgets clients whose last connection is older than the Service's affinity timeout. */
    void sweep(AffinityTable table, long now) {
        table.sweep(service.sessionAffinity() instanceof SessionAffinity.ClientIp sticky
                ? sticky.timeout().toNanos()
                : 0, now);
    }

    /** Whether a client stays with its endpoint. */
    boolean remembersClients() {
        return service.sessionAffinity() instanceof SessionAffinity.ClientIp;
    }

    boolean takes(IpFamily family, Traffic traffic) {
        return !routing.pool(family, traffic).endpoints().isEmpty();
    }

    /**
     * How the kernel leads such connections while no proxy listens; the same object for as long as the routing stays. Endpoints
     * at loopback are not reached so.
     */
    Optional<DirectWay> directWay(IpFamily family, Traffic traffic, boolean masquerade) {
        if (directOf != routing) {
            directOf = routing;
            directWays.clear();
        }
        return directWays.computeIfAbsent(new WayKey(family, traffic, masquerade), key -> {
            List<EndpointAddress> endpoints = routing.pool(family, traffic).endpoints().stream().map(Endpoint::address)
                    .filter(endpoint -> !endpoint.ip().isLoopbackAddress()).limit(DirectWay.MOST).toList();
            return endpoints.isEmpty() ? Optional.empty() : Optional.of(new DirectWay(endpoints, masquerade));
        });
    }

    /**
     * Whether an endpoint of a family that the Service has could take connections, on this node or another: if none does here,
     * it is a policy that excludes them (kube-proxy's hasAnyEndpoints).
     */
    boolean hasAny(IpFamily family) {
        EndpointSelection selection = routing.selections().get(family);
        return selection != null && selection.categorized().stream().map(Categorized::endpoint)
                .anyMatch(endpoint -> endpoint.ready() || endpoint.serving() && endpoint.terminating());
    }

    /**
     * The kinds of traffic for which the port has endpoints, a bit for each, and whether policies exclude any: they decide where
     * the port listens, and what becomes of connections where it does not.
     */
    int traffic() {
        boolean local = service.internalTrafficPolicy() == TrafficPolicy.LOCAL
                || service.externalTrafficPolicy() == TrafficPolicy.LOCAL;
        int traffics = 0;
        for (IpFamily family : IpFamily.values()) {
            for (Traffic traffic : Traffic.values()) {
                traffics = traffics << 1 | (takes(family, traffic) ? 1 : 0);
            }
            traffics = traffics << 1 | (local && hasAny(family) ? 1 : 0);
        }
        return traffics;
    }

    @Override
    public boolean has(EndpointAddress endpoint) {
        return state.endpoints().endpoints().stream().anyMatch(e -> e.address().equals(endpoint));
    }

    @Override
    public @Nullable String pod(EndpointAddress endpoint) {
        return state.endpoints().endpoints().stream().filter(e -> e.address().equals(endpoint)).findFirst()
                .map(Endpoint::target).orElse(null);
    }

    @Override
    public boolean hasOneEndpoint() {
        return state.endpoints().endpoints().size() == 1;
    }

    @Override
    public ProxyProtocol proxyProtocol() {
        return routing.annotations().proxyProtocol();
    }

    @Override
    public void ejectedOne() {
        meters.ejected();
    }

    @Override
    public void reroute(List<EndpointAddress> ejected) {
        routing = routing.next(settings(affinity, ejected), tools, time.nanoTime());
        inForce();
        rerouted.accept(name);
    }

    @Override
    public boolean leftOut(EndpointAddress endpoint) {
        return routing.leftOut(endpoint);
    }

    /** Routes the next connections as operators have ordered, beside the endpoints that do not answer. */
    void order(PortOrders ordered, List<EndpointAddress> ejected) {
        orders = ordered;
        reroute(ejected);
    }

    /** How connections to the port are spread, whatever is ordered by hand. */
    BalancerKind ownBalancer() {
        BalancerKind said = routing.annotations().balancer();
        return said == null ? defaultBalancer : said;
    }

    /** The open connections to {@code endpoint}. */
    int open(EndpointAddress endpoint) {
        return meters.endpoint(endpoint).active();
    }

    @Override
    public void checked(EndpointChecks next, List<EndpointAddress> ejected) {
        checks = next;
        reroute(ejected);
    }

    @Override
    public void checkedOne(boolean passed) {
        meters.checked(passed);
    }

    private void inForce() {
        targets.update(routing, service.loadBalancerSourceRanges());
        meters.ejectedNow(routing.leftOut());
        meters.drainedNow(routing.drained());
        meters.unhealthyNow(checks.check() == null ? -1 : checks.unhealthy());
    }

    private Routing.Settings settings(AffinityTable table, List<EndpointAddress> ejected) {
        return new Routing.Settings(defaultBalancer, table, ejected, maxEjectedShare, orders, checks);
    }
}
