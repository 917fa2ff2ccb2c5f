package io.sluice.source.manifest;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceAnnotations;
import io.sluice.service.ServiceType;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import io.sluice.source.manifest.Manifest.FamilyPolicy;
import io.sluice.source.manifest.Manifest.PortManifest;
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
import org.jspecify.annotations.Nullable;

/**
 * Reads Services with the checks of the API server (pkg/apis/core/validation ValidateService). Fields that the API does
 * not have cause warnings: they are mostly typing errors.
 */
final class ServiceManifestReader {

    private static final Set<String> OBJECT_FIELDS = Set.of("apiVersion", "kind", "metadata", "spec", "status");
    private static final Set<String> SPEC_FIELDS = Set.of("allocateLoadBalancerNodePorts", "clusterIP", "clusterIPs",
            "externalIPs", "externalName", "externalTrafficPolicy", "healthCheckNodePort", "internalTrafficPolicy",
            "ipFamilies", "ipFamilyPolicy", "loadBalancerClass", "loadBalancerIP", "loadBalancerSourceRanges", "ports",
            "publishNotReadyAddresses", "selector", "sessionAffinity", "sessionAffinityConfig", "trafficDistribution",
            "type");
    private static final Set<String> PORT_FIELDS = Set.of("appProtocol", "name", "nodePort", "port", "protocol",
            "targetPort");
    private static final Set<String> DISTRIBUTIONS = Set.of("PreferClose", "PreferSameZone", "PreferSameNode");

    private final Problems problems;

    ServiceManifestReader(Problems problems) {
        this.problems = problems;
    }

    ServiceManifest read(Field document, ServiceName name, String subject)
            throws InvalidFieldException {
        FieldRules.warnUnknown(document, OBJECT_FIELDS, subject, problems);
        Field metadata = document.get("metadata");
        Field spec = document.get("spec");
        if (!spec.present()) {
            throw spec.invalid("is missing");
        }
        FieldRules.warnUnknown(spec, SPEC_FIELDS, subject, problems);
        ServiceType type = type(spec.get("type"));
        boolean external = type == ServiceType.EXTERNAL_NAME;
        String externalName = externalName(spec.get("externalName"), type);
        List<InetAddress> clusterIps = new ArrayList<>();
        boolean headless = clusterIps(spec, type, clusterIps);
        FamilyPolicy familyPolicy = familyPolicy(spec, clusterIps);
        List<IpFamily> families = families(spec.get("ipFamilies"), familyPolicy, clusterIps);
        List<PortManifest> ports = ports(spec.get("ports"), subject, external || headless, type);
        TrafficPolicy externalPolicy = policy(spec.get("externalTrafficPolicy"));
        List<InetAddress> externalIps = FieldRules.addresses(spec.get("externalIPs"));
        boolean nodePorts = type == ServiceType.NODE_PORT
                || type == ServiceType.LOAD_BALANCER && spec.get("allocateLoadBalancerNodePorts").bool(true);
        if (spec.get("externalTrafficPolicy").present() && externalPolicy == TrafficPolicy.LOCAL
                && externalIps.isEmpty()
                && type != ServiceType.NODE_PORT && type != ServiceType.LOAD_BALANCER) {
            problems.warning(spec.get("externalTrafficPolicy").location(), subject + " spec.externalTrafficPolicy",
                    "has no effect: the Service has neither node ports nor external addresses");
        }
        boolean healthCheck = type == ServiceType.LOAD_BALANCER && externalPolicy == TrafficPolicy.LOCAL;
        Map<String, String> annotations = annotations(metadata);
        String annotationsPlace = metadata.get("annotations").location();
        ServiceAnnotations.of(annotations, ports.stream().map(PortManifest::protocol).toList()).warnings().forEach(
                warning -> problems.warning(annotationsPlace, subject + " metadata.annotations", warning));
        return ServiceManifest.builder(name, DocumentReader.place(document)).type(type).clusterIps(clusterIps)
                .clusterIpPlace(spec.get(spec.get("clusterIP").present() ? "clusterIP" : "clusterIPs").location())
                .headless(headless).externalName(externalName).families(families).familyPolicy(familyPolicy)
                .ports(ports).internalTrafficPolicy(policy(spec.get("internalTrafficPolicy")))
                .externalTrafficPolicy(externalPolicy).sessionAffinity(affinity(spec)).externalIps(externalIps)
                .loadBalancerIps(ingress(document.get("status")))
                .loadBalancerSourceRanges(ranges(spec.get("loadBalancerSourceRanges"))).healthCheck(healthCheck)
                .healthCheckNodePort(healthCheckNodePort(spec.get("healthCheckNodePort"), healthCheck))
                .healthCheckPlace(spec.get("healthCheckNodePort").location())
                .publishNotReadyAddresses(spec.get("publishNotReadyAddresses").bool(false)).nodePorts(nodePorts)
                .distribution(distribution(spec.get("trafficDistribution"), annotations, subject))
                .selector(selector(spec.get("selector"))).annotations(annotations)
                .createdAt(instant(metadata.get("creationTimestamp")))
                .exclusion(exclusion(metadata.get("labels"), subject, external || headless)).build();
    }

    /** The label that leaves a Service to another proxy; its DNS names and variables stay. */
    private @Nullable String exclusion(Field labels, String subject, boolean neverProxied)
            throws InvalidFieldException {
        for (String label : neverProxied ? List.<String>of() : Service.EXCLUDING_LABELS) {
            Field field = labels.get(label);
            if (field.present()) {
                String value = field.text("");
                problems.warning(field.location(), subject, "is left to "
                        + (value.isEmpty() ? "another proxy" : "the proxy '" + value + "'") + " by its label " + label);
                return label;
            }
        }
        return null;
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
        if (!FieldRules.isDnsName(text.endsWith(".") ? text.substring(0, text.length() - 1) : text)) {
            throw field.invalid(text.isEmpty()
                    ? "is missing: a Service of type ExternalName needs a DNS name"
                    : "'" + text + "' is not a DNS name in lower case");
        }
        return text;
    }

    /** Fills {@code found}; returns whether the Service is headless. */
    private static boolean clusterIps(Field spec, ServiceType type, List<InetAddress> found)
            throws InvalidFieldException {
        Field single = spec.get("clusterIP");
        List<Field> many = spec.get("clusterIPs").elements();
        String first = single.text("");
        if (!many.isEmpty() && single.present() && !many.getFirst().text("").equals(first)) {
            throw spec.get("clusterIPs").invalid("must begin with the same address as clusterIP");
        }
        Field field = single.present() ? single : spec.get("clusterIPs");
        boolean headless = first.equals("None") || !many.isEmpty() && many.getFirst().text("").equals("None");
        if (type == ServiceType.EXTERNAL_NAME) {
            if (!first.isEmpty() || !many.isEmpty()) {
                throw field.invalid("must not be given: a Service of type ExternalName has no cluster address");
            }
            return false;
        }
        if (headless) {
            if (many.size() > 1) {
                throw spec.get("clusterIPs").invalid("must hold nothing else beside None");
            }
            if (type != ServiceType.CLUSTER_IP) {
                throw field.invalid("must not be None for a Service of type " + type.apiName());
            }
            return true;
        }
        if (many.isEmpty() && !first.isEmpty()) {
            found.add(FieldRules.address(single));
        }
        found.addAll(FieldRules.addresses(spec.get("clusterIPs")));
        if (found.size() > 2 || found.size() == 2 && IpFamily.of(found.get(0)) == IpFamily.of(found.get(1))) {
            throw spec.get("clusterIPs").invalid("may hold one IPv4 and one IPv6 address");
        }
        return false;
    }

    private List<PortManifest> ports(Field field, String subject, boolean mayBeEmpty, ServiceType type)
            throws InvalidFieldException {
        List<PortManifest> ports = new ArrayList<>();
        Set<String> names = new HashSet<>();
        Set<String> numbers = new HashSet<>();
        List<Field> elements = field.elements();
        for (Field element : elements) {
            FieldRules.warnUnknown(element, PORT_FIELDS, subject, problems);
            String name = element.get("name").text("");
            if (name.isEmpty() && elements.size() > 1) {
                throw element.get("name").invalid("is missing: a Service with several ports must name each");
            }
            if (!name.isEmpty() && !FieldRules.isDnsLabel(name)) {
                throw element.get("name").invalid("'" + name + "' is not a port name: lower case letters, digits, '-'");
            }
            if (!names.add(name)) {
                throw element.get("name").invalid("'" + name + "' is the name of another port already");
            }
            Protocol protocol = FieldRules.protocol(element.get("protocol"));
            int port = FieldRules.port(element.get("port"));
            if (!numbers.add(port + "/" + protocol)) {
                throw element.get("port").invalid(port + "/" + protocol + " is a duplicate");
            }
            Field nodePort = element.get("nodePort");
            int nodePortNumber = nodePort.integer(0, 65_535, 0);
            if (nodePortNumber != 0 && type != ServiceType.NODE_PORT && type != ServiceType.LOAD_BALANCER) {
                throw nodePort.invalid("must not be given for type " + type.apiName() + ": write type NodePort");
            }
            String target = targetPort(element.get("targetPort"), port);
            ports.add(new PortManifest(nodePort.location(), nodePort.path(), name, protocol, port, target,
                    target.chars().anyMatch(Character::isLetter), nodePortNumber, element.get("appProtocol").text()));
        }
        if (ports.isEmpty() && !mayBeEmpty) {
            throw field.invalid("is missing: a Service needs at least one port");
        }
        return ports;
    }

    /** A missing, zero or empty value means the port's own number (API defaulting). A name has a letter, a number has none. */
    private static String targetPort(Field field, int port) throws InvalidFieldException {
        if (!field.present() || field.isNumber()) {
            int number = field.integer(0, 65_535, 0);
            return Integer.toString(number == 0 ? port : number);
        }
        String name = field.text("");
        if (name.isEmpty()) {
            return Integer.toString(port);
        }
        if (!FieldRules.isContainerPortName(name)) {
            throw field.invalid(name.chars().allMatch(Character::isDigit)
                    ? "'" + name + "' is a text: write the number without quotes"
                    : "'" + name + "' is neither a number nor a name of a container port: lower case letters, digits"
                            + " and '-', 15 characters at the most, one of them a letter");
        }
        return name;
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
        Field config = spec.get("sessionAffinityConfig");
        String text = field.text("None");
        return switch (text) {
            case "None", "" -> {
                if (config.present()) {
                    throw config.invalid("must not be given without sessionAffinity: ClientIP");
                }
                yield SessionAffinity.NONE;
            }
            case "ClientIP" -> new SessionAffinity.ClientIp(Duration
                    .ofSeconds(config.get("clientIP").get("timeoutSeconds").integer(1, 86_400, 10_800)));
            default -> throw field.invalid("'" + text + "' must be None or ClientIP");
        };
    }

    private static List<IpFamily> families(Field field, FamilyPolicy policy, List<InetAddress> clusterIps)
            throws InvalidFieldException {
        List<IpFamily> families = new ArrayList<>();
        for (Field element : field.elements()) {
            IpFamily family = switch (element.text("")) {
                case "IPv4" -> IpFamily.IPV4;
                case "IPv6" -> IpFamily.IPV6;
                default -> throw element.invalid("must be IPv4 or IPv6");
            };
            if (families.contains(family)) {
                throw element.invalid("is a duplicate");
            }
            families.add(family);
        }
        if (policy == FamilyPolicy.SINGLE && (families.size() > 1 || clusterIps.size() > 1)) {
            throw field.invalid("there are two families, which ipFamilyPolicy SingleStack does not allow: write"
                    + " ipFamilyPolicy: PreferDualStack");
        }
        for (int i = 0; i < Math.min(families.size(), clusterIps.size()); i++) {
            if (families.get(i) != IpFamily.of(clusterIps.get(i))) {
                throw field.elements().get(i).invalid("is not the family of " + IpAddresses.format(clusterIps.get(i)));
            }
        }
        return families;
    }

    /** Two addresses or families without a policy mean that both are required (pkg/registry/core/service). */
    private static FamilyPolicy familyPolicy(Field spec, List<InetAddress> clusterIps) throws InvalidFieldException {
        Field field = spec.get("ipFamilyPolicy");
        boolean two = clusterIps.size() > 1 || spec.get("ipFamilies").elements().size() > 1;
        String text = field.text(two ? "RequireDualStack" : "SingleStack");
        return switch (text) {
            case "SingleStack" -> FamilyPolicy.SINGLE;
            case "PreferDualStack" -> FamilyPolicy.PREFER_DUAL;
            case "RequireDualStack" -> FamilyPolicy.REQUIRE_DUAL;
            default -> throw field.invalid("'" + text + "' must be SingleStack, PreferDualStack or RequireDualStack");
        };
    }

    /**
     * The annotation wins over the field; its only value with a meaning is Auto. Of both annotations the older one wins,
     * whatever its value (newBaseServiceInfo in kube-proxy, hintsEnabled in the EndpointSlice controller).
     */
    private String distribution(Field field, Map<String, String> annotations, String subject)
            throws InvalidFieldException {
        String text = field.text("");
        if (!text.isEmpty() && !DISTRIBUTIONS.contains(text)) {
            problems.warning(field.location(), subject + " " + field.path(), "'" + text
                    + "' has no effect: PreferSameZone, PreferSameNode and PreferClose are known");
        }
        String mode = annotations.getOrDefault("service.kubernetes.io/topology-aware-hints",
                annotations.getOrDefault("service.kubernetes.io/topology-mode", ""));
        return mode.equals("Auto") || mode.equals("auto") ? "Auto" : text;
    }

    /** Only a Service whose load balancer asks each node for local endpoints has one (NeedsHealthCheck). */
    private static int healthCheckNodePort(Field field, boolean healthCheck) throws InvalidFieldException {
        int port = field.integer(0, 65_535, 0);
        if (port != 0 && !healthCheck) {
            throw field.invalid("must not be given without type LoadBalancer and externalTrafficPolicy Local");
        }
        return port;
    }

    private static Map<String, String> selector(Field field) throws InvalidFieldException {
        Map<String, String> selector = field.texts();
        for (Field label : field.members()) {
            if (!FieldRules.isLabelValue(label.text(""))) {
                throw label
                        .invalid("'" + label.text("") + "' is not a label's value: letters, digits, '-', '_' and '.',"
                                + " 63 characters at the most");
            }
        }
        return selector;
    }

    private static List<InetAddress> ingress(Field status) throws InvalidFieldException {
        List<InetAddress> addresses = new ArrayList<>();
        for (Field entry : status.get("loadBalancer").get("ingress").elements()) {
            if (entry.get("ip").present() && entry.get("ipMode").text("VIP").equals("VIP")) {
                addresses.add(FieldRules.address(entry.get("ip")));
            }
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

    /** The annotations that have a meaning here; others in a dump may be large. */
    private static Map<String, String> annotations(Field metadata) throws InvalidFieldException {
        Map<String, String> kept = new TreeMap<>();
        for (Field annotation : metadata.get("annotations").members()) {
            if (annotation.key().startsWith("sluice.io/") || annotation.key().startsWith("service.kubernetes.io/")) {
                kept.put(annotation.key(), annotation.text(""));
            }
        }
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
}
