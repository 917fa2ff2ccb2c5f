package io.sluice.source.manifest;

import io.sluice.service.IpFamily;
import io.sluice.service.ServiceName;
import io.sluice.source.manifest.Manifest.ContainerPort;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
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

    private static final Set<String> OBJECT_FIELDS = Set.of("apiVersion", "kind", "metadata", "spec", "status");
    private static final Set<String> SPEC_FIELDS = Set.of("containers", "initContainers", "nodeName", "hostname",
            "subdomain", "hostNetwork", "nodeSelector", "enableServiceLinks");
    private static final Set<String> CONTAINER_FIELDS = Set.of("name", "ports", "restartPolicy");
    private static final Set<String> PORT_FIELDS =
            Set.of("containerPort", "hostIP", "hostPort", "name", "protocol");

    /** The reason for a Pod that is left out although it has not ended: it has no address yet. */
    static final String NO_IP = "has no IP";

    private final Problems problems;

    PodReader(Problems problems) {
        this.problems = problems;
    }

    PodManifest read(Field document, ServiceName name, String subject) throws InvalidFieldException {
        FieldRules.warnUnknown(document, OBJECT_FIELDS, subject, problems);
        Field metadata = document.get("metadata");
        Field spec = document.get("spec");
        FieldRules.warnMisspelt(spec, SPEC_FIELDS, subject, problems);
        Field status = document.get("status");
        Field givenIp = metadata.get("annotations").get(POD_IP);
        boolean given = readinessIsGiven(metadata.get("annotations"), givenIp.present(), subject);
        List<InetAddress> ips = givenIp.present() ? givenIps(givenIp) : statusIps(status);
        String leftOut = null;
        if (!givenIp.present()) {
            String phase = status.get("phase").text("");
            if (phase.equals("Succeeded") || phase.equals("Failed")) {
                leftOut = "has ended (phase " + phase + ")";
            } else if (ips.isEmpty()) {
                leftOut = NO_IP;
                if (phase.isEmpty()) {
                    problems.warning(DocumentReader.place(document), subject, "has no status and so no IP, it is left"
                            + " out: give it an address with the annotation " + POD_IP + ": 127.0.1.1");
                }
            }
        }
        return PodManifest.builder(name, DocumentReader.place(document)).labels(metadata.get("labels").texts())
                .ips(List.copyOf(ips)).ready(givenIp.present() ? given : readyCondition(status))
                .terminating(metadata.get("deletionTimestamp").present()).node(spec.get("nodeName").text())
                .hostname(spec.get("hostname").text()).subdomain(spec.get("subdomain").text())
                .ports(containerPorts(spec, subject)).serviceLinks(spec.get("enableServiceLinks").bool(true))
                .leftOut(leftOut).build();
    }

    private boolean readinessIsGiven(Field annotations, boolean addressIsGiven, String subject)
            throws InvalidFieldException {
        for (Field annotation : annotations.members()) {
            String key = annotation.key();
            if (key.startsWith("sluice.io/") && !key.equals(POD_IP) && !key.equals(POD_READY)) {
                problems.warning(annotation.location(), subject + " " + annotation.path(),
                        "is not an annotation of a Pod: there are " + POD_IP + " and " + POD_READY);
            }
        }
        Field ready = annotations.get(POD_READY);
        String text = ready.text("true");
        if (!text.equals("true") && !text.equals("false")) {
            throw ready.invalid("'" + text + "' must be \"true\" or \"false\"");
        }
        if (ready.present() && !addressIsGiven) {
            problems.warning(ready.location(), subject + " " + ready.path(),
                    "has no effect without the annotation " + POD_IP);
        }
        return text.equals("true");
    }

    private static List<InetAddress> givenIps(Field field) throws InvalidFieldException {
        List<InetAddress> ips = new ArrayList<>();
        for (String text : field.text("").split(",", -1)) {
            InetAddress ip = FieldRules.address(field, text.strip());
            if (ips.stream().anyMatch(other -> IpFamily.of(other) == IpFamily.of(ip))) {
                throw field.invalid("may hold one IPv4 and one IPv6 address");
            }
            ips.add(ip);
        }
        return ips;
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
                if (name != null) {
                    ports.add(new ContainerPort(name, FieldRules.protocol(port.get("protocol")), number));
                }
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
