package io.sluice.source.manifest;

import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
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
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How Services get their endpoints: what the EndpointSlice controller makes of Pods, what the mirroring controller makes
 * of hand-written Endpoints, and what EndpointSlices say themselves (staging/src/k8s.io/endpointslice, KEP-752).
 */
final class EndpointRules {

    private static final Set<String> CONTROLLERS = Set.of("endpointslice-controller.k8s.io",
            "endpointslicemirroring-controller.k8s.io");

    private final Map<String, List<PodManifest>> podsByNamespace = new HashMap<>();
    private final Map<ServiceName, List<SliceManifest>> slices = new HashMap<>();
    private final Map<ServiceName, EndpointsManifest> endpoints = new HashMap<>();
    private final Map<String, NodeManifest> nodes = new HashMap<>();

    EndpointRules(Collection<Manifest> objects) {
        for (Manifest object : objects) {
            switch (object) {
                case PodManifest pod -> podsByNamespace
                        .computeIfAbsent(pod.name().namespace(), n -> new ArrayList<>()).add(pod);
                case SliceManifest slice -> slices.computeIfAbsent(slice.service(), n -> new ArrayList<>()).add(slice);
                case EndpointsManifest written -> endpoints.put(written.name(), written);
                case NodeManifest node -> nodes.put(node.name().name(), node);
                default -> {
                }
            }
        }
    }

    @Nullable
    String zoneOf(@Nullable String node) {
        NodeManifest found = node == null ? null : nodes.get(node);
        return found == null ? null : found.zone();
    }

    /** The endpoints of {@code port}, and why there are none. */
    PortState portState(ServiceManifest service, PortManifest port, ServicePort servicePort, boolean proxied) {
        List<Endpoint> found = new ArrayList<>();
        if (fromPods(service)) {
            for (PodManifest pod : selected(service)) {
                if (pod.leftOut() == null) {
                    addPod(service, port, pod, found);
                }
            }
        }
        for (SliceManifest slice : slices.getOrDefault(service.name(), List.of())) {
            if (!fromPods(service) || !CONTROLLERS.contains(slice.managedBy())) {
                add(slice.endpoints(), slice.ports(), port, found);
            }
        }
        EndpointsManifest written = endpoints.get(service.name());
        if (written != null && !fromPods(service)) {
            for (Subset subset : written.subsets()) {
                add(subset.endpoints(), subset.ports(), port, found);
            }
        }
        EndpointSet set = EndpointSet.of(found);
        boolean usable = set.endpoints().stream().anyMatch(e -> e.ready() || e.serving() && e.terminating());
        return new PortState(servicePort, set, usable || !proxied || port.protocol() != Protocol.TCP
                ? null
                : whyEmpty(service, port, set));
    }

    /**
     * Whether a controller would make the endpoints. A dump of a cluster without its Pods has them already made.
     */
    private boolean fromPods(ServiceManifest service) {
        return !service.selector().isEmpty() && service.externalName() == null
                && (podsByNamespace.containsKey(service.name().namespace()) || !slices.containsKey(service.name())
                        && !endpoints.containsKey(service.name()));
    }

    private List<PodManifest> selected(ServiceManifest service) {
        return selected(service, service.name().namespace());
    }

    private List<PodManifest> selected(ServiceManifest service, String namespace) {
        return podsByNamespace.getOrDefault(namespace, List.of()).stream()
                .filter(pod -> pod.labels().entrySet().containsAll(service.selector().entrySet())).toList();
    }

    private void addPod(ServiceManifest service, PortManifest port, PodManifest pod, List<Endpoint> found) {
        int number = targetPort(port, pod);
        if (number == 0) {
            return;
        }
        boolean ready = service.publishNotReadyAddresses() || pod.ready() && !pod.terminating();
        String zone = zoneOf(pod.node());
        Set<String> zoneHints = Set.of();
        Set<String> nodeHints = Set.of();
        if (ready) {
            boolean sameNode = service.distribution().equals("PreferSameNode");
            if (zone != null && (sameNode || service.distribution().equals("PreferSameZone")
                    || service.distribution().equals("PreferClose"))) {
                zoneHints = Set.of(zone);
            }
            if (sameNode && pod.node() != null) {
                nodeHints = Set.of(pod.node());
            }
        }
        String hostname = service.name().name().equals(pod.subdomain()) ? pod.hostname() : null;
        Set<IpFamily> seen = new TreeSet<>();
        for (InetAddress ip : pod.ips()) {
            if (seen.add(IpFamily.of(ip))) {
                found.add(new Endpoint(new EndpointAddress(ip, number), ready, pod.ready(), pod.terminating(),
                        pod.node(), zone, zoneHints, nodeHints, hostname, pod.name().name()));
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

    private static void add(List<WrittenEndpoint> endpoints, List<WrittenPort> ports, PortManifest port,
            List<Endpoint> found) {
        for (WrittenPort written : ports) {
            if (written.name().equals(port.name()) && written.protocol() == port.protocol()) {
                for (WrittenEndpoint endpoint : endpoints) {
                    found.add(new Endpoint(new EndpointAddress(endpoint.ip(), written.port()), endpoint.ready(),
                            endpoint.serving(), endpoint.terminating(), endpoint.node(), endpoint.zone(),
                            endpoint.zoneHints(), endpoint.nodeHints(), endpoint.hostname(), endpoint.target()));
                }
            }
        }
    }

    private EmptyReason whyEmpty(ServiceManifest service, PortManifest port, EndpointSet set) {
        if (!set.isEmpty()) {
            return new EmptyReason.NoneReady(set.endpoints().size(), set.endpoints().stream()
                    .map(e -> e.target() == null ? e.address().toString() : String.valueOf(e.target())).toList());
        }
        if (!fromPods(service)) {
            return whyNothingWritten(service, port);
        }
        List<PodManifest> selected = selected(service);
        if (selected.isEmpty()) {
            return whyNoneSelected(service);
        }
        Map<String, String> leftOut = new TreeMap<>();
        List<String> withoutPort = new ArrayList<>();
        for (PodManifest pod : selected) {
            if (pod.leftOut() == null) {
                withoutPort.add(pod.name().name());
            } else {
                leftOut.put(pod.name().name(), pod.leftOut());
            }
        }
        return withoutPort.isEmpty()
                ? new EmptyReason.PodsLeftOut(leftOut)
                : new EmptyReason.TargetPortNotFound(port.targetPort(), port.protocol(), withoutPort);
    }

    private EmptyReason whyNothingWritten(ServiceManifest service, PortManifest port) {
        TreeSet<String> names = new TreeSet<>();
        int addresses = 0;
        for (SliceManifest slice : slices.getOrDefault(service.name(), List.of())) {
            slice.ports().forEach(p -> names.add(p.name()));
            addresses += slice.endpoints().size();
        }
        EndpointsManifest written = endpoints.get(service.name());
        if (written != null) {
            for (Subset subset : written.subsets()) {
                subset.ports().forEach(p -> names.add(p.name()));
                addresses += subset.endpoints().size();
            }
        }
        return addresses == 0
                ? new EmptyReason.NothingWritten()
                : new EmptyReason.PortNotWritten(port.name(), List.copyOf(names));
    }

    private EmptyReason whyNoneSelected(ServiceManifest service) {
        String namespace = service.name().namespace();
        List<PodManifest> pods = podsByNamespace.getOrDefault(namespace, List.of());
        PodManifest nearest = null;
        int best = -1;
        for (PodManifest pod : pods) {
            int score = 0;
            for (Map.Entry<String, String> wanted : service.selector().entrySet()) {
                String value = pod.labels().get(wanted.getKey());
                score += value == null ? 0 : value.equals(wanted.getValue()) ? 2 : 1;
            }
            if (score > best) {
                best = score;
                nearest = pod;
            }
        }
        Map<String, String> labels = new LinkedHashMap<>();
        if (nearest != null) {
            for (String key : service.selector().keySet()) {
                String value = nearest.labels().get(key);
                if (value != null) {
                    labels.put(key, value);
                }
            }
        }
        String elsewhere = podsByNamespace.keySet().stream().sorted()
                .filter(other -> !other.equals(namespace) && !selected(service, other).isEmpty()).findFirst()
                .orElse(null);
        return new EmptyReason.SelectorMatchesNoPod(service.selector(), pods.size(),
                nearest == null ? null : nearest.name().name(), labels, elsewhere);
    }

    /** Warns of endpoints that belong to no Service. */
    void reportOrphans(Set<ServiceName> services, Problems problems) {
        slices.forEach((service, written) -> {
            if (!services.contains(service)) {
                written.forEach(slice -> problems.warning(slice.location(), slice.subject(),
                        "belongs to Service " + service + ", which is not there"));
            }
        });
        endpoints.values().stream().filter(written -> !services.contains(written.name()))
                .forEach(written -> problems.warning(written.location(), written.subject(),
                        "belongs to Service " + written.name() + ", which is not there"));
    }
}
