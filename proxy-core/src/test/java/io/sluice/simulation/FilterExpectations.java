package io.sluice.simulation;

import io.sluice.nftables.SimulatedNetfilter;
import io.sluice.nftables.SimulatedNetfilter.Fate;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.simulation.Cluster.Slice;
import io.sluice.simulation.Cluster.Svc;
import io.sluice.simulation.NaiveRules.Backend;
import java.net.InetAddress;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What holds of the packet filter's table where connections are intercepted. */
final class FilterExpectations {

    private final World world;
    private final Truth ever;
    private final Truth truth;
    private final SimulatedNetfilter netfilter;
    private final Pods pods;

    FilterExpectations(World world, Truth ever, Truth truth, SimulatedNetfilter netfilter, Pods pods) {
        this.world = world;
        this.ever = ever;
        this.truth = truth;
        this.netfilter = netfilter;
        this.pods = pods;
    }

    /** The table knows no address that no Service has claimed, and leads to no endpoint that may not take connections. */
    void nothingInvented() {
        List<Svc> services = ever.been(Svc.class);
        for (Place place : netfilter.places()) {
            List<Svc> claiming = services.stream().filter(svc -> Expectations.claims(svc, place)).toList();
            world.check(!claiming.isEmpty(), () -> "the table has " + place + ", which no Service has claimed");
            for (EndpointAddress endpoint : netfilter.direct(place)) {
                world.check(claiming.stream().anyMatch(svc -> couldTake(svc, endpoint)),
                        () -> "the table leads from " + place + " to " + endpoint + ", which is no endpoint of "
                                + claiming);
            }
        }
    }

    private boolean couldTake(Svc svc, EndpointAddress endpoint) {
        return ever.slices(svc.key()).stream().filter(slice -> slice.port() == endpoint.port())
                .flatMap(slice -> slice.backends().stream()).filter(Backend::takes)
                .anyMatch(backend -> backend.address().equals(IpAddresses.format(endpoint.ip())));
    }

    /** When all is quiet: the table has what is claimed now, and no more. */
    void nothingLeft() {
        List<Svc> services = truth.now(Svc.class);
        netfilter.places().forEach(place -> world.check(
                services.stream().anyMatch(svc -> Expectations.claims(svc, place)),
                () -> "the table still has " + place + ", which no Service claims"));
        Set<InetAddress> expected = services.stream().flatMap(svc -> svc.ips().stream()).map(IpAddresses::parse)
                .collect(Collectors.toSet());
        world.check(netfilter.clusterIps().equals(expected),
                () -> "the table has the cluster addresses " + netfilter.clusterIps() + " instead of " + expected);
    }

    /** When all is quiet: connections to a cluster address. */
    void clusterAddress(Svc svc, Place place, List<String> allowed) {
        fate(svc, place, !allowed.isEmpty() ? Fate.PROXY : none(svc, place, svc.internalLocal()));
        direct(svc, place, allowed);
    }

    /** When all is quiet: connections to an address from outside that {@code svc} has. */
    void outsideAddress(Svc svc, Place place, List<String> outside, List<String> inside) {
        fate(svc, place, !outside.isEmpty()
                ? Fate.PROXY
                : !inside.isEmpty() ? Fate.PROXY_INSIDE : none(svc, place, svc.externalLocal()));
        direct(svc, place, outside.isEmpty() ? inside : outside);
    }

    /** A policy Local without an endpoint here drops, so that others are asked; without any endpoint it is refused. */
    private Fate none(Svc svc, Place place, boolean local) {
        boolean any = svc.has(place.family()) && truth.now(Slice.class).stream()
                .filter(slice -> slice.of().equals(svc.key())).flatMap(slice -> slice.backends().stream())
                .anyMatch(backend -> Cluster.family(backend.address()) == place.family() && backend.takes());
        return local && any ? Fate.DROPPED : Fate.REFUSED;
    }

    private void fate(Svc svc, Place place, Fate expected) {
        Fate found = netfilter.fate(place);
        world.check(found == expected,
                () -> "connections to " + place + " of " + svc.key() + " are " + found + " and not " + expected);
    }

    private void direct(Svc svc, Place place, List<String> allowed) {
        Set<String> found = new HashSet<>();
        netfilter.direct(place).forEach(endpoint -> found.add(IpAddresses.format(endpoint.ip())));
        world.check(allowed.containsAll(found) && allowed.stream().allMatch(ip -> found.contains(ip)
                || pods.suspect(ip)), () -> "without a proxy, connections to " + place + " of " + svc.key() + " go to "
                        + found + " and not to " + allowed);
    }
}
