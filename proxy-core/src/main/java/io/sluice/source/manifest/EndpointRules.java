package io.sluice.source.manifest;

import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.source.EndpointMerge;
import io.sluice.source.EndpointSubset;
import io.sluice.source.manifest.Manifest.ContainerPort;
import io.sluice.source.manifest.Manifest.EndpointsManifest;
import io.sluice.source.manifest.Manifest.FamilyPolicy;
import io.sluice.source.manifest.Manifest.NodeManifest;
import io.sluice.source.manifest.Manifest.PortManifest;
import io.sluice.source.manifest.Manifest.SliceManifest;
import io.sluice.source.manifest.ReadingLimits.Rest;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How Services get their endpoints: as the EndpointSlice controller makes them from Pods, as the mirroring controller makes
 * them from hand-written Endpoints, and from EndpointSlices themselves (staging/src/k8s.io/endpointslice, KEP-752).
 *
 * <p>A Service with a selector gets its endpoints from its Pods. If the manifests have no Pod of its namespace, they are a
 * dump of a cluster without its Pods, and the objects that the cluster's controllers wrote count as they are.
 */
final class EndpointRules {

    private static final String SLICE_CONTROLLER = "endpointslice-controller.k8s.io";
    private static final String MIRRORING_CONTROLLER = "endpointslicemirroring-controller.k8s.io";

    private final IpFamily mainFamily;
    private final Rest rest;
    private final WorkloadPods workloads;
    private final PodIndex pods = new PodIndex();
    /** The namespaces that have Pods which no workload made here. */
    private final Set<String> withPods = new HashSet<>();
    private final PodIndex templates = new PodIndex();
    private final IdentityHashMap<PodManifest, WorkloadManifest> waiting = new IdentityHashMap<>();
    private final Map<ServiceName, List<SliceManifest>> slices = new HashMap<>();
    private final Map<ServiceName, EndpointsManifest> endpoints = new HashMap<>();
    /** For each name of a Service, the namespaces in which Endpoints or EndpointSlices name such a Service. */
    private final Map<String, Set<String>> writtenIn = new HashMap<>();
    private final Map<String, NodeManifest> nodes = new HashMap<>();

    /** @param mainFamily of a Service that names none */
    EndpointRules(Collection<Manifest> objects, WorkloadPods workloads, IpFamily mainFamily, Rest rest) {
        this.mainFamily = mainFamily;
        this.rest = rest;
        this.workloads = workloads;
        workloads.made().forEach(pods::add);
        for (WorkloadManifest workload : workloads.waiting()) {
            templates.add(workload.template());
            waiting.put(workload.template(), workload);
        }
        for (Manifest object : objects) {
            switch (object) {
                case PodManifest pod -> {
                    pods.add(pod);
                    withPods.add(pod.name().namespace());
                }
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
     * {@code service} with the endpoints of each of its ports, or the reason why a port has none. A headless Service has those
     * without a port as well: the EndpointSlice controller makes them from Pods that lack the port.
     *
     * @throws LimitExceededException if there are more endpoints than can be kept
     */
    ServiceState state(ServiceManifest manifest, Service service) throws LimitExceededException {
        Set<IpFamily> families = families(manifest, service);
        boolean fromPods = fromPods(manifest);
        List<PodManifest> selected =
                fromPods ? pods.selected(manifest.name().namespace(), manifest.selector()) : List.of();
        List<EndpointSubset> written = written(manifest, fromPods);
        List<PortState> states = new ArrayList<>();
        for (int i = 0; i < manifest.ports().size(); i++) {
            PortManifest port = manifest.ports().get(i);
            EndpointMerge merge = new EndpointMerge(service, service.ports().get(i), families);
            selected.stream().filter(pod -> pod.leftOut() == null)
                    .forEach(pod -> {
                        int number = targetPort(port, pod);
                        if (number != 0) {
                            addPod(manifest, number, pod, families, merge::add);
                        }
                    });
            written.forEach(merge::add);
            PortState state = merge.state(() -> fromPods
                    ? whyNoPod(manifest, port, selected, families)
                    : whyNothingWritten(manifest, port, written));
            String limit = rest.over()
                    + rest.tooManyEndpoints(merge.size() + (state.whyEmpty() == null ? 0 : selected.size()));
            if (!limit.isEmpty()) {
                throw new LimitExceededException(limit);
            }
            states.add(state);
        }
        List<Endpoint> portless = new ArrayList<>();
        if (service.headless()) {
            selected.stream().filter(pod -> pod.leftOut() == null)
                    .forEach(pod -> addPod(manifest, 0, pod, families, portless::add));
        }
        ServiceState state = EndpointMerge.withPortless(service, states, portless, written);
        String limit = rest.tooManyEndpoints(state.portless().endpoints().size());
        if (!limit.isEmpty()) {
            throw new LimitExceededException(limit);
        }
        return state;
    }

    /**
     * The families of the endpoints. A headless Service has those that the API server would write into it: with a selector
     * that of the cluster, unless its policy asks for two; without one both (pkg/registry/core/service/storage/alloc.go).
     */
    private Set<IpFamily> families(ServiceManifest manifest, Service service) {
        EnumSet<IpFamily> families = EnumSet.noneOf(IpFamily.class);
        service.clusterIps().forEach(ip -> families.add(IpFamily.of(ip)));
        if (families.isEmpty()) {
            families.addAll(manifest.families());
        }
        if (!families.isEmpty()) {
            return families;
        }
        boolean one = service.headless() && manifest.familyPolicy() == FamilyPolicy.SINGLE
                && !manifest.selector().isEmpty();
        return one ? EnumSet.of(mainFamily) : EnumSet.allOf(IpFamily.class);
    }

    private boolean fromPods(ServiceManifest service) {
        return !service.selector().isEmpty() && service.externalName() == null
                && (withPods.contains(service.name().namespace())
                        || !pods.selected(service.name().namespace(), service.selector()).isEmpty()
                        || !slices.containsKey(service.name()) && !endpoints.containsKey(service.name()));
    }

    /**
     * The endpoints that are written for {@code service} and count. EndpointSlices: not those that a controller made from
     * objects that are here themselves; those that are written by hand, or by any other controller, always count. Endpoints:
     * those that the mirroring controller would mirror; never those of a Service with a selector, which the controller has
     * made from the Pods.
     */
    private List<EndpointSubset> written(ServiceManifest service, boolean fromPods) {
        EndpointsManifest mirrored = endpoints.get(service.name());
        List<EndpointSubset> counting = new ArrayList<>();
        for (SliceManifest slice : slices.getOrDefault(service.name(), List.of())) {
            if (!(fromPods && slice.managedBy().equals(SLICE_CONTROLLER))
                    && !(mirrored != null && slice.managedBy().equals(MIRRORING_CONTROLLER))) {
                counting.add(inZones(slice.subset()));
            }
        }
        if (mirrored != null && !fromPods && (mirrored.mirrored() || !service.selector().isEmpty())) {
            mirrored.subsets().forEach(subset -> counting.add(inZones(subset)));
            if (mirrored.subsets().isEmpty()) {
                counting.add(new EndpointSubset(List.of(), List.of()));
            }
        }
        return counting;
    }

    /** An endpoint that is written without a zone is in the zone of its Node. */
    private EndpointSubset inZones(EndpointSubset written) {
        return nodes.isEmpty()
                ? written
                : new EndpointSubset(written.ports(), written.addresses().stream()
                        .map(a -> a.zone() == null && a.node() != null ? a.inZone(zoneOf(a.node())) : a).toList());
    }

    private void addPod(ServiceManifest service, int number, PodManifest pod, Set<IpFamily> families,
            Consumer<Endpoint> merge) {
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
        for (EndpointAddress address : pod.at(number)) {
            if (wanted.remove(address.family())) {
                merge.accept(Endpoint.builder(address).ready(ready).serving(pod.ready())
                        .terminating(pod.terminating()).node(node).zone(zone).zoneHints(zoneHints)
                        .nodeHints(nodeHints).hostname(hostname).target(pod.name().name()).build());
            }
        }
    }

    /** The number of the target port; a name is looked up in each Pod, as it may differ. 0 if the Pod has no such port. */
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

    private EmptyReason whyNoPod(ServiceManifest service, PortManifest port, List<PodManifest> selected,
            Set<IpFamily> families) {
        if (selected.isEmpty()) {
            String namespace = service.name().namespace();
            Optional<WorkloadManifest> maker = waitingFor(service).stream().findFirst();
            if (maker.isPresent()) {
                return workloads.whyWaiting(maker.get());
            }
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

    /** The workloads that would make Pods for {@code service}, and do not because nobody says where their processes are. */
    List<WorkloadManifest> waitingFor(ServiceManifest service) {
        return templates.selected(service.name().namespace(), service.selector()).stream().map(waiting::get).toList();
    }

    /** Why {@code workload} makes no Pods. */
    EmptyReason whyWaiting(WorkloadManifest workload) {
        return workloads.whyWaiting(workload);
    }

    private EmptyReason whyNothingWritten(ServiceManifest service, PortManifest port, List<EndpointSubset> written) {
        Optional<EmptyReason> otherPorts = EndpointMerge.portNotWritten(port.name(), written);
        if (otherPorts.isPresent()) {
            return otherPorts.get();
        }
        if (!written.isEmpty()) {
            return new EmptyReason.NoAddressWritten();
        }
        for (String namespace : writtenIn.getOrDefault(service.name().name(), Set.of())) {
            if (!namespace.equals(service.name().namespace())) {
                return new EmptyReason.WrittenElsewhere(namespace);
            }
        }
        return new EmptyReason.NothingWritten();
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

    /** Warns of hand-written Endpoints of a Service whose Pods count instead. */
    void reportIgnored(Collection<ServiceManifest> services, Problems problems) {
        for (ServiceManifest service : services) {
            EndpointsManifest written = endpoints.get(service.name());
            if (written != null && written.byHand() && !written.subsets().isEmpty() && fromPods(service)) {
                problems.warning(written.location(), written.subject(), "is ignored, as in a cluster: the endpoints"
                        + " of Service " + service.name() + " come from the Pods of its selector; write a Service"
                        + " without a selector, or an EndpointSlice");
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
