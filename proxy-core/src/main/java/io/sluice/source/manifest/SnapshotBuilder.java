package io.sluice.source.manifest;

import io.sluice.linux.LocalListeners;
import io.sluice.service.ClusterFacts;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EmptyReason;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointLoops;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Pod;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceMap;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.source.Excerpt;
import io.sluice.source.Problem.Severity;
import io.sluice.source.manifest.Manifest.PortManifest;
import java.net.InetAddress;
import io.sluice.source.manifest.ReadingLimits.Rest;
import io.sluice.source.probe.LocalPod;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a snapshot from files: reads, allocates, derives. Remembers the allocations of the last snapshot that came into
 * force. Not thread-safe.
 */
final class SnapshotBuilder {

    private static final Logger LOG = LoggerFactory.getLogger(SnapshotBuilder.class);

    private static final List<InetAddress> LOOPBACK =
            List.of(IpAddresses.parse("127.0.0.1"), IpAddresses.parse("::1"));

    private final ManifestOptions options;
    private final InputReader inputs;
    private final @Nullable Discovery discovery;
    private Allocations allocations;
    private Allocations built;
    private Map<String, Integer> toldSkipped = Map.of();
    private Set<String> toldPassedOver = Set.of();
    private long version;
    private boolean inForce;

    SnapshotBuilder(ManifestOptions options, InputReader inputs) {
        this.options = options;
        this.inputs = inputs;
        this.discovery = options.discover() ? new Discovery(new LocalListeners(), options.serviceCidrs()) : null;
        this.allocations = Allocations.none(options);
        this.built = allocations;
    }

    /** Reads everything again; remembers nothing of it before {@link #commit}. */
    LoadedManifests build(Instant now) {
        Problems problems = new Problems();
        Rest rest = new Rest(ReadingLimits.ofThisHeap());
        DocumentReader objects = inputs.read(problems, rest, options.detail());
        if (!objects.skippedKinds().isEmpty() && !objects.skippedKinds().equals(toldSkipped)) {
            toldSkipped = Map.copyOf(objects.skippedKinds());
            LOG.info("objects of other kinds are skipped: {}", objects.skippedKinds());
        }
        if (!objects.passedOver().isEmpty() && !objects.passedOver().equals(toldPassedOver)) {
            toldPassedOver = Set.copyOf(objects.passedOver());
            LOG.info("files that are no manifests are passed over: {}",
                    Excerpt.line(String.join(", ", objects.passedOver())));
        }
        List<ServiceManifest> services = objects.objects().stream().filter(ServiceManifest.class::isInstance)
                .map(ServiceManifest.class::cast).toList();
        Allocations given = allocations.with(services, now, problems, rest);
        WorkloadPods workloads = new WorkloadPods(objects, options.endpoints(), discovery,
                inForce ? Severity.WARNING : Severity.ERROR, problems);
        EndpointRules rules = new EndpointRules(objects.objects(), workloads, options.mainFamily(), rest);
        Map<ServiceName, ServiceState> states = states(services, given, rules, problems);
        if (!objects.full() && states.size() == services.size()) {
            rules.reportProportionalHints(services, problems);
            rules.reportOrphans(states.keySet(), problems);
            rules.reportIgnored(services, problems);
            reportWaiting(services, states, rules, problems);
            reportLoops(services, states, problems);
        }
        NodeTopology node = new NodeTopology(options.nodeName(), rules.zoneOf(options.nodeName()));
        built = given;
        Set<ServiceName> undated = services.stream().filter(service -> service.createdAt() == null)
                .map(ServiceManifest::name).collect(Collectors.toSet());
        ClusterFacts facts =
                new ClusterFacts(true, rules.otherNodes(options.nodeName()), Set.of(), undated);
        List<Workload> makers = workloads(objects); // may have problems to tell
        return new LoadedManifests(
                new ClusterSnapshot(++version, now, node, ServiceMap.of(states), pods(objects, workloads), List.of(),
                        facts),
                problems.all(),
                objects.skippedKinds(), List.copyOf(objects.passedOver()), localPods(objects, workloads),
                makers, discovery == null ? List.of() : discovery.lines());
    }

    /** Whether a process that was looked for has started, ended or moved since the last {@link #build}. */
    boolean processesChanged() {
        return discovery != null && discovery.look();
    }

    /** Warns of endpoints that lead back. Node ports listen on loopback addresses by default. */
    private static void reportLoops(List<ServiceManifest> services, Map<ServiceName, ServiceState> states,
            Problems problems) {
        Map<EndpointAddress, ServicePortName> answered = new HashMap<>();
        Map<EndpointAddress, ServicePortName> datagrams = new HashMap<>();
        for (ServiceState state : states.values()) {
            Service service = state.service();
            for (ServicePort port : service.proxied() ? service.ports() : List.<ServicePort>of()) {
                if (port.protocol() != Protocol.SCTP) {
                    ServicePortName name = new ServicePortName(service.name(), port.name(), port.protocol());
                    Map<EndpointAddress, ServicePortName> taken =
                            port.protocol() == Protocol.TCP ? answered : datagrams;
                    Stream.of(service.clusterIps(), service.externalIps(), service.loadBalancerIps())
                            .flatMap(List::stream)
                            .forEach(ip -> taken.putIfAbsent(new EndpointAddress(ip, port.port()), name));
                    LOOPBACK.forEach(ip -> taken.putIfAbsent(new EndpointAddress(ip, port.nodePort()), name));
                }
            }
        }
        Map<ServicePortName, Set<EndpointAddress>> found =
                EndpointLoops.find(states.values(), answered::get, datagrams::get).endpoints();
        Map<ServiceName, ServiceManifest> byName = new HashMap<>();
        services.forEach(service -> byName.put(service.name(), service));
        found.forEach((port, addresses) -> {
            ServiceManifest service = byName.get(port.service());
            if (service != null) {
                problems.warning(service.location(), service.subject(), "the endpoint "
                        + addresses.stream().sorted().map(EndpointAddress::toString).collect(Collectors.joining(", "))
                        + " leads back to the Service itself and gets no connections: name the address of a pod");
            }
        });
    }

    /** Names each workload once whose Pods a Service without endpoints waits for, and says what to add. */
    private static void reportWaiting(List<ServiceManifest> services, Map<ServiceName, ServiceState> states,
            EndpointRules rules, Problems problems) {
        Map<WorkloadManifest, List<String>> selectedBy = new LinkedHashMap<>();
        for (ServiceManifest service : services) {
            ServiceState state = states.get(service.name());
            if (state != null && state.ports().stream()
                    .anyMatch(port -> port.whyEmpty() instanceof EmptyReason.WorkloadWithoutAddress
                            || port.whyEmpty() instanceof EmptyReason.ProgramNotFound)) {
                rules.waitingFor(service).stream().filter(workload -> workload.replicas() > 0)
                        .forEach(workload -> selectedBy.computeIfAbsent(workload, w -> new ArrayList<>())
                                .add(service.name().name()));
            }
        }
        selectedBy.forEach((workload, names) -> problems.warning(workload.location(), workload.subject(),
                "would make " + EmptyReason.pods(workload.replicas()) + " for Service " + String.join(", ", names)
                        + ", but " + (rules.whyWaiting(workload) instanceof EmptyReason.ProgramNotFound notFound
                                ? notFound.why()
                                : "no controller runs programs here: run it yourself, and say where it listens with"
                                        + " --endpoint " + workload.name() + "=HOST:PORT, or with the annotation "
                                        + PodReader.ENDPOINT
                                        + ": HOST:PORT on its template, or have it found with --discover")));
    }

    /** The states of the Services up to the one that exceeds a limit. */
    static Map<ServiceName, ServiceState> states(List<ServiceManifest> services, Allocations given,
            EndpointRules rules, Problems problems) {
        Map<ServiceName, ServiceState> states = new HashMap<>();
        for (ServiceManifest service : services) {
            try {
                states.put(service.name(), state(service, given, rules));
            } catch (LimitExceededException e) {
                problems.error(service.location(), service.subject(), String.valueOf(e.getMessage()));
                break;
            }
        }
        return states;
    }

    private static List<LocalPod> localPods(DocumentReader objects, WorkloadPods workloads) {
        return Stream.concat(written(objects), workloads.made().stream())
                .filter(pod -> pod.local() && pod.leftOut() == null && !pod.ips().isEmpty())
                .map(PodManifest::probed).toList();
    }

    private static List<Workload> workloads(DocumentReader objects) {
        return Stream.concat(
                objects.workloads().stream()
                        .map(w -> Workload.of(w, isServed(objects, w.name(), w.template()),
                                objects.variables(w.subject()))),
                written(objects).map(pod -> Workload.of(pod, isServed(objects, pod.name(), pod),
                        objects.variables(pod.subject()))))
                .toList();
    }

    private static boolean isServed(DocumentReader objects, ServiceName name, PodManifest pod) {
        return objects.objects().stream().anyMatch(object -> object instanceof ServiceManifest service
                && service.name().namespace().equals(name.namespace()) && !service.selector().isEmpty()
                && pod.labels().entrySet().containsAll(service.selector().entrySet()));
    }

    private static Stream<PodManifest> written(DocumentReader objects) {
        return objects.objects().stream().filter(PodManifest.class::isInstance).map(PodManifest.class::cast);
    }

    /** Also those without an address: a program may play one of them, with its variables. */
    private static List<Pod> pods(DocumentReader objects, WorkloadPods workloads) {
        Stream<Pod> there = Stream.concat(written(objects), workloads.made().stream())
                .filter(pod -> pod.leftOut() == null || PodReader.NO_IP.equals(pod.leftOut()))
                .map(pod -> new Pod(pod.name().namespace(), pod.name().name(), pod.ips(), pod.serviceLinks()));
        Stream<Pod> waiting = workloads.waiting().stream().flatMap(workload -> IntStream
                .range(0, Math.min(workload.replicas(), ProcessAddress.MAX)).mapToObj(i -> new Pod(
                        workload.name().namespace(), workload.podName(i), List.of(),
                        workload.template().serviceLinks())));
        return Stream.concat(there, waiting).toList();
    }

    /** A version for a snapshot that is made of one that was built. */
    long nextVersion() {
        return ++version;
    }

    /** The snapshot that was built last is in force: its allocations stay. */
    void commit() {
        allocations = built;
        inForce = true;
        inputs.commit();
    }

    private static ServiceState state(ServiceManifest manifest, Allocations given, EndpointRules rules)
            throws LimitExceededException {
        List<ServicePort> ports = new ArrayList<>();
        for (PortManifest port : manifest.ports()) {
            ports.add(new ServicePort(port.name(), port.protocol(), port.port(), given.nodePort(manifest, port),
                    port.targetPort(), port.appProtocol()));
        }
        Service service = Service.builder(manifest.name()).type(manifest.type()).clusterIps(given.clusterIps(manifest))
                .headless(manifest.headless()).externalName(manifest.externalName()).ports(ports)
                .internalTrafficPolicy(manifest.internalTrafficPolicy())
                .externalTrafficPolicy(manifest.externalTrafficPolicy()).sessionAffinity(manifest.sessionAffinity())
                .externalIps(manifest.externalIps()).loadBalancerIps(manifest.loadBalancerIps())
                .loadBalancerSourceRanges(manifest.loadBalancerSourceRanges())
                .healthCheckNodePort(given.healthCheckNodePort(manifest))
                .publishNotReadyAddresses(manifest.publishNotReadyAddresses()).selector(manifest.selector())
                .annotations(manifest.annotations())
                .createdAt(manifest.createdAt() == null ? given.firstSeen(manifest) : manifest.createdAt())
                .exclusion(manifest.exclusion()).build();
        return rules.state(manifest, service);
    }
}
