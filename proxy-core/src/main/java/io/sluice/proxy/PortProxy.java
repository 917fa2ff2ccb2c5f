package io.sluice.proxy;

import io.sluice.balance.Balancer;
import io.sluice.balance.EndpointSelection;
import io.sluice.balance.RoundRobin;
import io.sluice.balance.Traffic;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.PortMeters;
import io.sluice.service.Cidr;
import io.sluice.service.Endpoint;
import io.sluice.service.IpFamily;
import io.sluice.service.ServicePortName;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One Service port as the data path sees it: its endpoints of each family, ready to be picked from.
 *
 * <p>The control thread replaces the targets whole; event loops read them once for each connection. Connections that
 * are established keep going to their endpoint whatever happens here.
 */
public final class PortProxy {

    /** Endpoints and their meters at the same index. */
    record Targets(Balancer balancer, List<EndpointMeters> meters) {
        static final Targets NONE = new Targets(new RoundRobin(List.of(), 0), List.of());
    }

    /** Targets of one family for each kind of traffic. */
    private record FamilyTargets(Targets internal, Targets external, Targets looped) {
        static final FamilyTargets NONE = new FamilyTargets(Targets.NONE, Targets.NONE, Targets.NONE);
    }

    private final ServicePortName name;
    private final PortMeters meters;
    private final AtomicInteger serviceConnections;
    private volatile FamilyTargets ipv4 = FamilyTargets.NONE;
    private volatile FamilyTargets ipv6 = FamilyTargets.NONE;
    private volatile List<Cidr> sourceRanges = List.of();

    /**
     * A port without endpoints.
     *
     * @param serviceConnections counts the open connections of all ports of the Service; shared by them
     */
    public PortProxy(ServicePortName name, PortMeters meters, AtomicInteger serviceConnections) {
        this.name = name;
        this.meters = meters;
        this.serviceConnections = serviceConnections;
    }

    public ServicePortName name() {
        return name;
    }

    /**
     * Replaces the endpoints; takes effect with the next connection. Control thread.
     *
     * @param ranges {@code loadBalancerSourceRanges}
     */
    public void update(Map<IpFamily, EndpointSelection> selections, List<Cidr> ranges) {
        sourceRanges = ranges;
        ipv4 = next(ipv4, selections.getOrDefault(IpFamily.IPV4, EndpointSelection.EMPTY));
        ipv6 = next(ipv6, selections.getOrDefault(IpFamily.IPV6, EndpointSelection.EMPTY));
    }

    /** Kinds of traffic that go to the same endpoints share one turn. */
    private FamilyTargets next(FamilyTargets before, EndpointSelection selection) {
        List<Endpoint> forInternal = selection.endpoints(Traffic.INTERNAL);
        List<Endpoint> forExternal = selection.endpoints(Traffic.EXTERNAL);
        List<Endpoint> forLooped = selection.endpoints(Traffic.LOOPED);
        Targets internal = next(before.internal(), forInternal);
        Targets external = forExternal.equals(forInternal) ? internal : next(before.external(), forExternal);
        Targets looped = forLooped.equals(forInternal)
                ? internal
                : forLooped.equals(forExternal) ? external : next(before.looped(), forLooped);
        return new FamilyTargets(internal, external, looped);
    }

    private Targets next(Targets before, List<Endpoint> endpoints) {
        if (before.balancer().endpoints().equals(endpoints)) {
            return before;
        }
        Balancer balancer = before.balancer().endpoints().isEmpty()
                ? new RoundRobin(endpoints, ThreadLocalRandom.current().nextInt(endpoints.size()))
                : before.balancer().with(endpoints);
        return new Targets(balancer, endpoints.stream().map(e -> meters.endpoint(e.address())).toList());
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

    PortMeters meters() {
        return meters;
    }

    AtomicInteger serviceConnections() {
        return serviceConnections;
    }
}
