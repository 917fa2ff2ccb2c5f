package io.sluice.simulation;

import io.sluice.balance.Traffic;
import io.sluice.nftables.SimulatedNetfilter;
import io.sluice.node.SimulatedRoutes;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.SimulatedFlows;
import io.sluice.proxy.SimulatedKernel;
import io.sluice.proxy.SimulatedKernel.Connected;
import io.sluice.reconcile.SimulatedReconciler;
import io.sluice.service.Cidr;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.ServicePortName;
import io.sluice.simulation.Cluster.Node;
import io.sluice.simulation.Cluster.Slice;
import io.sluice.simulation.Cluster.Svc;
import io.sluice.simulation.NaiveRules.Backend;
import io.sluice.simulation.NaiveRules.From;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The rules that hold in every history, each written without the code that keeps it. */
final class Expectations {

    /** The tenant whose objects are written to do harm: nobody else is to notice. */
    static final String HOSTILE = "red";
    private static final List<Cidr> RANGES = Simulation.RANGES.stream().map(Cidr::parse).toList();
    private static final Map<IpFamily, InetAddress> POD = Map.of(IpFamily.IPV4, IpAddresses.parse("10.244.9.9"),
            IpFamily.IPV6, IpAddresses.parse("fd00:244::9:9"));

    private final World world;
    /** All that the daemon may know of: also an old state, if it is read again. */
    private final Truth ever;
    private final Truth truth;
    private final SimulatedKernel kernel;
    /** Where connections are intercepted; null where the daemon listens at the addresses of Services. */
    private final @Nullable SimulatedNetfilter netfilter;
    private final @Nullable FilterExpectations filter;
    private final SimulatedRoutes routes;
    private final Pods pods;
    private final Map<Question, List<String>> allowed = new HashMap<>();
    private int revision;
    private int clientPort;

    Expectations(World world, Truth ever, Truth truth, SimulatedKernel kernel,
            @Nullable SimulatedNetfilter netfilter, SimulatedRoutes routes, Pods pods) {
        this.netfilter = netfilter;
        this.filter = netfilter == null ? null : new FilterExpectations(world, ever, truth, netfilter, pods);
        this.world = world;
        this.ever = ever;
        this.truth = truth;
        this.kernel = kernel;
        this.routes = routes;
        this.pods = pods;
    }

    private static String service(ServicePortName port) {
        return port.service().namespace() + "/" + port.service().name();
    }

    private static InetAddress pod(Place place) {
        return Objects.requireNonNull(POD.get(place.family()));
    }

    // At any moment.

    /** No address is answered that its Service has not claimed, and none leads to an endpoint that is none. */
    void nothingInvented() {
        if (filter != null) {
            filter.nothingInvented();
        }
        for (Place place : kernel.listening()) {
            ServicePortName port = kernel.owner(place);
            if (port == null) {
                continue;
            }
            List<Svc> been = ever.services(service(port));
            world.check(port.protocol() == place.protocol() && been.stream().anyMatch(svc -> claims(svc, place)),
                    () -> port + " answers at " + place + ", which it has not claimed: " + been);
            Set<EndpointAddress> targets = new HashSet<>();
            for (Traffic traffic : Traffic.values()) {
                kernel.targets(place, traffic).forEach(endpoint -> targets.add(endpoint.address()));
            }
            for (EndpointAddress endpoint : targets) {
                world.check(couldTake(service(port), endpoint, Backend::takes), () -> "connections to " + port + " at "
                        + place + " go to " + endpoint + ", which is no endpoint that takes them: "
                        + ever.slices(service(port)));
            }
        }
    }

    static boolean claims(Svc svc, Place place) {
        String ip = IpAddresses.format(place.ip());
        int port = place.address().getPort();
        return svc.protocols().contains(place.protocol()) && (port == svc.port() && (svc.ips().contains(ip)
                || svc.externalIps().contains(ip)
                || svc.balancerIps().contains(ip)) || port == svc.nodePort() && svc.nodePort() != 0);
    }

    private boolean couldTake(String service, EndpointAddress endpoint, Predicate<Backend> which) {
        String ip = IpAddresses.format(endpoint.ip());
        return ever.slices(service).stream().filter(slice -> slice.port() == endpoint.port())
                .flatMap(slice -> slice.backends().stream()).filter(backend -> backend.address().equals(ip))
                .anyMatch(which);
    }

    /** All of a Service's own addresses. */
    private static List<Place> clusterPlaces(Svc svc) {
        return svc.ips().stream().flatMap(
                ip -> svc.protocols().stream().map(protocol -> Place.at(protocol, ip, svc.port()))).toList();
    }

    /** A Service that has not changed, and that the daemon has served, is served: whatever else happens. */
    void nothingTaken(Set<String> served) {
        for (Svc svc : truth.now(Svc.class)) {
            if (lasts(svc, served)) {
                clusterPlaces(svc).stream().filter(this::isReached)
                        .forEach(place -> clusterAddress(svc, place, "although nothing of it has changed", false));
            }
        }
    }

    /** Whether the kernel gives connections to this address to the daemon, if that takes them. */
    private boolean isReached(Place place) {
        return netfilter == null ? routes.isHere(place.ip()) : netfilter.isSettled();
    }

    private boolean lasts(Svc svc, Set<String> served) {
        return served.contains(svc.key()) && truth.settled(svc) && truth.nodeSettled(Cluster.NODE)
                && !svc.namespace().equals(HOSTILE);
    }

    private void clusterAddress(Svc svc, Place place, String but, boolean quiet) {
        List<String> expected = allowed(svc, From.TO_CLUSTER_ADDRESS, place.family());
        ServicePortName owner = kernel.owner(place);
        if (filter != null && quiet && !kernel.refuses(place)) {
            filter.clusterAddress(svc, place, expected);
        }
        if (expected.isEmpty()) {
            world.check(owner == null, () -> place + " of " + svc.key() + " is answered without an endpoint");
            return;
        }
        world.check(owner != null && service(owner).equals(svc.key()) || kernel.refuses(place),
                () -> place + " of " + svc.key() + " is " + (owner == null ? "not answered" : "answered by " + owner)
                        + " " + but + "; its endpoints are " + expected);
        world.check(isReached(place) || !quiet,
                () -> place + " of " + svc.key() + " is not an address of this machine " + but);
        if (owner != null) {
            sameEndpoints(svc, place, Traffic.INTERNAL, expected);
        }
    }

    private void sameEndpoints(Svc svc, Place place, Traffic traffic, List<String> expected) {
        List<String> found = kernel.targets(place, traffic).stream().map(e -> IpAddresses.format(e.address().ip()))
                .sorted().toList();
        List<String> missing = expected.stream().filter(ip -> !found.contains(ip)).toList();
        world.check(expected.containsAll(found) && missing.stream().allMatch(pods::suspect),
                () -> traffic + " connections to " + svc.key() + " at " + place + " go to " + found
                        + ", and should to "
                        + expected);
    }

    /** The endpoints of one family by the naive rules, as the cluster is now. */
    List<String> allowed(Svc svc, From from, IpFamily family) {
        if (revision != truth.revision()) {
            revision = truth.revision();
            allowed.clear();
        }
        return allowed.computeIfAbsent(new Question(svc, from, family), question -> {
            List<Backend> backends = truth.now(Slice.class).stream().filter(slice -> slice.of().equals(svc.key()))
                    .flatMap(slice -> slice.backends().stream())
                    .filter(backend -> svc.has(family) && Cluster.family(backend.address()) == family).toList();
            return NaiveRules.allowed(svc.policies(), backends, Cluster.NODE, zone(), from);
        });
    }

    private record Question(Svc svc, From from, IpFamily family) {}

    private @Nullable String zone() {
        for (Node node : truth.now(Node.class)) {
            if (node.name().equals(Cluster.NODE)) {
                return node.zone();
            }
        }
        return null;
    }

    /** A connection went where it may go. */
    void went(InetSocketAddress address, Connected connected) {
        ServicePortName port = connected.port();
        if (port != null) {
            for (EndpointAddress endpoint : connected.attempted()) {
                world.check(couldTake(service(port), endpoint, Backend::takes),
                        () -> "a connection to " + port + " at " + address + " went to " + endpoint);
            }
            world.check(new HashSet<>(connected.attempted()).size() == connected.attempted().size(),
                    () -> "a connection went twice to one endpoint: " + connected.attempted());
        }
    }

    /** What is remembered of a flow. */
    private record Went(EndpointAddress endpoint, int changes) {}

    /**
     * A datagram went where it may go: a flow stays with its endpoint as long as the Service is the same and the endpoint
     * serves.
     *
     * @param changes another number after each change of the Service, and whenever an endpoint serves no more
     */
    void sent(Svc svc, Place place, SimulatedFlows.Sent sent, ToIntFunction<EndpointAddress> changes,
            Set<String> served) {
        EndpointAddress endpoint = sent.endpoint();
        world.check(couldTake(svc.key(), endpoint, sent.chosen() ? Backend::takes : Backend::keepsFlows),
                () -> "a datagram to " + svc.key() + " at " + place + " went to " + endpoint);
        boolean stays = sent.flow().memory() instanceof Went before
                && before.changes() == changes.applyAsInt(before.endpoint());
        world.check(!stays || !sent.chosen(), () -> "a flow to " + svc.key() + " at " + place + " goes to " + endpoint
                + " now, although it was not refused, and nothing of it has changed");
        boolean remembered = (stays || lasts(svc, served)) && !pods.suspect(IpAddresses.format(endpoint.ip()));
        sent.flow().remember(remembered ? new Went(endpoint, changes.applyAsInt(endpoint)) : null);
    }

    // When all has been quiet for long enough.

    /** The daemon equals the cluster in everything. */
    void allIsRight(SimulatedReconciler reconciler) {
        List<Svc> services = truth.now(Svc.class);
        for (Svc svc : services) {
            if (!svc.namespace().equals(HOSTILE)) {
                clusterPlaces(svc).forEach(place -> clusterAddress(svc, place, "when all is quiet", true));
                nodePort(svc);
                names(svc, reconciler);
            }
        }
        Map<Place, Optional<Svc>> outside = owners(services);
        outside.forEach((place, owner) -> owner.ifPresentOrElse(svc -> outsideAddress(svc, place),
                () -> world.check(kernel.owner(place) == null,
                        () -> place + " is answered by " + kernel.owner(place) + ", and nobody may have it")));
        for (Place place : kernel.listening()) {
            ServicePortName port = kernel.owner(place);
            world.check(port != null && services.stream().anyMatch(svc -> svc.key().equals(service(port))),
                    () -> place + " is still answered by " + port + ", which is gone");
        }
        if (filter != null) {
            filter.nothingLeft();
        }
        Set<InetAddress> wanted = new HashSet<>();
        services.forEach(svc -> Stream.of(svc.ips(), svc.externalIps(), svc.balancerIps())
                .flatMap(List::stream).forEach(ip -> wanted.add(IpAddresses.parse(ip))));
        routes.routes().forEach(route -> world.check(
                RANGES.contains(route) || wanted.contains(route.network()),
                () -> "the route " + route + " is left, which no Service needs"));
    }

    private void nodePort(Svc svc) {
        if (svc.nodePort() == 0) {
            return;
        }
        for (InetAddress ip : routes.addresses()) {
            if (!ip.isLoopbackAddress()) {
                svc.protocols().forEach(protocol -> outsideAddress(svc,
                        new Place(protocol, new InetSocketAddress(ip, svc.nodePort()))));
            }
        }
    }

    private void outsideAddress(Svc svc, Place place) {
        if (svc.namespace().equals(HOSTILE)) {
            return;
        }
        List<String> outside = allowed(svc, From.OUTSIDE, place.family());
        List<String> inside = allowed(svc, From.INSIDE, place.family());
        ServicePortName owner = kernel.owner(place);
        if (filter != null && !kernel.refuses(place)) {
            filter.outsideAddress(svc, place, outside, inside);
        }
        if (outside.isEmpty() && inside.isEmpty()) {
            world.check(owner == null, () -> place + " of " + svc.key() + " is answered without an endpoint");
        } else {
            world.check(owner != null && service(owner).equals(svc.key()) || kernel.refuses(place),
                    () -> place + " of " + svc.key() + " is "
                            + (owner == null ? "not answered" : "answered by " + owner) + ", when all is quiet");
            if (owner != null) {
                world.check(kernel.traffic(place, pod(place)) == Traffic.SHORT_CIRCUIT,
                        () -> "a pod counts as outside at " + place);
                sameEndpoints(svc, place, Traffic.EXTERNAL, outside);
                sameEndpoints(svc, place, Traffic.SHORT_CIRCUIT, inside);
            }
        }
    }

    private record OutsideClaim(Svc svc, AddressKind kind) {}

    private static Map<Place, List<OutsideClaim>> outsideClaims(List<Svc> services) {
        Map<Place, List<OutsideClaim>> claims = new HashMap<>();
        for (Svc svc : services) {
            for (Protocol protocol : svc.protocols()) {
                svc.balancerIps().forEach(ip -> claims
                        .computeIfAbsent(Place.at(protocol, ip, svc.port()), a -> new ArrayList<>())
                        .add(new OutsideClaim(svc, AddressKind.LOAD_BALANCER)));
                svc.externalIps().forEach(ip -> claims
                        .computeIfAbsent(Place.at(protocol, ip, svc.port()), a -> new ArrayList<>())
                        .add(new OutsideClaim(svc, AddressKind.EXTERNAL_IP)));
            }
        }
        return claims;
    }

    /** Who has each address from outside; empty for nobody. */
    private Map<Place, Optional<Svc>> owners(List<Svc> services) {
        Set<String> clusterAddresses = services.stream().flatMap(svc -> svc.ips().stream()).collect(Collectors.toSet());
        Set<String> elsewhere = truth.now(Node.class).stream().filter(node -> !node.name().equals(Cluster.NODE))
                .flatMap(node -> node.addresses().stream()).collect(Collectors.toSet());
        Map<String, Svc> known = services.stream().collect(Collectors.toMap(Svc::key, svc -> svc));
        Set<String> endpoints = truth.now(Slice.class).stream().filter(slice -> known.containsKey(slice.of()))
                .flatMap(slice -> slice.backends().stream()
                        .filter(backend -> known.get(slice.of()).has(Cluster.family(backend.address()))))
                .map(Backend::address).collect(Collectors.toSet());
        Set<String> apiServers = truth.now(Slice.class).stream().filter(slice -> slice.of().equals(Cluster.API))
                .flatMap(slice -> slice.backends().stream()).map(Backend::address).collect(Collectors.toSet());
        Map<Place, Optional<Svc>> owners = new HashMap<>();
        outsideClaims(services).forEach((place, all) -> {
            String ip = IpAddresses.format(place.ip());
            boolean here = routes.addresses().contains(place.ip());
            boolean routed = RANGES.stream()
                    .anyMatch(range -> range.contains(place.ip()) && routes.routes().contains(range));
            if (clusterAddresses.contains(ip)) {
                // Only who has it as a cluster address may answer there.
                services.stream()
                        .filter(svc -> svc.ips().contains(ip)
                                && !clusterPlaces(svc).contains(place))
                        .forEach(svc -> owners.put(place, Optional.empty()));
                return;
            }
            boolean balancer = all.stream().anyMatch(claim -> claim.kind() == AddressKind.LOAD_BALANCER);
            // Where all is intercepted, nobody loses the way to an endpoint by it.
            boolean needed = netfilter == null && endpoints.contains(ip) && !balancer && !routed;
            owners.put(place, !here && (elsewhere.contains(ip) || apiServers.contains(ip) || needed)
                    ? Optional.empty()
                    : all.stream().min(Comparator
                            .comparingInt((OutsideClaim claim) -> claim.kind() == AddressKind.LOAD_BALANCER ? 0 : 1)
                            .thenComparing(claim -> claim.svc().created()).thenComparing(claim -> claim.svc().key()))
                            .map(OutsideClaim::svc));
        });
        return owners;
    }

    private void names(Svc svc, SimulatedReconciler reconciler) {
        svc.ips().forEach(ip -> world.check(reconciler.knowsName(svc.namespace(), svc.name(), ip),
                () -> "DNS does not have " + svc.key() + " at " + ip));
    }

    /** Turns are taken evenly: as many connections as there are endpoints, twice, reach each of them twice. */
    void turnsAreEven() {
        for (Svc svc : truth.now(Svc.class)) {
            clusterPlaces(svc).forEach(place -> turnsAreEven(svc, place));
        }
    }

    private void turnsAreEven(Svc svc, Place place) {
        List<String> expected = allowed(svc, From.TO_CLUSTER_ADDRESS, place.family());
        if (svc.sticky() || svc.namespace().equals(HOSTILE) || expected.stream().anyMatch(pods::suspect)
                || kernel.owner(place) == null) {
            return;
        }
        Map<String, Integer> counts = new HashMap<>();
        for (int i = 0; i < 2 * expected.size(); i++) {
            EndpointAddress endpoint = place.protocol() == Protocol.TCP
                    ? kernel.connect(place.address(), pod(place)).endpoint()
                    : newFlow(place);
            if (endpoint != null) {
                counts.merge(IpAddresses.format(endpoint.ip()), 1, Integer::sum);
            }
        }
        world.check(expected.stream().allMatch(ip -> counts.getOrDefault(ip, 0) == 2),
                () -> "connections to " + svc.key() + " at " + place + " are not spread evenly: " + counts);
    }

    private @Nullable EndpointAddress newFlow(Place place) {
        clientPort++;
        SimulatedFlows.Sent sent =
                kernel.send(place.address(), new InetSocketAddress(pod(place), 1024 + clientPort % 60_000));
        return sent == null ? null : sent.endpoint();
    }
}
