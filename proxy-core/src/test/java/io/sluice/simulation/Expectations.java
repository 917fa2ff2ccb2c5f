package io.sluice.simulation;

import io.sluice.balance.Traffic;
import io.sluice.node.SimulatedRoutes;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.SimulatedKernel;
import io.sluice.proxy.SimulatedKernel.Connected;
import io.sluice.reconcile.SimulatedReconciler;
import io.sluice.service.Cidr;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
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
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The rules that hold in every history, each written without the code that keeps it. */
final class Expectations {

    /** The tenant whose objects are written to do harm: nobody else is to notice. */
    static final String HOSTILE = "red";
    private static final InetAddress POD = IpAddresses.parse("10.244.9.9");

    private final World world;
    /** All that the daemon may know of: also an old state, if it is read again. */
    private final Truth ever;
    private final Truth truth;
    private final SimulatedKernel kernel;
    private final SimulatedRoutes routes;
    private final Pods pods;

    Expectations(World world, Truth ever, Truth truth, SimulatedKernel kernel, SimulatedRoutes routes, Pods pods) {
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

    static InetSocketAddress at(String ip, int port) {
        return new InetSocketAddress(IpAddresses.parse(ip), port);
    }

    // At any moment.

    /** No address is answered that its Service has not claimed, and none leads to an endpoint that is none. */
    void nothingInvented() {
        for (InetSocketAddress address : kernel.listening()) {
            ServicePortName port = kernel.owner(address);
            if (port == null) {
                continue;
            }
            String ip = IpAddresses.format(address.getAddress());
            List<Svc> been = ever.services(service(port));
            world.check(been.stream().anyMatch(svc -> claims(svc, ip, address.getPort())),
                    () -> port + " answers at " + address + ", which it has not claimed: " + been);
            for (Traffic traffic : Traffic.values()) {
                for (Endpoint endpoint : kernel.targets(address, traffic)) {
                    world.check(couldTake(service(port), endpoint.address()), () -> "connections to " + port + " at "
                            + address + " go to " + endpoint.address() + ", which is no endpoint that takes them: "
                            + ever.slices(service(port)));
                }
            }
        }
    }

    private boolean claims(Svc svc, String ip, int port) {
        return port == svc.port() && (svc.ip().equals(ip) || svc.externalIps().contains(ip)
                || svc.balancerIps().contains(ip)) || port == svc.nodePort() && svc.nodePort() != 0;
    }

    private boolean couldTake(String service, EndpointAddress endpoint) {
        String ip = IpAddresses.format(endpoint.ip());
        return ever.slices(service).stream().filter(slice -> slice.port() == endpoint.port())
                .flatMap(slice -> slice.backends().stream()).filter(backend -> backend.address().equals(ip))
                .anyMatch(backend -> backend.isReady() || backend.servesWhileItEnds());
    }

    /** A Service that has not changed, and that the daemon has served, is served: whatever else happens. */
    void nothingTaken(Set<String> served) {
        for (Svc svc : truth.now(Svc.class)) {
            if (served.contains(svc.key()) && truth.settled(svc) && truth.nodeSettled(Cluster.NODE)
                    && routes.isHere(IpAddresses.parse(svc.ip())) && !svc.namespace().equals(HOSTILE)) {
                clusterAddress(svc, "although nothing of it has changed", false);
            }
        }
    }

    private void clusterAddress(Svc svc, String but, boolean quiet) {
        InetSocketAddress address = at(svc.ip(), svc.port());
        List<String> expected = allowed(svc, From.TO_CLUSTER_ADDRESS);
        ServicePortName owner = kernel.owner(address);
        if (expected.isEmpty()) {
            world.check(owner == null, () -> address + " of " + svc.key() + " is answered without an endpoint");
            return;
        }
        world.check(owner != null && service(owner).equals(svc.key()) || kernel.refuses(address),
                () -> address + " of " + svc.key() + " is " + (owner == null ? "not answered" : "answered by " + owner)
                        + " " + but + "; its endpoints are " + expected);
        world.check(routes.isHere(address.getAddress()) || !quiet,
                () -> address + " of " + svc.key() + " is not an address of this machine " + but);
        if (owner != null) {
            sameEndpoints(svc, address, Traffic.INTERNAL, expected);
        }
    }

    private void sameEndpoints(Svc svc, InetSocketAddress address, Traffic traffic, List<String> expected) {
        List<String> found = kernel.targets(address, traffic).stream().map(e -> IpAddresses.format(e.address().ip()))
                .sorted().toList();
        List<String> missing = expected.stream().filter(ip -> !found.contains(ip)).toList();
        world.check(expected.containsAll(found) && missing.stream().allMatch(pods::suspect),
                () -> traffic + " connections to " + svc.key() + " at " + address + " go to " + found
                        + ", and should to "
                        + expected);
    }

    /** The endpoints by the naive rules, as the cluster is now. */
    List<String> allowed(Svc svc, From from) {
        List<Backend> backends = truth.now(Slice.class).stream().filter(slice -> slice.of().equals(svc.key()))
                .flatMap(slice -> slice.backends().stream()).toList();
        return NaiveRules.allowed(svc.policies(), backends, Cluster.NODE, zone(), from);
    }

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
                world.check(couldTake(service(port), endpoint),
                        () -> "a connection to " + port + " at " + address + " went to " + endpoint);
            }
            world.check(new HashSet<>(connected.attempted()).size() == connected.attempted().size(),
                    () -> "a connection went twice to one endpoint: " + connected.attempted());
        }
    }

    // When all has been quiet for long enough.

    /** The daemon equals the cluster in everything. */
    void allIsRight(SimulatedReconciler reconciler) {
        List<Svc> services = truth.now(Svc.class);
        for (Svc svc : services) {
            if (!svc.namespace().equals(HOSTILE)) {
                clusterAddress(svc, "when all is quiet", true);
                nodePort(svc);
                names(svc, reconciler);
            }
        }
        Map<InetSocketAddress, Optional<Svc>> outside = owners(services);
        outside.forEach((address, owner) -> owner.ifPresentOrElse(svc -> outsideAddress(svc, address),
                () -> world.check(kernel.owner(address) == null,
                        () -> address + " is answered by " + kernel.owner(address) + ", and nobody may have it")));
        for (InetSocketAddress address : kernel.listening()) {
            ServicePortName port = kernel.owner(address);
            world.check(port != null && services.stream().anyMatch(svc -> svc.key().equals(service(port))),
                    () -> address + " is still answered by " + port + ", which is gone");
        }
        Set<InetAddress> wanted = new HashSet<>();
        services.forEach(svc -> Stream.of(List.of(svc.ip()), svc.externalIps(), svc.balancerIps())
                .flatMap(List::stream).forEach(ip -> wanted.add(IpAddresses.parse(ip))));
        routes.routes().forEach(route -> world.check(
                route.toString().equals(Simulation.RANGE) || wanted.contains(route.network()),
                () -> "the route " + route + " is left, which no Service needs"));
    }

    private void nodePort(Svc svc) {
        if (svc.nodePort() == 0) {
            return;
        }
        for (InetAddress ip : routes.addresses()) {
            if (!ip.isLoopbackAddress()) {
                outsideAddress(svc, new InetSocketAddress(ip, svc.nodePort()));
            }
        }
    }

    private void outsideAddress(Svc svc, InetSocketAddress address) {
        if (svc.namespace().equals(HOSTILE)) {
            return;
        }
        List<String> outside = allowed(svc, From.OUTSIDE);
        List<String> inside = allowed(svc, From.INSIDE);
        ServicePortName owner = kernel.owner(address);
        if (outside.isEmpty() && inside.isEmpty()) {
            world.check(owner == null, () -> address + " of " + svc.key() + " is answered without an endpoint");
        } else {
            world.check(owner != null && service(owner).equals(svc.key()) || kernel.refuses(address),
                    () -> address + " of " + svc.key() + " is "
                            + (owner == null ? "not answered" : "answered by " + owner) + ", when all is quiet");
            if (owner != null) {
                world.check(kernel.traffic(address, POD) == Traffic.SHORT_CIRCUIT,
                        () -> "a pod counts as outside at " + address);
                sameEndpoints(svc, address, Traffic.EXTERNAL, outside);
                sameEndpoints(svc, address, Traffic.SHORT_CIRCUIT, inside);
            }
        }
    }

    /** Who has each address from outside; empty for nobody. */
    private Map<InetSocketAddress, Optional<Svc>> owners(List<Svc> services) {
        record Claim(Svc svc, AddressKind kind) {}
        Map<InetSocketAddress, List<Claim>> claims = new HashMap<>();
        for (Svc svc : services) {
            svc.balancerIps().forEach(ip -> claims.computeIfAbsent(at(ip, svc.port()), a -> new ArrayList<>())
                    .add(new Claim(svc, AddressKind.LOAD_BALANCER)));
            svc.externalIps().forEach(ip -> claims.computeIfAbsent(at(ip, svc.port()), a -> new ArrayList<>())
                    .add(new Claim(svc, AddressKind.EXTERNAL_IP)));
        }
        Set<String> clusterAddresses = services.stream().map(Svc::ip).collect(Collectors.toSet());
        Set<String> elsewhere = truth.now(Node.class).stream().filter(node -> !node.name().equals(Cluster.NODE))
                .flatMap(node -> node.addresses().stream()).collect(Collectors.toSet());
        Set<String> known = services.stream().map(Svc::key).collect(Collectors.toSet());
        Set<String> endpoints = truth.now(Slice.class).stream().filter(slice -> known.contains(slice.of()))
                .flatMap(slice -> slice.backends().stream())
                .map(Backend::address).collect(Collectors.toSet());
        Map<InetSocketAddress, Optional<Svc>> owners = new HashMap<>();
        claims.forEach((address, all) -> {
            String ip = IpAddresses.format(address.getAddress());
            boolean here = routes.addresses().contains(address.getAddress());
            boolean routed = routes.routes().contains(Cidr.parse(Simulation.RANGE)) && ip.startsWith("10.96.0.");
            if (clusterAddresses.contains(ip)) {
                // Only who has it as a cluster address may answer there.
                services.stream().filter(svc -> svc.ip().equals(ip) && svc.port() != address.getPort())
                        .forEach(svc -> owners.put(address, Optional.empty()));
                return;
            }
            boolean balancer = all.stream().anyMatch(claim -> claim.kind() == AddressKind.LOAD_BALANCER);
            owners.put(address, !here && (elsewhere.contains(ip) || endpoints.contains(ip) && !balancer && !routed)
                    ? Optional.empty()
                    : all.stream().min(Comparator
                            .comparingInt((Claim claim) -> claim.kind() == AddressKind.LOAD_BALANCER ? 0 : 1)
                            .thenComparing(claim -> claim.svc().created()).thenComparing(claim -> claim.svc().key()))
                            .map(Claim::svc));
        });
        return owners;
    }

    private void names(Svc svc, SimulatedReconciler reconciler) {
        world.check(reconciler.knowsName(svc.namespace(), svc.name(), svc.ip()),
                () -> "DNS does not have " + svc.key() + " at " + svc.ip());
    }

    /** Turns are taken evenly: as many connections as there are endpoints, twice, reach each of them twice. */
    void turnsAreEven() {
        for (Svc svc : truth.now(Svc.class)) {
            List<String> expected = allowed(svc, From.TO_CLUSTER_ADDRESS);
            InetSocketAddress address = at(svc.ip(), svc.port());
            if (svc.sticky() || svc.namespace().equals(HOSTILE) || expected.stream().anyMatch(pods::suspect)
                    || kernel.owner(address) == null) {
                continue;
            }
            Map<String, Integer> counts = new HashMap<>();
            for (int i = 0; i < 2 * expected.size(); i++) {
                EndpointAddress endpoint = kernel.connect(address, POD).endpoint();
                if (endpoint != null) {
                    counts.merge(IpAddresses.format(endpoint.ip()), 1, Integer::sum);
                }
            }
            world.check(expected.stream().allMatch(ip -> counts.getOrDefault(ip, 0) == 2),
                    () -> "connections to " + svc.key() + " are not spread evenly: " + counts);
        }
    }
}
