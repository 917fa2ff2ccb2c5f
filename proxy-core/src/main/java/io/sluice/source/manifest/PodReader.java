package io.sluice.source.manifest;

import io.sluice.service.IpFamily;
import io.sluice.service.ServiceName;
import io.sluice.source.manifest.Manifest.ContainerPort;
import io.sluice.source.manifest.ManifestOptions.PodDetail;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads Pods. What a kubelet would report comes from {@code status}, or from annotations where a manifest has no status.
 */
final class PodReader {

    /** Gives a Pod that was written by hand an address, and makes it Running and Ready. */
    static final String POD_IP = "sluice.io/pod-ip";
    /** {@code "false"} makes such a Pod not ready. */
    static final String POD_READY = "sluice.io/ready";

    /** Says where the process of a Pod is, or of each Pod of a workload: an address with a port of its own. */
    static final String ENDPOINT = "sluice.io/endpoint";

    /** The name of a workload's process, by which it is found among those of this machine. */
    static final String PROCESS = "sluice.io/process";

    private static final Set<String> ANNOTATIONS = Set.of(POD_IP, POD_READY, ENDPOINT, PROCESS);
    private static final Set<String> OBJECT_FIELDS = Set.of("apiVersion", "kind", "metadata", "spec", "status");
    private static final Set<String> SPEC_FIELDS = Set.of("containers", "initContainers", "nodeName", "hostname",
            "subdomain", "hostNetwork", "nodeSelector", "enableServiceLinks");
    private static final Set<String> CONTAINER_FIELDS = Set.of("name", "ports", "restartPolicy", "readinessProbe");
    private static final Set<String> PORT_FIELDS =
            Set.of("containerPort", "hostIP", "hostPort", "name", "protocol");

    /** The reason for a Pod that is left out although it has not ended: it has no address yet. */
    static final String NO_IP = "has no IP";

    private final Problems problems;
    private final boolean probes;
    private final @Nullable EnvironmentReader environments;

    PodReader(Problems problems, PodDetail detail, @Nullable EnvironmentReader environments) {
        this.problems = problems;
        this.probes = detail != PodDetail.ADDRESSES;
        this.environments = environments;
    }

    PodManifest read(Field document, ServiceName name, String subject) throws InvalidFieldException {
        FieldRules.warnUnknown(document, OBJECT_FIELDS, subject, problems);
        Field metadata = document.get("metadata");
        Field status = document.get("status");
        Given given = given(metadata.get("annotations"), subject);
        if (given.addresses.size() > 1) {
            throw metadata.get("annotations").get(ENDPOINT).invalid("is more than one address, and a Pod has one");
        }
        if (given.process != null) {
            problems.warning(metadata.get("annotations").get(PROCESS).location(), subject, "is a Pod, and " + PROCESS
                    + " is for workloads: say " + ENDPOINT);
        }
        PodManifest.Builder pod = described(name, document, metadata, document.get("spec"), subject);
        if (given.addresses.isEmpty()) {
            if (given.notReady != null) {
                problems.warning(given.notReady.location(), subject + " " + given.notReady.path(),
                        "has no effect without the annotation " + POD_IP + " or " + ENDPOINT);
            }
            List<InetAddress> ips = statusIps(status);
            String phase = status.get("phase").text("");
            boolean ended = phase.equals("Succeeded") || phase.equals("Failed");
            return pod.ips(List.copyOf(ips))
                    .ready(phase.isEmpty() && ips.isEmpty() ? given.ready : readyCondition(status))
                    .hasStatus(!phase.isEmpty())
                    .leftOut(ended ? "has ended (phase " + phase + ")" : ips.isEmpty() ? NO_IP : null).build();
        }
        ProcessAddress address = given.addresses.getFirst();
        return pod.ips(address.ips()).ready(given.ready).local(true)
                .elsewhere(address.port() == 0
                        ? Map.of()
                        : Map.of(mainPort(pod.build().ports()), address.at(address.port())))
                .build();
    }

    /**
     * The port that an address with a port stands for: that of the containers if there is one, the first of several; 0 if
     * they name none or one, which is for every port that a Service may ask for.
     */
    static int mainPort(List<ContainerPort> ports) {
        List<Integer> numbers = ports.stream().map(ContainerPort::port).distinct().toList();
        return numbers.size() > 1 ? numbers.getFirst() : 0;
    }

    /** What a Pod's metadata and spec say, which a template's say as well: all but its addresses and its readiness. */
    PodManifest.Builder described(ServiceName name, Field document, Field metadata, Field spec, String subject)
            throws InvalidFieldException {
        FieldRules.warnMisspelt(spec, SPEC_FIELDS, subject, problems);
        Map<String, String> labels = metadata.get("labels").texts();
        if (environments != null) {
            environments.readEntries(spec, subject, name, labels);
        }
        return PodManifest.builder(name, DocumentReader.place(document)).labels(labels)
                .terminating(metadata.get("deletionTimestamp").present()).node(spec.get("nodeName").text())
                .hostname(spec.get("hostname").text()).subdomain(spec.get("subdomain").text())
                .ports(containerPorts(spec, subject)).probe(probes ? ProbeReader.first(spec) : null)
                .serviceLinks(spec.get("enableServiceLinks").bool(true));
    }

    /**
     * What our annotations say.
     *
     * @param addresses empty if they say none
     * @param notReady  the annotation about readiness; null if there is none
     * @param process   the name of the process; null if it is not said
     */
    record Given(List<ProcessAddress> addresses, boolean ready, @Nullable Field notReady, @Nullable String process) {}

    /** Reads our annotations. */
    Given given(Field annotations, String subject) throws InvalidFieldException {
        for (Field annotation : annotations.members()) {
            String key = annotation.key();
            if (key.startsWith("sluice.io/") && !ANNOTATIONS.contains(key)) {
                problems.warning(annotation.location(), subject + " " + annotation.path(),
                        "is not an annotation of a Pod: there are " + POD_IP + ", " + ENDPOINT + ", " + PROCESS
                                + " and "
                                + POD_READY);
            }
        }
        Field ready = annotations.get(POD_READY);
        String text = ready.text("true");
        if (!text.equals("true") && !text.equals("false")) {
            throw ready.invalid("'" + text + "' must be \"true\" or \"false\"");
        }
        Field ip = annotations.get(POD_IP);
        Field endpoint = annotations.get(ENDPOINT);
        if (ip.present() && endpoint.present()) {
            throw endpoint.invalid("and " + POD_IP + " exclude each other: remove one of them");
        }
        return new Given(
                ip.present() ? List.of(new ProcessAddress(givenIps(ip), 0)) : processes(endpoint),
                text.equals("true"), ready.present() ? ready : null, annotations.get(PROCESS).text());
    }

    private static List<ProcessAddress> processes(Field endpoint) throws InvalidFieldException {
        List<ProcessAddress> addresses = new ArrayList<>();
        for (String word : endpoint.present() ? endpoint.text("").split(",", -1) : new String[0]) {
            try {
                addresses.add(ProcessAddress.parse(word.strip()));
            } catch (IllegalArgumentException e) {
                throw endpoint.invalid(String.valueOf(e.getMessage()));
            }
            if (addresses.size() > ProcessAddress.MAX) {
                throw endpoint.invalid("has more than " + ProcessAddress.MAX + " addresses");
            }
        }
        return addresses;
    }

    private static List<InetAddress> givenIps(Field field) throws InvalidFieldException {
        List<InetAddress> ips = new ArrayList<>();
        for (String text : field.text("").split(",", -1)) {
            InetAddress ip = givenIp(field, text.strip());
            if (ips.stream().anyMatch(other -> IpFamily.of(other) == IpFamily.of(ip))) {
                throw field.invalid("may hold one IPv4 and one IPv6 address");
            }
            ips.add(ip);
        }
        return ips;
    }

    private static InetAddress givenIp(Field field, String text) throws InvalidFieldException {
        try {
            return FieldRules.address(field, text);
        } catch (InvalidFieldException e) {
            if (text.equals("localhost") || text.contains(":") && isProcessAddress(text)) {
                throw field.invalid("'" + text + "' is not an IP address alone: write " + ENDPOINT + ": '" + text
                        + "' instead");
            }
            throw e;
        }
    }

    private static boolean isProcessAddress(String text) {
        try {
            ProcessAddress.parse(text);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static List<InetAddress> statusIps(Field status) throws InvalidFieldException {
        List<InetAddress> ips = new ArrayList<>();
        for (Field entry : status.get("podIPs").elements()) {
            if (!entry.get("ip").text("").isEmpty()) {
                ips.add(FieldRules.address(entry.get("ip")));
            }
        }
        if (ips.isEmpty() && !status.get("podIP").text("").isEmpty()) {
            ips.add(FieldRules.address(status.get("podIP")));
        }
        return ips;
    }

    private static boolean readyCondition(Field status) throws InvalidFieldException {
        for (Field condition : status.get("conditions").elements()) {
            if (condition.get("type").text("").equals("Ready")) {
                return condition.get("status").text("").equals("True");
            }
        }
        return false;
    }

    /** In the order in which a named targetPort is looked up: containers, then sidecars. */
    private List<ContainerPort> containerPorts(Field spec, String subject) throws InvalidFieldException {
        List<ContainerPort> ports = new ArrayList<>();
        List<Field> containers = new ArrayList<>(spec.get("containers").elements());
        for (Field init : spec.get("initContainers").elements()) {
            if (init.get("restartPolicy").text("").equals("Always")) {
                containers.add(init);
            }
        }
        for (Field container : containers) {
            FieldRules.warnMisspelt(container, CONTAINER_FIELDS, subject, problems);
            for (Field port : container.get("ports").elements()) {
                FieldRules.warnUnknown(port, PORT_FIELDS, subject, problems);
                int number = FieldRules.port(port.get("containerPort"));
                String name = name(port.get("name"));
                ports.add(new ContainerPort(name == null ? "" : name, FieldRules.protocol(port.get("protocol")),
                        number));
            }
        }
        return ports;
    }

    private static @Nullable String name(Field field) throws InvalidFieldException {
        String text = field.text();
        if (text != null && !FieldRules.isContainerPortName(text)) {
            throw field.invalid("'" + text + "' is not a name of a container port: lower case letters, digits and '-',"
                    + " 15 characters at the most, one of them a letter");
        }
        return text;
    }
}
