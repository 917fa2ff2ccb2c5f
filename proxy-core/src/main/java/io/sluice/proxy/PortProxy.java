package io.sluice.proxy;

import io.sluice.balance.Lane;
import io.sluice.balance.Routing;
import io.sluice.balance.Traffic;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.PortMeters;
import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import io.sluice.service.ProxyProtocol;
import io.sluice.service.ServicePortName;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One Service port as the data path sees it: its endpoints of each family, ready to be picked from.
 *
 * <p>The control thread replaces the targets whole; event loops read them once for each connection. Connections that
 * are established keep going to their endpoint whatever happens here.
 */
public final class PortProxy {

    /** Endpoints and their meters at the same index. */
    record Targets(Lane lane, List<EndpointMeters> meters) {
        static final Targets NONE = new Targets(Lane.NONE, List.of());
    }

    /** Targets of one family for each kind of traffic. */
    private record FamilyTargets(Targets internal, Targets external, Targets looped) {
        static final FamilyTargets NONE = new FamilyTargets(Targets.NONE, Targets.NONE, Targets.NONE);
    }

    private final ServicePortName name;
    private final PortMeters meters;
    private final AtomicInteger serviceConnections;
    private final HealthListener health;
    private volatile FamilyTargets ipv4 = FamilyTargets.NONE;
    private volatile FamilyTargets ipv6 = FamilyTargets.NONE;
    private volatile List<Cidr> sourceRanges = List.of();
    private volatile ProxyProtocol proxyProtocol = ProxyProtocol.NONE;
    private volatile boolean preserveSource;

    /**
     * A port without endpoints.
     *
     * @param serviceConnections counts the open connections of all ports of the Service; shared by them
     * @param health             is told of endpoints that do not answer
     */
    public PortProxy(ServicePortName name, PortMeters meters, AtomicInteger serviceConnections,
            HealthListener health) {
        this.name = name;
        this.meters = meters;
        this.serviceConnections = serviceConnections;
        this.health = health;
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
        proxyProtocol = routing.options().proxyProtocol();
        ipv4 = targets(routing, IpFamily.IPV4, ipv4);
        ipv6 = targets(routing, IpFamily.IPV6, ipv6);
    }

    private FamilyTargets targets(Routing routing, IpFamily family, FamilyTargets before) {
        return new FamilyTargets(targets(routing.lane(family, Traffic.INTERNAL), before.internal()),
                targets(routing.lane(family, Traffic.EXTERNAL), before.external()),
                targets(routing.lane(family, Traffic.LOOPED), before.looped()));
    }

    private Targets targets(Lane lane, Targets before) {
        return lane == before.lane()
                ? before
                : new Targets(lane, lane.endpoints().stream().map(e -> meters.endpoint(e.address())).toList());
    }

    /** What a connection that arrived at an address of {@code family} may go to. Any thread. */
    Targets targets(IpFamily family, Traffic traffic) {
        FamilyTargets targets = family == IpFamily.IPV4 ? ipv4 : ipv6;
        return switch (traffic) {
            case INTERNAL -> targets.internal();
            case EXTERNAL -> targets.external();
            case LOOPED -> targets.looped();
        };
    }

    /** Who may use the Service's load balancer addresses; empty means everybody. Any thread. */
    List<Cidr> sourceRanges() {
        return sourceRanges;
    }

    /** What endpoints are told of the client. Any thread. */
    ProxyProtocol proxyProtocol() {
        return proxyProtocol;
    }

    /** Endpoints are to see the client's own address from the next connection on, or no longer. Control thread. */
    public void preserveSource(boolean preserve) {
        preserveSource = preserve;
    }

    /** Whether endpoints are to see the client's own address. Any thread. */
    boolean preserveSource() {
        return preserveSource;
    }

    HealthListener health() {
        return health;
    }

    PortMeters meters() {
        return meters;
    }

    AtomicInteger serviceConnections() {
        return serviceConnections;
    }
}
