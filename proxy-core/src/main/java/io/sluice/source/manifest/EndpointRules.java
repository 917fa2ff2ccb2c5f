package io.sluice.source.manifest;

import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState.PortState;
import io.sluice.source.manifest.Manifest.ContainerPort;
import io.sluice.source.manifest.Manifest.EndpointsManifest;
import io.sluice.source.manifest.Manifest.NodeManifest;
import io.sluice.source.manifest.Manifest.PodManifest;
import io.sluice.source.manifest.Manifest.PortManifest;
import io.sluice.source.manifest.Manifest.ServiceManifest;
import io.sluice.source.manifest.Manifest.SliceManifest;
import io.sluice.source.manifest.Manifest.Subset;
import io.sluice.source.manifest.Manifest.WrittenEndpoint;
import io.sluice.source.manifest.Manifest.WrittenPort;
import io.sluice.source.manifest.ReadingLimits.Rest;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How Services get their endpoints: what the EndpointSlice controller makes of Pods, what the mirroring controller makes
 * of hand-written Endpoints, and what EndpointSlices say themselves (staging/src/k8s.io/endpointslice, KEP-752).
 *
 * <p>A Service with a selector has the endpoints that its Pods give. If no Pod of its namespace is among the manifests,
 * they come from a cluster without them, and what that cluster's controllers wrote counts as it is.
 */
final class EndpointRules {

    private static final String SLICE_CONTROLLER = "endpointslice-controller.k8s.io";
    private static final String MIRRORING_CONTROLLER = "endpointslicemirroring-controller.k8s.io";

    private final Rest rest;
    private final PodIndex pods = new PodIndex();
    private final Map<ServiceName, List<SliceManifest>> slices = new HashMap<>();
    private final Map<ServiceName, EndpointsManifest> endpoints = new HashMap<>();
    /** Namespaces in which Endpoints or EndpointSlices name a Service, by the Service's name. */
    private final Map<String, Set<String>> writtenIn = new HashMap<>();
    private final Map<String, NodeManifest> nodes = new HashMap<>();

    EndpointRules(Collection<Manifest> objects, Rest rest) {
        this.rest = rest;
        for (Manifest object : objects) {
            switch (object) {
                case PodManifest pod -> pods.add(pod);
                case SliceManifest slice -> {
                    slices.computeIfAbsent(slice.service(), n -> new ArrayList<>()).add(slice);
                    writtenFor(slice.service());
                }
                case EndpointsManifest written -> {
                    endpoints.put(written.name(), written);
                    writtenFor(written.name());
                }
                case NodeManifest node -> nodes.put(node.name().name(), node);
                default -> {
                }
            }
        }
    }

    private void writtenFor(ServiceName service) {
        writtenIn.computeIfAbsent(service.name(), n -> new TreeSet<>()).add(service.namespace());
    }

    /** The addresses of all Nodes but {@code here}, each with its Node's name. */
    Map<InetAddress, String> otherNodes(String here) {
        Map<InetAddress, String> others = new HashMap<>();
        nodes.forEach((name, node) -> {
            if (!name.equals(here)) {
                node.addresses().forEach(address -> others.put(address, name));
            }
        });
        return others;
    }

    @Nullable
    String zoneOf(@Nullable String node) {
        NodeManifest found = node == null ? null : nodes.get(node);
        return found == null ? null : found.zone();
    }

    /**
     * The endpoints of each port of {@code service}, in the order of the ports, and why there are none.
     *
     * @throws LimitExceededException if they are more than can be kept
     */
    List<PortState> portStates(ServiceManifest manifest, Service service) throws LimitExceededException {
        Set<IpFamily> families = families(manifest, service);
        boolean fromPods = fromPods(manifest);
        List<PodManifest> selected =
                fromPods ? pods.selected(manifest.name().namespace(), manifest.selector()) : List.of();
        List<SliceManifest> counting = slices(manifest, fromPods);
        EndpointsManifest mirrored = endpoints(manifest, fromPods);
        List<PortState> states = new ArrayList<>();
        for (int i = 0; i < manifest.ports().size(); i++) {
            PortManifest port = manifest.ports().get(i);
            List<Endpoint> found = new ArrayList<>();
            selected.stream().filter(pod -> pod.leftOut() == null)
                    .forEach(pod -> addPod(manifest, port, pod, families, found));
            counting.forEach(slice -> add(slice.endpoints(), slice.ports(), port, found));
            if (mirrored != null) {
                mirrored.subsets().forEach(subset -> add(subset.endpoints(), subset.ports(), port, found));
            }
            EndpointSet set = EndpointSet.of(found);
            boolean mayBeEmpty = !service.proxied() || port.protocol() != Protocol.TCP || usable(set, families);
            EmptyReason why = mayBeEmpty
                    ? null
                    : !set.isEmpty()
                            ? whyUnusable(set, families)
                    : fromPods
                            ? whyNoPod(manifest, port, selected, families)
                    : whyNothingWritten(manifest, port, counting, mirrored);
            String limit =
                    rest.over() + rest.tooManyEndpoints(why == null ? found.size() : found.size() + selected.size());
            if (!limit.isEmpty()) {
                throw new LimitExceededException(limit);
            }
            states.add(new PortState(service.ports().get(i), set, why));
        }
        return states;
    }

    /** A headless Service without ipFamilies has endpoints of both families. */
    private static Set<IpFamily> families(ServiceManifest manifest, Service service) {
        EnumSet<IpFamily> families = EnumSet.noneOf(IpFamily.class);
        service.clusterIps().forEach(ip -> families.add(IpFamily.of(ip)));
        if (families.isEmpty()) {
            families.addAll(manifest.families());
        }
        return families.isEmpty() ? EnumSet.allOf(IpFamily.class) : families;
    }

    private static boolean usable(EndpointSet set, Set<IpFamily> families) {
        return set.endpoints().stream().anyMatch(e -> families.contains(e.address().family())
                && (e.ready() || e.serving() && e.terminating()));
    }

    private boolean fromPods(ServiceManifest service) {
        return !service.selector().isEmpty() && service.externalName() == null
                && (pods.count(service.name().namespace()) > 0
                        || !slices.containsKey(service.name()) && !endpoints.containsKey(service.name()));
    }

    /**
     * The slices that count: not those that a controller made of what is here itself. Those that are written by hand, or
     * by a controller of somebody's own, always count.
     */
    private List<SliceManifest> slices(ServiceManifest service, boolean fromPods) {
        EndpointsManifest written = endpoints.get(service.name());
        return slices.getOrDefault(service.name(), List.of()).stream()
                .filter(slice -> !(fromPods && slice.managedBy().equals(SLICE_CONTROLLER))
                        && !(written != null && slice.managedBy().equals(MIRRORING_CONTROLLER)))
                .toList();
    }

    /** Endpoints of a Service with a selector are never mirrored: the controller has made them of the Pods. */
    private @Nullable EndpointsManifest endpoints(ServiceManifest service, boolean fromPods) {
        EndpointsManifest written = endpoints.get(service.name());
        return written == null || fromPods || service.selector().isEmpty() && !written.mirrored() ? null : written;
    }

    private void addPod(ServiceManifest service, PortManifest port, PodManifest pod, Set<IpFamily> families,
            List<Endpoint> found) {
        int number = targetPort(port, pod);
        if (number == 0) {
            return;
        }
        boolean ready = service.publishNotReadyAddresses() || pod.ready() && !pod.terminating();
        String zone = zoneOf(pod.node());
        boolean sameNode = service.distribution().equals("PreferSameNode");
        boolean sameZone = sameNode || service.distribution().equals("PreferSameZone")
                || service.distribution().equals("PreferClose");
        Set<String> zoneHints = ready && sameZone && zone != null ? Set.of(zone) : Set.of();
        String node = pod.node();
        Set<String> nodeHints = ready && sameNode && node != null ? Set.of(node) : Set.of();
        String hostname = service.name().name().equals(pod.subdomain()) ? pod.hostname() : null;
        Set<IpFamily> wanted = EnumSet.copyOf(families);
        for (InetAddress ip : pod.ips()) {
            if (wanted.remove(IpFamily.of(ip))) {
                found.add(new Endpoint(new EndpointAddress(ip, number), ready, pod.ready(), pod.terminating(), node,
                        zone, zoneHints, nodeHints, hostname, pod.name().name()));
            }
        }
    }

    /** The number of a named target port is looked up in each Pod: it may differ. 0 if the Pod has no such port. */
    private static int targetPort(PortManifest port, PodManifest pod) {
        if (!port.named()) {
            return Integer.parseInt(port.targetPort());
        }
        for (ContainerPort candidate : pod.ports()) {
            if (candidate.name().equals(port.targetPort()) && candidate.protocol() == port.protocol()) {
                return candidate.port();
            }
        }
        return 0;
    }

    private void add(List<WrittenEndpoint> endpoints, List<WrittenPort> ports, PortManifest port,
            List<Endpoint> found) {
        for (WrittenPort written : ports) {
            if (written.name().equals(port.name()) && written.protocol() == port.protocol()) {
                for (WrittenEndpoint endpoint : endpoints) {
                    String zone = endpoint.zone() == null ? zoneOf(endpoint.node()) : endpoint.zone();
                    found.add(new Endpoint(new EndpointAddress(endpoint.ip(), written.port()), endpoint.ready(),
                            endpoint.serving(), endpoint.terminating(), endpoint.node(), zone,
                            endpoint.zoneHints(), endpoint.nodeHints(), endpoint.hostname(), endpoint.target()));
                }
            }
        }
    }

    private static EmptyReason whyUnusable(EndpointSet set, Set<IpFamily> families) {
        List<Endpoint> ofFamily =
                set.endpoints().stream().filter(e -> families.contains(e.address().family())).toList();
        return ofFamily.isEmpty()
                ? new EmptyReason.OtherFamilyOnly(set.endpoints().size(), families.iterator().next())
                : new EmptyReason.NoneReady(ofFamily.size(), ofFamily.stream().map(EndpointRules::nameOf).toList());
    }

    private static String nameOf(Endpoint endpoint) {
        String target = endpoint.target();
        return target == null ? endpoint.address().toString() : target;
    }

    private EmptyReason whyNoPod(ServiceManifest service, PortManifest port, List<PodManifest> selected,
            Set<IpFamily> families) {
        if (selected.isEmpty()) {
            String namespace = service.name().namespace();
            PodManifest nearest = pods.nearest(namespace, service.selector());
            return new EmptyReason.SelectorMatchesNoPod(service.selector(), pods.count(namespace),
                    nearest == null ? null : nearest.name().name(),
                    nearest == null ? Map.of() : PodIndex.labelsOf(nearest, service.selector()),
                    pods.otherNamespace(namespace, service.selector()));
        }
        Map<String, String> leftOut = new TreeMap<>();
        List<String> withoutPort = new ArrayList<>();
        for (PodManifest pod : selected) {
            String why = pod.leftOut();
            if (why != null) {
                leftOut.put(pod.name().name(), why);
            } else if (targetPort(port, pod) == 0) {
                withoutPort.add(pod.name().name());
            } else {
                leftOut.put(pod.name().name(), "has no " + families.iterator().next().apiName() + " address");
            }
        }
        return withoutPort.isEmpty()
                ? new EmptyReason.PodsLeftOut(leftOut)
                : new EmptyReason.TargetPortNotFound(port.targetPort(), port.protocol(), withoutPort);
    }

    private EmptyReason whyNothingWritten(ServiceManifest service, PortManifest port, List<SliceManifest> counting,
            @Nullable EndpointsManifest mirrored) {
        TreeSet<String> names = new TreeSet<>();
        int addresses = 0;
        for (SliceManifest slice : counting) {
            slice.ports().forEach(p -> names.add(portName(p)));
            addresses += slice.endpoints().size();
        }
        if (mirrored != null) {
            for (Subset subset : mirrored.subsets()) {
                subset.ports().forEach(p -> names.add(portName(p)));
                addresses += subset.endpoints().size();
            }
        }
        if (addresses > 0) {
            return new EmptyReason.PortNotWritten(port.name(), List.copyOf(names));
        }
        if (mirrored != null || !counting.isEmpty()) {
            return new EmptyReason.NoAddressWritten();
        }
        for (String namespace : writtenIn.getOrDefault(service.name().name(), Set.of())) {
            if (!namespace.equals(service.name().namespace())) {
                return new EmptyReason.WrittenElsewhere(namespace);
            }
        }
        return new EmptyReason.NothingWritten();
    }

    private static String portName(WrittenPort port) {
        return port.protocol() == Protocol.TCP ? port.name() : port.name() + "/" + port.protocol();
    }

    /** Warns of Services whose topology annotation asks for hints that only a controller with the nodes' sizes can write. */
    void reportProportionalHints(Collection<ServiceManifest> services, Problems problems) {
        for (ServiceManifest service : services) {
            if (service.distribution().equals("Auto") && fromPods(service)) {
                problems.warning(service.location(), service.subject(), "topology mode Auto has no effect on endpoints"
                        + " that are made of Pods here; write trafficDistribution: PreferSameZone instead");
            }
        }
    }

    /** Warns of endpoints that belong to no Service. */
    void reportOrphans(Set<ServiceName> services, Problems problems) {
        slices.forEach((service, written) -> {
            if (!services.contains(service)) {
                written.forEach(slice -> problems.warning(slice.location(), slice.subject(),
                        "belongs to Service " + service + ", which is not there"));
            }
        });
        endpoints.values().stream().filter(written -> written.mirrored() && !services.contains(written.name()))
                .forEach(written -> problems.warning(written.location(), written.subject(),
                        "belongs to Service " + written.name() + ", which is not there"));
    }
}
