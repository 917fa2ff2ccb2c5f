package io.sluice.simulation;

import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.simulation.NaiveRules.Backend;
import io.sluice.simulation.NaiveRules.Policies;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The objects of the simulated cluster as their authors mean them, and as an API server writes them. */
public final class Cluster {

    /** The name of this node. */
    public static final String NODE = "here";
    /** The other node. */
    public static final String OTHER_NODE = "there";
    /** The API server's Service. */
    public static final String API = "default/kubernetes";

    private Cluster() {}

    /** An object with a name. */
    public sealed interface Item permits Svc, Slice, Node {

        /** Namespace and name, or the name. */
        String key();

        /** Its JSON at a version. */
        String json(long version);
    }

    /**
     * A Service with one port of one or both protocols.
     *
     * @param ips       one address, or one of each family
     * @param protocols of the port
     */
    public record Svc(String namespace, String name, List<String> ips, List<Protocol> protocols, int port, int nodePort,
            List<String> externalIps, List<String> balancerIps, boolean internalLocal, boolean externalLocal,
            boolean sticky, Instant created) implements Item {

        /** A Service with a cluster address alone, for connections. */
        public static Svc plain(String namespace, String name, String ip, int port, Instant created) {
            return new Svc(namespace, name, List.of(ip), List.of(Protocol.TCP), port, 0, List.of(), List.of(), false,
                    false, false, created);
        }

        /** What of it decides about endpoints. */
        public Policies policies() {
            return new Policies(internalLocal, externalLocal,
                    nodePort != 0 || !externalIps.isEmpty() || !balancerIps.isEmpty());
        }

        /** Whether it has an address of this family: else no endpoint of it counts. */
        public boolean has(IpFamily family) {
            return ips.stream().anyMatch(ip -> family(ip) == family);
        }

        @Override
        public String key() {
            return namespace + "/" + name;
        }

        @Override
        public String json(long version) {
            return """
                    {"kind":"Service","apiVersion":"v1","metadata":{"name":"%s","namespace":"%s",\
                    "resourceVersion":"%d","creationTimestamp":"%s"},"spec":{"type":"%s","clusterIP":"%s",\
                    "clusterIPs":[%s],"ports":[%s],"externalIPs":[%s],\
                    "internalTrafficPolicy":"%s","externalTrafficPolicy":"%s","sessionAffinity":"%s",\
                    "selector":{"app":"%s"}},"status":{"loadBalancer":{"ingress":[%s]}}}"""
                    .formatted(name, namespace, version, created,
                            !balancerIps.isEmpty() ? "LoadBalancer" : nodePort != 0 ? "NodePort" : "ClusterIP",
                            ips.getFirst(), quoted(ips),
                            protocols.stream().map(protocol -> portJson(protocol, port,
                                    nodePort == 0 ? "" : ",\"nodePort\":" + nodePort))
                                    .collect(Collectors.joining(",")),
                            quoted(externalIps),
                            internalLocal ? "Local" : "Cluster", externalLocal ? "Local" : "Cluster",
                            sticky ? "ClientIP" : "None", name,
                            balancerIps.stream().map(each -> "{\"ip\":\"" + each + "\"}")
                                    .collect(Collectors.joining(",")));
        }
    }

    /** Ports of Services and of slices belong together by their names. */
    private static String portJson(Protocol protocol, int number, String more) {
        return "{\"name\":\"%s\",\"port\":%d,\"protocol\":\"%s\"%s}".formatted(protocol.name().toLowerCase(Locale.ROOT),
                number, protocol, more);
    }

    /** The family of an address. */
    public static IpFamily family(String ip) {
        return ip.contains(":") ? IpFamily.IPV6 : IpFamily.IPV4;
    }

    /** An EndpointSlice with one port of both protocols; its backends are of one family, and have no port here. */
    public record Slice(String namespace, String name, String service, int port, List<Backend> backends)
            implements Item {

        /** The Service that it names. */
        public String of() {
            return namespace + "/" + service;
        }

        @Override
        public String key() {
            return namespace + "/" + name;
        }

        @Override
        public String json(long version) {
            return """
                    {"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"name":"%s",\
                    "namespace":"%s","resourceVersion":"%d","labels":{"kubernetes.io/service-name":"%s"}},\
                    "addressType":"%s","ports":[%s,%s],"endpoints":[%s]}"""
                    .formatted(name, namespace, version, service,
                            backends.isEmpty() || family(backends.getFirst().address()) == IpFamily.IPV4
                                    ? "IPv4"
                                    : "IPv6",
                            portJson(Protocol.TCP, port, ""), portJson(Protocol.UDP, port, ""),
                            backends.stream().map(Cluster::json).collect(Collectors.joining(",")));
        }
    }

    /** A Node. */
    public record Node(String name, @Nullable String zone, List<String> addresses) implements Item {

        @Override
        public String key() {
            return name;
        }

        @Override
        public String json(long version) {
            return """
                    {"kind":"Node","apiVersion":"v1","metadata":{"name":"%s","resourceVersion":"%d","labels":{%s}},\
                    "status":{"addresses":[%s]}}""".formatted(name, version,
                    zone == null ? "" : "\"topology.kubernetes.io/zone\":\"" + zone + "\"",
                    addresses.stream().map(ip -> "{\"type\":\"InternalIP\",\"address\":\"" + ip + "\"}")
                            .collect(Collectors.joining(",")));
        }
    }

    private static String json(Backend backend) {
        List<String> fields = new ArrayList<>();
        fields.add("\"addresses\":[\"" + backend.address() + "\"]");
        List<String> conditions = new ArrayList<>();
        if (backend.ready() != null) {
            conditions.add("\"ready\":" + backend.ready());
        }
        if (backend.serving() != null) {
            conditions.add("\"serving\":" + backend.serving());
        }
        if (backend.terminating()) {
            conditions.add("\"terminating\":true");
        }
        fields.add("\"conditions\":{" + String.join(",", conditions) + "}");
        if (backend.node() != null) {
            fields.add("\"nodeName\":\"" + backend.node() + "\"");
        }
        if (!backend.zoneHints().isEmpty()) {
            fields.add("\"hints\":{\"forZones\":[" + backend.zoneHints().stream().sorted()
                    .map(zone -> "{\"name\":\"" + zone + "\"}").collect(Collectors.joining(",")) + "]}");
        }
        return "{" + String.join(",", fields) + "}";
    }

    private static String quoted(List<String> texts) {
        return texts.stream().map(text -> '"' + text + '"').collect(Collectors.joining(","));
    }
}
