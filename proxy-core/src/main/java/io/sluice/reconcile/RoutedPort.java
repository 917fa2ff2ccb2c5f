package io.sluice.reconcile;

import io.sluice.balance.AffinityTable;
import io.sluice.balance.Routing;
import io.sluice.balance.Traffic;
import io.sluice.metrics.PortMeters;
import io.sluice.proxy.PortProxy;
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
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** One proxied Service port and the routing that was applied for it. Confined to the control thread, but for {@link #routing}. */
final class RoutedPort implements OutlierDetector.Subject {

    private final ServicePortName name;
    private final PortProxy proxy;
    private final PortMeters meters;
    private final BalancerKind defaultBalancer;
    private final int maxEjectedShare;
    private final Routing.Tools tools;
    /** Of this port alone; Services may share one between their ports. */
    private final AffinityTable ownAffinity;
    private AffinityTable affinity;
    private Service service;
    private PortState state;
    /** Null until it is routed for the first time. */
    private @Nullable NodeTopology node;
    private volatile Routing routing = Routing.NONE;

    /** Routes no connection yet. */
    RoutedPort(ServicePortName name, PortProxy proxy, PortMeters meters, Service service, PortState state,
            Balancing balancing) {
        this.name = name;
        this.proxy = proxy;
        this.meters = meters;
        this.service = service;
        this.state = new PortState(state.port(), EndpointSet.EMPTY, null);
        this.defaultBalancer = balancing.balancer();
        this.maxEjectedShare = balancing.ejection().maxShare();
        this.ownAffinity = new AffinityTable(balancing.affinityClients());
        this.affinity = ownAffinity;
        this.tools = new Routing.Tools(address -> meters.endpoint(address)::active,
                bound -> ThreadLocalRandom.current().nextInt(bound));
    }

    @Override
    public ServicePortName name() {
        return name;
    }

    PortProxy proxy() {
        return proxy;
    }

    Service service() {
        return service;
    }

    /** The state that was applied last; without endpoints before that. */
    PortState state() {
        return state;
    }

    AffinityTable ownAffinity() {
        return ownAffinity;
    }

    /** Where connections go at the moment. Any thread. */
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
     */
    void route(Service wanted, PortState wantedState, NodeTopology wantedNode, AffinityTable affinityTable,
            List<EndpointAddress> ejected) {
        routing = routing.next(wanted, wantedState.endpoints(), wantedNode, settings(affinityTable, ejected), tools,
                System.nanoTime());
        service = wanted;
        affinity = affinityTable;
        inForce();
        meters.endpoints(wantedState.endpoints());
        state = wantedState;
        node = wantedNode;
    }

    /** Endpoints see the client's own address from the next connection on, if the Service asks for it and it works. */
    void preserveSource(boolean works) {
        proxy.preserveSource(works && routing.options().preserveSource());
    }

    /** Routes no connection any more. */
    void retire() {
        routing = Routing.NONE;
        proxy.update(routing, List.of());
        meters.retire();
    }

    /** Forgets clients that have not come for longer than the Service remembers them. */
    void sweep(AffinityTable table, long now) {
        table.sweep(service.sessionAffinity() instanceof SessionAffinity.ClientIp sticky
                ? sticky.timeout().toNanos()
                : 0, now);
    }

    boolean takes(IpFamily family, Traffic traffic) {
        return !routing.lane(family, traffic).endpoints().isEmpty();
    }

    /** Which kinds of traffic the port has endpoints for, a bit for each: it decides where the port listens. */
    int traffic() {
        int traffics = 0;
        for (IpFamily family : IpFamily.values()) {
            for (Traffic traffic : Traffic.values()) {
                traffics = traffics << 1 | (takes(family, traffic) ? 1 : 0);
            }
        }
        return traffics;
    }

    @Override
    public boolean has(EndpointAddress endpoint) {
        return state.endpoints().endpoints().stream().anyMatch(e -> e.address().equals(endpoint));
    }

    @Override
    public ProxyProtocol proxyProtocol() {
        return routing.options().proxyProtocol();
    }

    @Override
    public void ejectedOne() {
        meters.ejected();
    }

    @Override
    public void reroute(List<EndpointAddress> ejected) {
        routing = routing.next(settings(affinity, ejected), tools, System.nanoTime());
        inForce();
    }

    @Override
    public boolean leftOut(EndpointAddress endpoint) {
        return routing.leftOut(endpoint);
    }

    private void inForce() {
        proxy.update(routing, service.loadBalancerSourceRanges());
        meters.ejectedNow(routing.leftOut());
    }

    private Routing.Settings settings(AffinityTable table, List<EndpointAddress> ejected) {
        return new Routing.Settings(defaultBalancer, table, ejected, maxEjectedShare);
    }
}
