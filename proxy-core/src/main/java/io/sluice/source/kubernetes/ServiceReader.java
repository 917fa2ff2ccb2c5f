package io.sluice.source.kubernetes;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceAnnotations;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceType;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import java.net.InetAddress;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Reads Services as an API server stores them: validated and with every default filled in. An address or a range that cannot
 * be read is left out alone and reported, as kube-proxy does (MapIPsByIPFamily).
 */
final class ServiceReader {

    private ServiceReader() {}

    static ReadObject<Service> read(ObjectKey key, JsonNode object) {
        List<String> mistakes = new ArrayList<>();
        JsonNode metadata = object.path("metadata");
        JsonNode spec = object.path("spec");
        ServiceType type = type(spec.path("type").asString("ClusterIP"));
        if (type == null) {
            return new ReadObject<>(null, List.of("has the unknown type " + spec.path("type").asString("")));
        }
        boolean external = type == ServiceType.EXTERNAL_NAME;
        JsonNode clusterIps = spec.path("clusterIPs");
        String first = clusterIps.isEmpty() ? spec.path("clusterIP").asString("") : clusterIps.path(0).asString("");
        boolean headless = !external && first.equals("None");
        boolean addressed = !external && !headless && !first.isEmpty();
        List<Cidr> ranges = ranges(spec.path("loadBalancerSourceRanges"), mistakes);
        List<InetAddress> loadBalancerIps = ingress(object, mistakes);
        if (ranges.isEmpty() && !spec.path("loadBalancerSourceRanges").isEmpty() && !loadBalancerIps.isEmpty()) {
            mistakes.add(
                    "its load balancer addresses are not served: no range of loadBalancerSourceRanges can be read");
            loadBalancerIps = List.of();
        }
        Service service = Service.builder(new ServiceName(key.namespace().intern(), key.name().intern())).type(type)
                .clusterIps(!addressed ? List.of() : clusterIps.isEmpty() ? address(first, mistakes)
                        : addresses(clusterIps, mistakes))
                .headless(headless).externalName(external ? EndpointReader.text(spec.path("externalName")) : null)
                .ports(ports(spec.path("ports"), mistakes))
                .internalTrafficPolicy(policy(spec.path("internalTrafficPolicy")))
                .externalTrafficPolicy(policy(spec.path("externalTrafficPolicy"))).sessionAffinity(affinity(spec))
                .externalIps(addresses(spec.path("externalIPs"), mistakes)).loadBalancerIps(loadBalancerIps)
                .loadBalancerSourceRanges(ranges).healthCheckNodePort(spec.path("healthCheckNodePort").asInt(0))
                .publishNotReadyAddresses(spec.path("publishNotReadyAddresses").asBoolean(false))
                .selector(texts(spec.path("selector"))).annotations(annotations(metadata)).createdAt(created(metadata))
                .exclusion(exclusion(metadata.path("labels"))).build();
        mistakes.addAll(ServiceAnnotations.of(service).warnings());
        return new ReadObject<>(service, mistakes);
    }

    /** TCP if missing; null for an unknown protocol. */
    static @Nullable Protocol protocol(JsonNode node) {
        return switch (node.asString("TCP")) {
            case "TCP" -> Protocol.TCP;
            case "UDP" -> Protocol.UDP;
            case "SCTP" -> Protocol.SCTP;
            default -> null;
        };
    }

    private static @Nullable ServiceType type(String text) {
        for (ServiceType type : ServiceType.values()) {
            if (type.apiName().equals(text)) {
                return type;
            }
        }
        return null;
    }

    private static List<ServicePort> ports(JsonNode list, List<String> mistakes) {
        List<ServicePort> ports = new ArrayList<>();
        for (JsonNode port : list.values()) {
            int number = port.path("port").asInt(0);
            Protocol protocol = protocol(port.path("protocol"));
            if (number < 1 || number > 65_535 || protocol == null) {
                mistakes.add("the port " + port.path("port") + "/" + port.path("protocol").asString("TCP")
                        + " is left out");
                continue;
            }
            String target = port.path("targetPort").asString("");
            ports.add(new ServicePort(port.path("name").asString("").intern(), protocol, number,
                    port.path("nodePort").asInt(0),
                    target.isEmpty() || target.equals("0") ? Integer.toString(number).intern() : target.intern(),
                    EndpointReader.text(port.path("appProtocol"))));
        }
        return ports;
    }

    private static TrafficPolicy policy(JsonNode node) {
        return node.asString("").equals("Local") ? TrafficPolicy.LOCAL : TrafficPolicy.CLUSTER;
    }

    private static SessionAffinity affinity(JsonNode spec) {
        if (!spec.path("sessionAffinity").asString("").equals("ClientIP")) {
            return SessionAffinity.NONE;
        }
        int seconds = spec.path("sessionAffinityConfig").path("clientIP").path("timeoutSeconds").asInt(10_800);
        return new SessionAffinity.ClientIp(Duration.ofSeconds(Math.clamp(seconds, 1, 86_400)));
    }

    private static List<InetAddress> ingress(JsonNode object, List<String> mistakes) {
        List<InetAddress> addresses = new ArrayList<>();
        for (JsonNode entry : object.path("status").path("loadBalancer").path("ingress").values()) {
            String ip = entry.path("ip").asString("");
            if (!ip.isEmpty() && entry.path("ipMode").asString("VIP").equals("VIP")) {
                addresses.addAll(address(ip, mistakes));
            }
        }
        return addresses;
    }

    private static List<InetAddress> addresses(JsonNode list, List<String> mistakes) {
        List<InetAddress> addresses = new ArrayList<>();
        list.values().forEach(element -> addresses.addAll(address(element.asString(""), mistakes)));
        return addresses;
    }

    private static List<InetAddress> address(String text, List<String> mistakes) {
        try {
            return List.of(IpAddresses.parseStored(text));
        } catch (IllegalArgumentException e) {
            mistakes.add(e.getMessage() + "; left out");
            return List.of();
        }
    }

    private static List<Cidr> ranges(JsonNode list, List<String> mistakes) {
        List<Cidr> ranges = new ArrayList<>();
        for (JsonNode element : list.values()) {
            try {
                ranges.add(Cidr.parseStored(element.asString("").strip()));
            } catch (IllegalArgumentException e) {
                mistakes.add("loadBalancerSourceRanges: " + e.getMessage() + "; left out");
            }
        }
        return ranges;
    }

    private static Map<String, String> texts(JsonNode map) {
        Map<String, String> texts = new TreeMap<>();
        map.properties().forEach(entry -> texts.put(entry.getKey(), entry.getValue().asString("")));
        return texts;
    }

    private static Map<String, String> annotations(JsonNode metadata) {
        Map<String, String> kept = texts(metadata.path("annotations"));
        kept.keySet().removeIf(name -> !name.startsWith("sluice.io/") && !name.startsWith("service.kubernetes.io/"));
        return kept;
    }

    private static @Nullable String exclusion(JsonNode labels) {
        return Service.EXCLUDING_LABELS.stream().filter(labels::has).findFirst().orElse(null);
    }

    private static Instant created(JsonNode metadata) {
        try {
            return Instant.parse(metadata.path("creationTimestamp").asString(""));
        } catch (DateTimeException e) {
            return Instant.EPOCH;
        }
    }
}
