package io.sluice.source.manifest;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceType;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import io.sluice.source.manifest.Manifest.ContainerPort;
import io.sluice.source.manifest.Manifest.EndpointsManifest;
import io.sluice.source.manifest.Manifest.FamilyPolicy;
import io.sluice.source.manifest.Manifest.NamespaceManifest;
import io.sluice.source.manifest.Manifest.NodeManifest;
import io.sluice.source.manifest.Manifest.PodManifest;
import io.sluice.source.manifest.Manifest.PortManifest;
import io.sluice.source.manifest.Manifest.ServiceManifest;
import io.sluice.source.manifest.Manifest.SliceManifest;
import io.sluice.source.manifest.Manifest.Subset;
import io.sluice.source.manifest.Manifest.WrittenEndpoint;
import io.sluice.source.manifest.Manifest.WrittenPort;
import java.net.InetAddress;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Turns documents into {@link Manifest} objects, checking what the API server checks where it matters here. Fields that
 * the API does not have are warned about on Services, Endpoints and EndpointSlices: they are mostly typing errors.
 */
final class ObjectReader {

    /** Gives a Pod that was written by hand an address, and makes it Running and Ready. */
    static final String POD_IP = "sluice.io/pod-ip";
    /** {@code "false"} takes the readiness of such a Pod back. */
    static final String POD_READY = "sluice.io/ready";

    private static final Pattern DNS_LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");
    private static final Pattern DNS_SUBDOMAIN = Pattern.compile(
            "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*\\.?");

    private static final Set<String> OBJECT_FIELDS = Set.of("apiVersion", "kind", "metadata", "spec", "status");
    private static final Set<String> SERVICE_FIELDS = Set.of("allocateLoadBalancerNodePorts", "clusterIP",
            "clusterIPs", "externalIPs", "externalName", "externalTrafficPolicy", "healthCheckNodePort",
            "internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy", "loadBalancerClass", "loadBalancerIP",
            "loadBalancerSourceRanges", "ports", "publishNotReadyAddresses", "selector", "sessionAffinity",
            "sessionAffinityConfig", "trafficDistribution", "type");
    private static final Set<String> PORT_FIELDS = Set.of("appProtocol", "name", "nodePort", "port", "protocol",
            "targetPort");
    private static final Set<String> ENDPOINTS_FIELDS = Set.of("apiVersion", "kind", "metadata", "subsets");
    private static final Set<String> SUBSET_FIELDS = Set.of("addresses", "notReadyAddresses", "ports");
    private static final Set<String> SLICE_FIELDS = Set.of("apiVersion", "kind", "metadata", "addressType",
            "endpoints", "ports");
    private static final Set<String> SLICE_ENDPOINT_FIELDS = Set.of("addresses", "conditions", "deprecatedTopology",
            "hints", "hostname", "nodeName", "targetRef", "zone");

    private final Problems problems;
    private final List<Manifest> objects = new ArrayList<>();
    private final Map<String, Integer> skippedKinds = new TreeMap<>();

    ObjectReader(Problems problems) {
        this.problems = problems;
    }

    List<Manifest> objects() {
        return objects;
    }

    /** Kinds that mean nothing to a proxy, and how many of each there were. */
    Map<String, Integer> skippedKinds() {
        return skippedKinds;
    }

    /** Reads one document, which may be a List. */
    void read(Field document) {
        read(document, 0);
    }

    private void read(Field document, int depth) {
        String subject = "";
        try {
            String kind = document.get("kind").text("");
            if (kind.isEmpty()) {
                throw document.invalid("is no Kubernetes object: it has no kind");
            }
            if (kind.equals("List") || kind.endsWith("List") && document.get("items").present()) {
                if (depth > 4) {
                    throw document.invalid("Lists are nested too deeply");
                }
                for (Field item : document.get("items").elements()) {
                    read(item, depth + 1);
                }
                return;
            }
            subject = kind;
            switch (kind) {
                case "Service", "Endpoints", "EndpointSlice", "Pod", "Node", "Namespace" -> {
                    ServiceName name = name(document, kind);
                    subject = kind + " " + (name.namespace().isEmpty() ? name.name() : name.toString());
                    objects.add(object(kind, document, name, subject));
                }
                default -> skippedKinds.merge(kind, 1, Integer::sum);
            }
        } catch (InvalidFieldException e) {
            problems.error(e.location(), (subject + " " + e.path()).strip(), String.valueOf(e.getMessage()));
        } catch (UnusableException e) {
            problems.warning(document.location(), subject, String.valueOf(e.getMessage()));
        }
    }

    /** An object is well-formed but of no use here. */
    private static final class UnusableException extends Exception {
        private static final long serialVersionUID = 1L;

        UnusableException(String message) {
            super(message);
        }
    }

    private Manifest object(String kind, Field document, ServiceName name, String subject)
            throws InvalidFieldException, UnusableException {
        return switch (kind) {
            case "Service" -> service(document, name, subject);
            case "Endpoints" -> endpoints(document, name, subject);
            case "EndpointSlice" -> slice(document, name, subject);
            case "Pod" -> pod(document, name, subject);
            case "Node" -> new NodeManifest(name, document.location(),
                    document.get("metadata").get("labels").get("topology.kubernetes.io/zone").text());
            default -> new NamespaceManifest(name, document.location());
        };
    }

    private static ServiceName name(Field document, String kind) throws InvalidFieldException {
        Field metadata = document.get("metadata");
        Field name = metadata.get("name");
        if (!name.present()) {
            throw name.invalid("is missing");
        }
        String text = name.text("");
        if (kind.equals("Service") && (!DNS_LABEL.matcher(text).matches() || Character.isDigit(text.charAt(0)))) {
            throw name.invalid("'" + text + "' is not a Service name: lower case letters, digits and '-', beginning"
                    + " with a letter, 63 characters at the most");
        }
        if (!DNS_SUBDOMAIN.matcher(text).matches()) {
            throw name.invalid("'" + text + "' is not a name: lower case letters, digits, '-' and '.'");
        }
        if (kind.equals("Node") || kind.equals("Namespace")) {
            return new ServiceName("", text);
        }
        Field namespace = metadata.get("namespace");
        String namespaceText = namespace.text("default");
        if (!DNS_LABEL.matcher(namespaceText).matches()) {
            throw namespace.invalid("'" + namespaceText + "' is not a namespace: lower case letters, digits and '-'");
        }
        return new ServiceName(namespaceText, text);
    }

    private void warnUnknown(Field field, Set<String> known, String subject) throws InvalidFieldException {
        for (String key : field.keys()) {
            if (!known.contains(key)) {
                Field unknown = field.get(key);
                problems.warning(unknown.location(), subject + " " + unknown.path(),
                        "is not a field that Kubernetes knows and has no effect" + nearest(key, known));
            }
        }
    }

    private static String nearest(String key, Set<String> known) {
        for (String candidate : known) {
            if (candidate.equalsIgnoreCase(key) || candidate.equals(key + "s") || key.equals(candidate + "s")) {
                return "; did you mean " + candidate + "?";
            }
        }
        return "";
    }

    // Service.

    private ServiceManifest service(Field document, ServiceName name, String subject) throws InvalidFieldException {
        warnUnknown(document, OBJECT_FIELDS, subject);
        Field spec = document.get("spec");
        if (!spec.present()) {
            throw spec.invalid("is missing");
        }
        warnUnknown(spec, SERVICE_FIELDS, subject);
        ServiceType type = type(spec.get("type"));
        String externalName = externalName(spec.get("externalName"), type);
        List<InetAddress> clusterIps = new ArrayList<>();
        boolean headless = clusterIps(spec, clusterIps);
        if (type == ServiceType.EXTERNAL_NAME) {
            clusterIps.clear();
            headless = false;
        }
        Map<String, String> annotations = annotations(document);
        List<PortManifest> ports = ports(spec.get("ports"), subject, type == ServiceType.EXTERNAL_NAME || headless);
        return new ServiceManifest(name, document.location(), type, clusterIps, headless, externalName,
                families(spec.get("ipFamilies")), familyPolicy(spec.get("ipFamilyPolicy")), ports,
                policy(spec.get("internalTrafficPolicy")), policy(spec.get("externalTrafficPolicy")), affinity(spec),
                addresses(spec.get("externalIPs")), ingress(document.get("status")),
                ranges(spec.get("loadBalancerSourceRanges")), spec.get("healthCheckNodePort").integer(0, 65_535, 0),
                spec.get("publishNotReadyAddresses").bool(false),
                type == ServiceType.NODE_PORT
                        || type == ServiceType.LOAD_BALANCER && spec.get("allocateLoadBalancerNodePorts").bool(true),
                distribution(spec.get("trafficDistribution"), annotations), spec.get("selector").texts(), annotations,
                instant(document.get("metadata").get("creationTimestamp")));
    }

    private static ServiceType type(Field field) throws InvalidFieldException {
        String text = field.text("ClusterIP");
        for (ServiceType type : ServiceType.values()) {
            if (type.apiName().equals(text)) {
                return type;
            }
        }
        throw field.invalid("'" + text + "' must be ClusterIP, NodePort, LoadBalancer or ExternalName");
    }

    private static @Nullable String externalName(Field field, ServiceType type) throws InvalidFieldException {
        if (type != ServiceType.EXTERNAL_NAME) {
            return null;
        }
        String text = field.text("");
        if (!DNS_SUBDOMAIN.matcher(text).matches()) {
            throw field.invalid(text.isEmpty()
                    ? "is missing: a Service of type ExternalName needs a DNS name"
                    : "'" + text + "' is not a DNS name in lower case");
        }
        return text;
    }

    /** Fills {@code found} and tells whether the Service is headless. */
    private static boolean clusterIps(Field spec, List<InetAddress> found) throws InvalidFieldException {
        Field single = spec.get("clusterIP");
        List<Field> many = spec.get("clusterIPs").elements();
        String first = single.text("");
        if (!many.isEmpty() && single.present() && !many.getFirst().text("").equals(first)) {
            throw spec.get("clusterIPs").invalid("must begin with the same address as clusterIP");
        }
        if (first.equals("None") || !many.isEmpty() && many.getFirst().text("").equals("None")) {
            return true;
        }
        if (many.isEmpty() && !first.isEmpty()) {
            found.add(address(single));
        }
        for (Field field : many) {
            found.add(address(field));
        }
        if (found.size() > 2 || found.size() == 2 && IpFamily.of(found.get(0)) == IpFamily.of(found.get(1))) {
            throw spec.get("clusterIPs").invalid("may hold one IPv4 and one IPv6 address");
        }
        return false;
    }

    private List<PortManifest> ports(Field field, String subject, boolean mayBeEmpty) throws InvalidFieldException {
        List<PortManifest> ports = new ArrayList<>();
        Set<String> names = new HashSet<>();
        Set<String> numbers = new HashSet<>();
        List<Field> elements = field.elements();
        for (Field element : elements) {
            warnUnknown(element, PORT_FIELDS, subject);
            String name = element.get("name").text("");
            if (name.isEmpty() && elements.size() > 1) {
                throw element.get("name").invalid("is missing: a Service with several ports must name each");
            }
            if (!name.isEmpty() && !DNS_LABEL.matcher(name).matches()) {
                throw element.get("name").invalid("'" + name + "' is not a port name: lower case letters, digits, '-'");
            }
            if (!names.add(name)) {
                throw element.get("name").invalid("'" + name + "' is the name of another port already");
            }
            Protocol protocol = protocol(element.get("protocol"));
            int port = required(element.get("port"));
            if (!numbers.add(port + "/" + protocol)) {
                throw element.get("port").invalid(port + "/" + protocol + " stands twice");
            }
            Field target = element.get("targetPort");
            boolean number = !target.present() || target.isNumber();
            int targetNumber = number ? target.integer(0, 65_535, 0) : 0;
            ports.add(new PortManifest(element.location(), name, protocol, port,
                    number ? Integer.toString(targetNumber == 0 ? port : targetNumber) : target.text(""), !number,
                    element.get("nodePort").integer(0, 65_535, 0), element.get("appProtocol").text()));
        }
        if (ports.isEmpty() && !mayBeEmpty) {
            throw field.invalid("is missing: a Service needs at least one port");
        }
        return ports;
    }

    private static int required(Field port) throws InvalidFieldException {
        if (!port.present()) {
            throw port.invalid("is missing");
        }
        return port.integer(1, 65_535, 0);
    }

    private static Protocol protocol(Field field) throws InvalidFieldException {
        String text = field.text("TCP");
        return switch (text) {
            case "TCP" -> Protocol.TCP;
            case "UDP" -> Protocol.UDP;
            case "SCTP" -> Protocol.SCTP;
            default -> throw field.invalid("'" + text + "' must be TCP, UDP or SCTP");
        };
    }

    private static TrafficPolicy policy(Field field) throws InvalidFieldException {
        String text = field.text("Cluster");
        return switch (text) {
            case "Cluster", "" -> TrafficPolicy.CLUSTER;
            case "Local" -> TrafficPolicy.LOCAL;
            default -> throw field.invalid("'" + text + "' must be Cluster or Local");
        };
    }

    private static SessionAffinity affinity(Field spec) throws InvalidFieldException {
        Field field = spec.get("sessionAffinity");
        String text = field.text("None");
        return switch (text) {
            case "None", "" -> SessionAffinity.NONE;
            case "ClientIP" -> new SessionAffinity.ClientIp(Duration.ofSeconds(spec.get("sessionAffinityConfig")
                    .get("clientIP").get("timeoutSeconds").integer(1, 86_400, 10_800)));
            default -> throw field.invalid("'" + text + "' must be None or ClientIP");
        };
    }

    private static List<IpFamily> families(Field field) throws InvalidFieldException {
        List<IpFamily> families = new ArrayList<>();
        for (Field element : field.elements()) {
            families.add(switch (element.text("")) {
                case "IPv4" -> IpFamily.IPV4;
                case "IPv6" -> IpFamily.IPV6;
                default -> throw element.invalid("must be IPv4 or IPv6");
            });
        }
        return families;
    }

    private static FamilyPolicy familyPolicy(Field field) throws InvalidFieldException {
        String text = field.text("SingleStack");
        return switch (text) {
            case "SingleStack" -> FamilyPolicy.SINGLE;
            case "PreferDualStack" -> FamilyPolicy.PREFER_DUAL;
            case "RequireDualStack" -> FamilyPolicy.REQUIRE_DUAL;
            default -> throw field.invalid("'" + text + "' must be SingleStack, PreferDualStack or RequireDualStack");
        };
    }

    private static String distribution(Field field, Map<String, String> annotations) throws InvalidFieldException {
        String mode = annotations.getOrDefault("service.kubernetes.io/topology-mode",
                annotations.getOrDefault("service.kubernetes.io/topology-aware-hints", ""));
        return mode.equalsIgnoreCase("auto") ? "Auto" : field.text("");
    }

    private static List<InetAddress> ingress(Field status) throws InvalidFieldException {
        List<InetAddress> addresses = new ArrayList<>();
        for (Field entry : status.get("loadBalancer").get("ingress").elements()) {
            if (entry.get("ip").present() && entry.get("ipMode").text("VIP").equals("VIP")) {
                addresses.add(address(entry.get("ip")));
            }
        }
        return addresses;
    }

    private static List<InetAddress> addresses(Field field) throws InvalidFieldException {
        List<InetAddress> addresses = new ArrayList<>();
        for (Field element : field.elements()) {
            addresses.add(address(element));
        }
        return addresses;
    }

    private static List<Cidr> ranges(Field field) throws InvalidFieldException {
        List<Cidr> ranges = new ArrayList<>();
        for (Field element : field.elements()) {
            try {
                ranges.add(Cidr.parse(element.text("").strip()));
            } catch (IllegalArgumentException e) {
                throw element.invalid(String.valueOf(e.getMessage()));
            }
        }
        return ranges;
    }

    private static InetAddress address(Field field) throws InvalidFieldException {
        try {
            return IpAddresses.parse(field.text(""));
        } catch (IllegalArgumentException e) {
            throw field.invalid(String.valueOf(e.getMessage()));
        }
    }

    private static Map<String, String> annotations(Field document) throws InvalidFieldException {
        Map<String, String> kept = new TreeMap<>(document.get("metadata").get("annotations").texts());
        kept.keySet().removeIf(k -> !k.startsWith("sluice.io/") && !k.startsWith("service.kubernetes.io/"));
        return kept;
    }

    private static @Nullable Instant instant(Field field) throws InvalidFieldException {
        if (!field.present()) {
            return null;
        }
        try {
            return Instant.parse(field.text(""));
        } catch (DateTimeException e) {
            throw field.invalid("must be a time like 2026-01-31T12:00:00Z");
        }
    }

    // Endpoints and EndpointSlices.

    private EndpointsManifest endpoints(Field document, ServiceName name, String subject)
            throws InvalidFieldException {
        warnUnknown(document, ENDPOINTS_FIELDS, subject);
        List<Subset> subsets = new ArrayList<>();
        for (Field subset : document.get("subsets").elements()) {
            warnUnknown(subset, SUBSET_FIELDS, subject);
            List<WrittenEndpoint> endpoints = new ArrayList<>();
            for (Field address : subset.get("addresses").elements()) {
                endpoints.add(endpointsAddress(address, true));
            }
            for (Field address : subset.get("notReadyAddresses").elements()) {
                endpoints.add(endpointsAddress(address, false));
            }
            subsets.add(new Subset(endpoints, writtenPorts(subset.get("ports"))));
        }
        return new EndpointsManifest(name, document.location(), subsets);
    }

    private static WrittenEndpoint endpointsAddress(Field address, boolean ready) throws InvalidFieldException {
        Field ip = address.get("ip");
        if (!ip.present()) {
            throw ip.invalid("is missing");
        }
        return new WrittenEndpoint(address(ip), ready, ready, false, address.get("nodeName").text(), null, Set.of(),
                Set.of(), address.get("hostname").text(), target(address));
    }

    private static @Nullable String target(Field endpoint) throws InvalidFieldException {
        Field ref = endpoint.get("targetRef");
        return ref.get("kind").text("Pod").equals("Pod") ? ref.get("name").text() : null;
    }

    private static List<WrittenPort> writtenPorts(Field field) throws InvalidFieldException {
        List<WrittenPort> ports = new ArrayList<>();
        for (Field element : field.elements()) {
            if (element.get("port").integer(0, 65_535, 0) != 0) {
                ports.add(new WrittenPort(element.get("name").text(""), protocol(element.get("protocol")),
                        required(element.get("port"))));
            }
        }
        return ports;
    }

    private SliceManifest slice(Field document, ServiceName name, String subject)
            throws InvalidFieldException, UnusableException {
        warnUnknown(document, SLICE_FIELDS, subject);
        Field labels = document.get("metadata").get("labels");
        String service = labels.get("kubernetes.io/service-name").text("");
        if (service.isEmpty()) {
            throw new UnusableException("belongs to no Service: it has no label kubernetes.io/service-name");
        }
        Field addressType = document.get("addressType");
        String type = addressType.text("IPv4");
        if (type.equals("FQDN")) {
            throw new UnusableException("has addressType FQDN, which no proxy serves; it is left out");
        }
        if (!type.equals("IPv4") && !type.equals("IPv6")) {
            throw addressType.invalid("'" + type + "' must be IPv4 or IPv6");
        }
        List<WrittenEndpoint> endpoints = new ArrayList<>();
        for (Field endpoint : document.get("endpoints").elements()) {
            warnUnknown(endpoint, SLICE_ENDPOINT_FIELDS, subject);
            List<Field> addresses = endpoint.get("addresses").elements();
            if (addresses.isEmpty()) {
                throw endpoint.get("addresses").invalid("is missing");
            }
            InetAddress ip = address(addresses.getFirst());
            if (!IpFamily.of(ip).apiName().equals(type)) {
                throw addresses.getFirst().invalid("is no " + type + " address, but addressType says so");
            }
            Field conditions = endpoint.get("conditions");
            Field hints = endpoint.get("hints");
            boolean ready = conditions.get("ready").bool(true);
            endpoints.add(new WrittenEndpoint(ip, ready, conditions.get("serving").bool(ready),
                    conditions.get("terminating").bool(false), endpoint.get("nodeName").text(),
                    endpoint.get("zone").text(), names(hints.get("forZones")), names(hints.get("forNodes")),
                    endpoint.get("hostname").text(), target(endpoint)));
        }
        return new SliceManifest(name, document.location(), new ServiceName(name.namespace(), service),
                labels.get("endpointslice.kubernetes.io/managed-by").text(""), endpoints,
                writtenPorts(document.get("ports")));
    }

    private static Set<String> names(Field field) throws InvalidFieldException {
        Set<String> names = new HashSet<>();
        for (Field element : field.elements()) {
            names.add(element.get("name").text(""));
        }
        return names;
    }

    // Pods.

    private PodManifest pod(Field document, ServiceName name, String subject) throws InvalidFieldException {
        Field metadata = document.get("metadata");
        Field spec = document.get("spec");
        Field status = document.get("status");
        Field annotations = metadata.get("annotations");
        Field givenIp = annotations.get(POD_IP);
        List<InetAddress> ips = new ArrayList<>();
        boolean ready;
        String leftOut = null;
        if (givenIp.present()) {
            for (String text : givenIp.text("").split(",", -1)) {
                try {
                    ips.add(IpAddresses.parse(text.strip()));
                } catch (IllegalArgumentException e) {
                    throw givenIp.invalid(String.valueOf(e.getMessage()));
                }
            }
            ready = !annotations.get(POD_READY).text("true").equals("false");
        } else {
            for (Field ip : status.get("podIPs").elements()) {
                ips.add(address(ip.get("ip")));
            }
            if (ips.isEmpty() && status.get("podIP").present()) {
                ips.add(address(status.get("podIP")));
            }
            ready = readyCondition(status);
            String phase = status.get("phase").text("");
            if (phase.equals("Succeeded") || phase.equals("Failed")) {
                leftOut = "has ended (phase " + phase + ")";
            } else if (ips.isEmpty()) {
                leftOut = "has no IP";
                if (!status.present()) {
                    problems.warning(document.location(), subject, "has no status and so no IP, it is left out: give it"
                            + " an address with the annotation " + POD_IP + ": 127.0.1.1");
                }
            }
        }
        return new PodManifest(name, document.location(), metadata.get("labels").texts(), List.copyOf(ips), ready,
                metadata.get("deletionTimestamp").present(), spec.get("nodeName").text(), spec.get("hostname").text(),
                spec.get("subdomain").text(), containerPorts(spec), leftOut);
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
    private static List<ContainerPort> containerPorts(Field spec) throws InvalidFieldException {
        List<ContainerPort> ports = new ArrayList<>();
        List<Field> containers = new ArrayList<>(spec.get("containers").elements());
        for (Field init : spec.get("initContainers").elements()) {
            if (init.get("restartPolicy").text("").equals("Always")) {
                containers.add(init);
            }
        }
        for (Field container : containers) {
            for (Field port : container.get("ports").elements()) {
                if (port.get("name").present()) {
                    ports.add(new ContainerPort(port.get("name").text(""), protocol(port.get("protocol")),
                            required(port.get("containerPort"))));
                }
            }
        }
        return ports;
    }
}
