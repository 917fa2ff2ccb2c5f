package io.sluice.source.manifest;

import io.sluice.service.EmptyReason;
import io.sluice.service.EndpointAddress;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.source.Problem.Severity;
import io.sluice.source.Spelling;
import io.sluice.source.manifest.Discovery.Findings;
import io.sluice.source.manifest.Discovery.Want;
import io.sluice.source.manifest.GivenEndpoint.Target;
import io.sluice.source.manifest.Manifest.ContainerPort;
import io.sluice.source.manifest.WorkloadManifest.Mistake;
import io.sluice.text.Printable;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Makes the Pods of workloads, as their controllers would: with the template's labels and ports, and with stable names and
 * host names for a StatefulSet. The processes run without a kubelet, so somebody has to say where each one is: {@code
 * --endpoint}, else an annotation. As many Pods are made as addresses are given; what has none waits.
 *
 * <p>A workload whose Pods are among the manifests makes no others. Where {@code --endpoint} names it, or one of them, they are
 * replaced: the developer runs that process. Not thread-safe.
 */
final class WorkloadPods {

    /** The most names that a message lists. */
    private static final int SHOWN = 5;

    private final Problems problems;
    private final Severity unknownTarget;
    private final PodIndex written = new PodIndex();
    private final List<PodManifest> bare = new ArrayList<>();
    private final List<PodManifest> made = new ArrayList<>();
    private final List<WorkloadManifest> waiting = new ArrayList<>();
    /** For the name of each workload whose process was looked for and not found, why not. */
    private Map<String, String> missing = Map.of();
    private final Set<Manifest> replaced = Collections.newSetFromMap(new IdentityHashMap<>());
    /** What {@code --endpoint} gave for each {@code Kind namespace/name}. */
    private final Map<String, List<GivenEndpoint>> given = new HashMap<>();

    /**
     * Makes them.
     *
     * @param documents     Pods that are replaced are taken from its objects
     * @param endpoints     what {@code --endpoint} gave
     * @param discovery     finds the processes of workloads that have no address; null if nobody is to look
     * @param unknownTarget how bad it is if one of them names nothing: once manifests are in force, an edit may well remove a
     *                      workload
     */
    WorkloadPods(DocumentReader documents, List<GivenEndpoint> endpoints, @Nullable Discovery discovery,
            Severity unknownTarget, Problems problems) {
        this.problems = problems;
        this.unknownTarget = unknownTarget;
        for (Manifest object : documents.objects()) {
            if (object instanceof PodManifest pod) {
                written.add(pod);
                bare.add(pod);
            }
        }
        endpoints.forEach(endpoint -> resolve(endpoint, documents));
        bare.forEach(this::place);
        documents.workloads().forEach(this::make);
        if (discovery != null) {
            discover(documents, discovery);
        }
        documents.objects().removeIf(replaced::contains);
    }

    /** The Pods that were made; those that were written are not among them. */
    List<PodManifest> made() {
        return made;
    }

    /** The workloads whose Pods are not there because nobody says where their processes are, or because they make none. */
    List<WorkloadManifest> waiting() {
        return waiting;
    }

    /** Why the Services that select the Pods of {@code workload}, which waits, have none. */
    EmptyReason whyWaiting(WorkloadManifest workload) {
        String name = workload.name().toString();
        String notFound = missing.get(name);
        return notFound != null && workload.replicas() > 0
                ? new EmptyReason.ProgramNotFound(workload.subject(), notFound)
                : new EmptyReason.WorkloadWithoutAddress(workload.subject(), name, workload.replicas());
    }

    /** Finds what {@code endpoint} is about: without a namespace the one in {@code default}, else the only one. */
    private void resolve(GivenEndpoint endpoint, DocumentReader documents) {
        Map<String, ServiceName> found = new HashMap<>();
        documents.workloads().stream().filter(w -> endpoint.names(w.name()))
                .forEach(w -> found.put(w.subject(), w.name()));
        if (found.isEmpty()) {
            bare.stream().filter(pod -> endpoint.names(pod.name()))
                    .forEach(pod -> found.put(pod.subject(), pod.name()));
        }
        if (found.size() > 1 && endpoint.target().namespace().isEmpty()
                && found.values().stream().anyMatch(name -> name.namespace().equals("default"))) {
            found.values().removeIf(name -> !name.namespace().equals("default"));
        }
        if (found.isEmpty()) {
            unknown(endpoint.target(), documents);
        } else if (found.size() > 1) {
            problems.error(place(endpoint.target()), "", "names " + String.join(" and ", new TreeSet<>(found.keySet()))
                    + ": write the namespace, or the annotation " + PodReader.ENDPOINT + " on the one that is meant");
        } else {
            given.computeIfAbsent(found.keySet().iterator().next(), n -> new ArrayList<>()).add(endpoint);
        }
    }

    private void unknown(Target target, DocumentReader documents) {
        TreeSet<String> names = new TreeSet<>();
        documents.workloads().forEach(workload -> names.add(workload.name().toString()));
        bare.forEach(pod -> names.add(pod.name().toString()));
        String wanted = (target.namespace().isEmpty() ? "default" : target.namespace()) + "/" + target.name();
        String selected = documents.objects().stream()
                .filter(object -> object instanceof ServiceManifest && object.name().toString().equals(wanted))
                .flatMap(service -> selectedBy((ServiceManifest) service, documents)).sorted().limit(SHOWN)
                .collect(Collectors.joining(" and "));
        String meant = Spelling.didYouMean(wanted, names);
        String advice = !selected.isEmpty() ? "; Service " + wanted + " selects the Pods of " + selected
                : !meant.isEmpty() ? meant
                : names.isEmpty() ? "; the manifests have none"
                : "; there " + (names.size() == 1 ? "is " : "are ")
                        + Printable.first(List.copyOf(names), SHOWN);
        String message = "names no " + WorkloadReader.kinds() + advice;
        if (unknownTarget == Severity.ERROR) {
            problems.error(place(target), "", message);
        } else {
            problems.warning(place(target), "", message);
        }
    }

    private static Stream<String> selectedBy(ServiceManifest service, DocumentReader documents) {
        return documents.workloads().stream().filter(workload -> selects(service, workload))
                .map(WorkloadManifest::subject);
    }

    private static boolean selects(ServiceManifest service, WorkloadManifest workload) {
        return workload.name().namespace().equals(service.name().namespace()) && !service.selector().isEmpty()
                && workload.template().labels().entrySet().containsAll(service.selector().entrySet());
    }

    private static String place(Target target) {
        return "--endpoint " + target;
    }

    /** Replaces a written Pod by one where its process is. */
    private void place(PodManifest pod) {
        List<GivenEndpoint> places = given.get(pod.subject());
        if (places == null) {
            if (PodReader.NO_IP.equals(pod.leftOut()) && !pod.hasStatus()) {
                problems.warning(pod.location(), pod.subject(),
                        "has no status and so no IP, it is left out: say where it"
                                + " is with --endpoint " + pod.name() + "=HOST:PORT, or with the annotation "
                                + PodReader.POD_IP
                                + ": 127.0.1.1");
            }
            return;
        }
        replaced.add(pod);
        List<Placement> placements = placements(places, List.of(), pod.ports(), pod.subject());
        for (int i = 0; i < placements.size(); i++) {
            Placement placement = placements.get(i);
            String name = pod.name().name() + (i == 0 ? "" : "-" + (i + 1));
            made.add(pod.placed(new ServiceName(pod.name().namespace(), name), pod.hostname(), placement.ips,
                    placement.elsewhere));
        }
    }

    private void make(WorkloadManifest workload) {
        List<GivenEndpoint> places = given.getOrDefault(workload.subject(), List.of());
        Mistake mistake = workload.mistake();
        if (mistake != null) {
            String subject = (workload.subject() + " " + mistake.path()).strip();
            if (mistake.severity(!places.isEmpty()) == Severity.ERROR) {
                problems.error(mistake.location(), subject, mistake.message());
            } else {
                problems.warning(mistake.location(), subject, mistake.message());
            }
            return;
        }
        PodManifest template = workload.template();
        List<PodManifest> own = written.selected(workload.name().namespace(), template.labels());
        if (!places.isEmpty()) {
            replaced.addAll(own);
        } else if (!own.isEmpty()) {
            return;
        }
        if (workload.replicas() == 0 || places.isEmpty() && workload.addresses().isEmpty()) {
            waiting.add(workload);
            return;
        }
        make(workload, placements(places, workload.addresses(), template.ports(), workload.subject()));
    }

    /** Gives Pods to workloads that wait, where their processes are found. */
    private void discover(DocumentReader documents, Discovery discovery) {
        Set<EndpointAddress> known = new HashSet<>();
        Stream.concat(made.stream(), bare.stream()).forEach(pod -> {
            pod.ports().forEach(port -> known.addAll(pod.at(port.port())));
            pod.elsewhere().values().forEach(known::addAll);
        });
        List<WorkloadManifest> wanted = waiting.stream().filter(workload -> workload.replicas() > 0).toList();
        Findings findings = discovery.find(wanted.stream().map(workload -> new Want(workload.name().toString(),
                portsOf(workload, documents), workload.process())).toList(), known);
        missing = findings.missing();
        for (WorkloadManifest workload : wanted) {
            Map<Integer, EndpointAddress> places = findings.places().get(workload.name().toString());
            if (places != null) {
                waiting.remove(workload);
                Map<Integer, List<EndpointAddress>> elsewhere = new HashMap<>();
                places.forEach((port, at) -> elsewhere.put(port, List.of(at)));
                int main = PodReader.mainPort(workload.template().ports());
                EndpointAddress first = places.getOrDefault(main, places.values().iterator().next());
                make(workload, List.of(new Placement(List.of(first.ip()), elsewhere)));
            }
        }
    }

    /** The ports of its containers for TCP; if they name none, those that Services ask for. */
    private static List<Integer> portsOf(WorkloadManifest workload, DocumentReader documents) {
        List<ContainerPort> ports = workload.template().ports();
        return ports.isEmpty()
                ? documents.objects().stream().filter(ServiceManifest.class::isInstance)
                        .map(ServiceManifest.class::cast).filter(service -> selects(service, workload))
                        .flatMap(service -> service.ports().stream())
                        .filter(port -> port.protocol() == Protocol.TCP && !port.named())
                        .map(port -> Integer.valueOf(port.targetPort())).distinct().limit(1).toList()
                : ports.stream().filter(port -> port.protocol() == Protocol.TCP).map(ContainerPort::port).distinct()
                        .toList();
    }

    private void make(WorkloadManifest workload, List<Placement> placements) {
        PodManifest template = workload.template();
        for (int i = 0; i < placements.size(); i++) {
            Placement placement = placements.get(i);
            String name = workload.podName(i);
            made.add(template.placed(new ServiceName(workload.name().namespace(), name),
                    workload.ordinals() < 0 ? template.hostname() : name, placement.ips, placement.elsewhere));
        }
    }

    /** Where one Pod's process is. */
    private record Placement(List<InetAddress> ips, Map<Integer, List<EndpointAddress>> elsewhere) {}

    /** One process for each address; {@code written} counts if {@code places} has no addresses for the main port. */
    private List<Placement> placements(List<GivenEndpoint> places, List<ProcessAddress> written,
            List<ContainerPort> ports, String subject) {
        Map<Integer, List<ProcessAddress>> byPort = new TreeMap<>();
        for (GivenEndpoint place : places) {
            Integer port = portOf(place.target(), ports, subject);
            if (port == null) {
                return List.of();
            }
            byPort.computeIfAbsent(port, p -> new ArrayList<>()).addAll(place.addresses());
        }
        if (!written.isEmpty()) {
            byPort.putIfAbsent(PodReader.mainPort(ports), written);
        }
        int count = byPort.values().stream().mapToInt(List::size).max().orElse(0);
        List<Placement> placements = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            placements.add(placement(byPort, i, PodReader.mainPort(ports)));
        }
        return placements;
    }

    private static Placement placement(Map<Integer, List<ProcessAddress>> byPort, int index, int mainPort) {
        Map<Integer, List<EndpointAddress>> elsewhere = new HashMap<>();
        List<InetAddress> ips = List.of();
        for (Map.Entry<Integer, List<ProcessAddress>> port : byPort.entrySet()) {
            if (index < port.getValue().size()) {
                ProcessAddress address = port.getValue().get(index);
                if (address.port() != 0) {
                    elsewhere.put(port.getKey(), address.at(address.port()));
                }
                if (ips.isEmpty() || port.getKey() == mainPort) {
                    ips = address.ips();
                }
            }
        }
        return new Placement(ips, elsewhere);
    }

    /** The number of the port that {@code target} is about; null, with an error, if the containers have none of that name. */
    private @Nullable Integer portOf(Target target, List<ContainerPort> ports, String subject) {
        String wanted = target.containerPort();
        if (wanted.isEmpty()) {
            return PodReader.mainPort(ports);
        }
        for (ContainerPort port : ports) {
            if (port.name().equals(wanted)) {
                return port.port();
            }
        }
        if (wanted.matches("[1-9][0-9]{0,4}")) {
            return Integer.valueOf(wanted);
        }
        Set<String> known =
                ports.stream().map(port -> port.name().isEmpty() ? Integer.toString(port.port()) : port.name())
                        .collect(Collectors.toCollection(TreeSet::new));
        problems.error(place(target), "", subject + " has no container port '" + wanted + "'" + (known.isEmpty()
                ? ": its template names none" : "; it has " + String.join(", ", known)));
        return null;
    }
}
