package io.sluice.source;

import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.OtherPort;
import io.sluice.service.ServiceState.PortState;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;

/**
 * Merges the endpoints of one Service port from all subsets that name its Service, and finds the reason if none of them takes
 * connections. A subset counts for the port if it has a port of the same name and protocol (pkg/proxy, ServicePortName).
 * Pure; not thread-safe.
 */
public final class EndpointMerge {

    private final Service service;
    private final ServicePort port;
    private final Set<IpFamily> families;
    private final List<Endpoint> found = new ArrayList<>();

    /**
     * Has no endpoints yet.
     *
     * @param families of the addresses that take connections; empty for all, as a headless Service may have
     */
    public EndpointMerge(Service service, ServicePort port, Set<IpFamily> families) {
        this.service = service;
        this.port = port;
        this.families = families;
    }

    /** Adds the endpoints of {@code subset} for the port. */
    public void add(EndpointSubset subset) {
        for (EndpointSubset.Port written : subset.ports()) {
            if (written.name().equals(port.name()) && written.protocol() == port.protocol()) {
                for (EndpointSubset.Address a : subset.addresses()) {
                    found.add(endpoint(a, written.number()));
                }
            }
        }
    }

    private static Endpoint endpoint(EndpointSubset.Address a, int port) {
        return Endpoint.builder(new EndpointAddress(a.ip(), port)).ready(a.ready()).serving(a.serving())
                .terminating(a.terminating()).node(a.node()).zone(a.zone()).zoneHints(a.zoneHints())
                .nodeHints(a.nodeHints()).hostname(a.hostname()).target(a.target()).build();
    }

    /** Adds an endpoint of the port. */
    public void add(Endpoint endpoint) {
        found.add(endpoint);
    }

    /** The number of endpoints that were added, duplicates included. */
    public int size() {
        return found.size();
    }

    /**
     * The port with its endpoints.
     *
     * @param whyNothing gives the reason if there is no endpoint at all
     */
    public PortState state(Supplier<EmptyReason> whyNothing) {
        EndpointSet set = EndpointSet.of(found);
        boolean named = service.headless() && service.externalName() == null;
        boolean mayBeEmpty =
                !service.proxied() && !named || port.protocol() == Protocol.SCTP || usable(set);
        return new PortState(port, set, mayBeEmpty ? null : set.isEmpty() ? whyNothing.get() : whyUnusable(set));
    }

    /**
     * Whether an endpoint can be used, as with kube-proxy: a ready one, else one that serves while it terminates
     * (KEP-1669).
     */
    private boolean usable(EndpointSet set) {
        for (Endpoint endpoint : set.endpoints()) {
            if ((endpoint.ready() || endpoint.serving() && endpoint.terminating())
                    && isOfFamily(endpoint)) {
                return true;
            }
        }
        return false;
    }

    /** A headless Service of a cluster names no families: its slices alone decide. */
    private boolean isOfFamily(Endpoint endpoint) {
        return families.isEmpty() || families.contains(endpoint.address().family());
    }

    private EmptyReason whyUnusable(EndpointSet set) {
        List<Endpoint> ofFamily = set.endpoints().stream().filter(this::isOfFamily).toList();
        return ofFamily.isEmpty()
                ? new EmptyReason.OtherFamilyOnly(set.endpoints().size(), families.iterator().next())
                : new EmptyReason.NoneReady(ofFamily.size(), ofFamily.stream().map(EndpointMerge::nameOf).toList());
    }

    private static String nameOf(Endpoint endpoint) {
        String target = endpoint.target();
        return (target == null ? endpoint.address().toString() : target)
                + (endpoint.whyNotReady() == null ? "" : " (" + endpoint.whyNotReady() + ")");
    }

    /** The reason why a port has no endpoint although {@code written} has addresses; empty if it has none. */
    public static Optional<EmptyReason> portNotWritten(String port, Collection<EndpointSubset> written) {
        TreeSet<String> names = new TreeSet<>();
        boolean addresses = false;
        for (EndpointSubset subset : written) {
            addresses |= !subset.addresses().isEmpty();
            subset.ports().forEach(p -> names.add(nameOf(p)));
        }
        return addresses
                ? Optional.of(new EmptyReason.PortNotWritten(port, List.copyOf(names)))
                : Optional.empty();
    }

    /**
     * {@code service} with its ports, and with what a headless one has besides: names lead to all addresses that are
     * written, whatever ports stand beside them (Kubernetes DNS-Based Service Discovery, §2.4.1), and to those ports.
     *
     * @param others endpoints that are not in {@code written}, for example Pods; their port does not matter
     */
    public static ServiceState withPortless(Service service, List<PortState> ports, List<Endpoint> others,
            Collection<EndpointSubset> written) {
        if (!service.headless()) {
            return new ServiceState(service, ports);
        }
        Set<InetAddress> known = new HashSet<>();
        Set<InetAddress> ready = new HashSet<>();
        for (PortState port : ports) {
            for (Endpoint endpoint : port.endpoints().endpoints()) {
                (endpoint.ready() ? ready : known).add(endpoint.address().ip());
            }
        }
        List<Endpoint> portless = new ArrayList<>(others);
        written.forEach(subset -> subset.addresses().forEach(a -> portless.add(endpoint(a, 0))));
        portless.removeIf(endpoint -> ready.contains(endpoint.address().ip())
                || !endpoint.ready() && known.contains(endpoint.address().ip()));
        return new ServiceState(service, ports, EndpointSet.of(portless), others(service, written));
    }

    /** CoreDNS takes the ports of a headless Service from its slices alone. */
    private static List<OtherPort> others(Service service, Collection<EndpointSubset> written) {
        Map<EndpointSubset.Port, List<Endpoint>> byPort = new HashMap<>();
        for (EndpointSubset subset : written) {
            for (EndpointSubset.Port p : subset.ports()) {
                if (service.ports().stream()
                        .noneMatch(own -> own.name().equals(p.name()) && own.protocol() == p.protocol())) {
                    List<Endpoint> endpoints = byPort.computeIfAbsent(
                            new EndpointSubset.Port(p.name(), p.protocol(), 0), any -> new ArrayList<>());
                    subset.addresses().forEach(a -> endpoints.add(endpoint(a, p.number())));
                }
            }
        }
        List<OtherPort> others = new ArrayList<>();
        byPort.forEach((port, endpoints) -> others
                .add(new OtherPort(port.name(), port.protocol(), EndpointSet.of(endpoints))));
        others.sort(Comparator.comparing(OtherPort::name).thenComparing(OtherPort::protocol));
        return others;
    }

    private static String nameOf(EndpointSubset.Port port) {
        return port.protocol() == Protocol.TCP ? port.name() : port.name() + "/" + port.protocol();
    }
}
