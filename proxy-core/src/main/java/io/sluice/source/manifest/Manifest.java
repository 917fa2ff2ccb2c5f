package io.sluice.source.manifest;

import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceType;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One object of a manifest, as it is written: nothing is allocated or derived yet. */
sealed interface Manifest {

    /** {@code namespace/name}; the namespace is empty for kinds that have none. */
    ServiceName name();

    /** {@code file:line} of the object's name. */
    String location();

    /** The kind, for messages. */
    default String kind() {
        return switch (this) {
            case ServiceManifest _ -> "Service";
            case PodManifest _ -> "Pod";
            case EndpointsManifest _ -> "Endpoints";
            case SliceManifest _ -> "EndpointSlice";
            case NodeManifest _ -> "Node";
            case NamespaceManifest _ -> "Namespace";
        };
    }

    /** {@code Kind namespace/name}, for messages. */
    default String subject() {
        return kind() + " " + (name().namespace().isEmpty() ? name().name() : name().toString());
    }

    /** How many addresses a Service wants (KEP-563). */
    enum FamilyPolicy {
        SINGLE, PREFER_DUAL, REQUIRE_DUAL
    }

    /**
     * A Service.
     *
     * @param clusterIps           those that are written; empty if they are to be allocated
     * @param clusterIpPlace       {@code file:line} of the field that writes them
     * @param families             {@code ipFamilies}; empty if not written
     * @param healthCheck          whether it has a health check node port, written or not
     * @param healthCheckNodePort  0 if not written
     * @param healthCheckPlace     {@code file:line} of {@code healthCheckNodePort}
     * @param nodePorts            whether ports without one get a node port
     * @param distribution         {@code trafficDistribution}, or {@code Auto} for the topology annotation; empty for none
     */
    record ServiceManifest(ServiceName name, String location, ServiceType type, List<InetAddress> clusterIps,
            String clusterIpPlace, boolean headless, @Nullable String externalName, List<IpFamily> families,
            FamilyPolicy familyPolicy,
            List<PortManifest> ports, TrafficPolicy internalTrafficPolicy, TrafficPolicy externalTrafficPolicy,
            SessionAffinity sessionAffinity, List<InetAddress> externalIps, List<InetAddress> loadBalancerIps,
            List<Cidr> loadBalancerSourceRanges, boolean healthCheck, int healthCheckNodePort,
            String healthCheckPlace, boolean publishNotReadyAddresses,
            boolean nodePorts, String distribution, Map<String, String> selector, Map<String, String> annotations,
            @Nullable Instant createdAt) implements Manifest {}

    /**
     * A port of a Service.
     *
     * @param location   {@code file:line} of {@code nodePort}, or of the port if it has none
     * @param path       the path of {@code nodePort}
     * @param targetPort the number or name as written; the port's own number if nothing is
     * @param named      whether {@code targetPort} is a name
     * @param nodePort   0 if not written
     */
    record PortManifest(String location, String path, String name, Protocol protocol, int port, String targetPort,
            boolean named,
            int nodePort, @Nullable String appProtocol) {}

    /**
     * A Pod.
     *
     * @param serviceLinks {@code enableServiceLinks}
     * @param leftOut      why it can be no endpoint, null if it can
     */
    record PodManifest(ServiceName name, String location, Map<String, String> labels, List<InetAddress> ips,
            boolean ready, boolean terminating, @Nullable String node, @Nullable String hostname,
            @Nullable String subdomain, List<ContainerPort> ports, boolean serviceLinks, @Nullable String leftOut)
            implements Manifest {}

    /** A port that a container names. */
    record ContainerPort(String name, Protocol protocol, int port) {}

    /**
     * Endpoints, each subset with its ports.
     *
     * @param mirrored false if a label or annotation keeps the mirroring controller from making EndpointSlices of them
     */
    record EndpointsManifest(ServiceName name, String location, boolean mirrored, List<Subset> subsets)
            implements Manifest {}

    /** Addresses that share ports. */
    record Subset(List<WrittenEndpoint> endpoints, List<WrittenPort> ports) {}

    /**
     * An EndpointSlice.
     *
     * @param service   the Service that it belongs to
     * @param managedBy the controller that wrote it; empty if written by hand
     */
    record SliceManifest(ServiceName name, String location, ServiceName service, String managedBy,
            List<WrittenEndpoint> endpoints, List<WrittenPort> ports) implements Manifest {}

    /** A port of Endpoints or of an EndpointSlice. */
    record WrittenPort(String name, Protocol protocol, int port) {}

    /** One address of Endpoints or of an EndpointSlice. */
    record WrittenEndpoint(InetAddress ip, boolean ready, boolean serving, boolean terminating, @Nullable String node,
            @Nullable String zone, Set<String> zoneHints, Set<String> nodeHints, @Nullable String hostname,
            @Nullable String target) {}

    /**
     * A Node.
     *
     * @param addresses those of its status that are IP addresses
     */
    record NodeManifest(ServiceName name, String location, @Nullable String zone, List<InetAddress> addresses)
            implements Manifest {}

    /** A Namespace. */
    record NamespaceManifest(ServiceName name, String location) implements Manifest {}
}
