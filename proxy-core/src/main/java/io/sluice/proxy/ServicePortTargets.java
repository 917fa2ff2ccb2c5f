package io.sluice.proxy;

import io.sluice.balance.EndpointPool;
import io.sluice.balance.PreservedTraffic;
import io.sluice.balance.Routing;
import io.sluice.balance.Traffic;
import io.sluice.datagram.FlowGroup;
import io.sluice.datagram.FlowTimes;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.PortMeters;
import io.sluice.service.Cidr;
import io.sluice.service.EndpointAddress;
import io.sluice.service.HandoffPolicy;
import io.sluice.service.IpFamily;
import io.sluice.service.PeerTimeouts;
import io.sluice.service.Protocol;
import io.sluice.service.ProxyProtocol;
import io.sluice.service.ServiceAnnotations;
import io.sluice.service.ServicePortName;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One Service port as the data path sees it: its endpoints of each family, to pick from.
 *
 * <p>The control thread replaces the targets whole; event loops read them once for each connection. Established
 * connections stay with their endpoint whatever changes here.
 */
public final class ServicePortTargets {

    /** Endpoints and their meters at the same index. */
    record Targets(EndpointPool pool, List<EndpointMeters> meters) {
        static final Targets NONE = new Targets(EndpointPool.NONE, List.of());
    }

    /** Targets of one family for each kind of traffic. */
    private record FamilyTargets(Targets internal, Targets external, Targets shortCircuit) {
        static final FamilyTargets NONE = new FamilyTargets(Targets.NONE, Targets.NONE, Targets.NONE);
    }

    /** Of ports that are not for datagrams: nobody adds to it. */
    private static final FlowGroup NO_FLOWS = new FlowGroup();

    private final ServicePortName name;
    private final PortMeters meters;
    private final AtomicInteger serviceConnections;
    private final HealthListener health;
    private volatile FamilyTargets ipv4 = FamilyTargets.NONE;
    private volatile FamilyTargets ipv6 = FamilyTargets.NONE;
    private volatile List<Cidr> sourceRanges = List.of();
    private volatile ProxyProtocol proxyProtocol = ProxyProtocol.NONE;
    private volatile PeerTimeouts.Said peers = PeerTimeouts.Said.NONE;
    private volatile @Nullable HandoffPolicy handoff;
    private volatile PreservedTraffic preserved = PreservedTraffic.NONE;
    /** Of a port for datagrams. */
    private final FlowGroup flows;
    private final FlowSettings flowSettings;
    private volatile Set<EndpointAddress> serving = Set.of();
    private volatile FlowTimes flowTimes;

    /**
     * A port for connections, without endpoints.
     *
     * @param serviceConnections counts the open connections of all ports of the Service; shared by them
     * @param health             receives reports of endpoints that do not respond
     */
    public ServicePortTargets(ServicePortName name, PortMeters meters, AtomicInteger serviceConnections,
            HealthListener health) {
        this(name, meters, serviceConnections, health, NO_FLOWS, FlowSettings.DEFAULT);
    }

    /**
     * The same with flows of datagrams.
     *
     * @param flows        those of all ports of the Service; shared by them
     * @param flowSettings where the Service does not say
     */
    public ServicePortTargets(ServicePortName name, PortMeters meters, AtomicInteger serviceConnections,
            HealthListener health, FlowGroup flows, FlowSettings flowSettings) {
        this.name = name;
        this.meters = meters;
        this.serviceConnections = serviceConnections;
        this.health = health;
        this.flows = flows;
        this.flowSettings = flowSettings;
        this.flowTimes = flowSettings.times(ServiceAnnotations.NONE, 0);
    }

    public ServicePortName name() {
        return name;
    }

    /**
     * Replaces the endpoints; takes effect with the next connection. Control thread.
     *
     * @param ranges {@code loadBalancerSourceRanges}
     */
    public void update(Routing routing, List<Cidr> ranges) {
        sourceRanges = ranges;
        proxyProtocol = routing.annotations().proxyProtocol();
        peers = routing.annotations().peers();
        handoff = routing.annotations().handoff();
        ipv4 = targets(routing, IpFamily.IPV4, ipv4);
        ipv6 = targets(routing, IpFamily.IPV6, ipv6);
        if (name.protocol() == Protocol.UDP) {
            Set<EndpointAddress> now = routing.serving();
            if (!now.equals(serving)) {
                serving = now;
            }
            flowTimes = flowSettings.times(routing.annotations(), routing.port(name.port()));
        }
    }

    private FamilyTargets targets(Routing routing, IpFamily family, FamilyTargets before) {
        return new FamilyTargets(targets(routing.pool(family, Traffic.INTERNAL), before.internal()),
                targets(routing.pool(family, Traffic.EXTERNAL), before.external()),
                targets(routing.pool(family, Traffic.SHORT_CIRCUIT), before.shortCircuit()));
    }

    private Targets targets(EndpointPool pool, Targets before) {
        return pool == before.pool()
                ? before
                : new Targets(pool, pool.endpoints().stream().map(e -> meters.endpoint(e.address())).toList());
    }

    /** The targets of a connection to an address of {@code family}. Any thread. */
    Targets targets(IpFamily family, Traffic traffic) {
        FamilyTargets targets = family == IpFamily.IPV4 ? ipv4 : ipv6;
        return switch (traffic) {
            case INTERNAL -> targets.internal();
            case EXTERNAL -> targets.external();
            case SHORT_CIRCUIT -> targets.shortCircuit();
        };
    }

    /** The clients that may use the Service's load balancer addresses; empty means all. Any thread. */
    List<Cidr> sourceRanges() {
        return sourceRanges;
    }

    /** The PROXY protocol that gives endpoints the client's address. Any thread. */
    ProxyProtocol proxyProtocol() {
        return proxyProtocol;
    }

    /** When clients and endpoints are taken for dead, {@code defaults} where the Service does not say. Any thread. */
    PeerTimeouts peers(PeerTimeouts defaults) {
        return peers.over(defaults);
    }

    /**
     * When its connections are handed to the kernel, by {@code settings} where the Service does not say. Those with a header
     * before the first byte are not handed over at once. Any thread.
     */
    HandoffPolicy handoff(HandoffSettings settings) {
        HandoffPolicy said = handoff;
        HandoffPolicy policy =
                said == null || settings.policy() == HandoffPolicy.NEVER ? settings.policy() : said;
        boolean atOnce = settings.atOnce() && proxyProtocol == ProxyProtocol.NONE;
        return policy == HandoffPolicy.EAGER && !atOnce ? HandoffPolicy.AUTO : policy;
    }

    /** Endpoints see the client's own address in this traffic, from the next connection on. Control thread. */
    public void preserve(PreservedTraffic traffic) {
        preserved = traffic;
    }

    /** The traffic in which endpoints see the client's own address. Any thread. */
    public PreservedTraffic preserved() {
        return preserved;
    }

    HealthListener health() {
        return health;
    }

    /**
     * The endpoints that serve, ready or terminating: with them flows stay. The same object as long as they are the same.
     * Any thread.
     */
    Set<EndpointAddress> serving() {
        return serving;
    }

    /** How long its flows live that begin now. Any thread. */
    FlowTimes flowTimes() {
        return flowTimes;
    }

    /** The flows of its Service; on the event loop where they live. */
    FlowGroup flows() {
        return flows;
    }

    PortMeters meters() {
        return meters;
    }

    AtomicInteger serviceConnections() {
        return serviceConnections;
    }
}
