package io.sluice.source.manifest;

import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.source.EndpointSubset;
import java.net.InetAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One object of a manifest, as it is written: nothing is allocated or derived yet. */
sealed interface Manifest permits ServiceManifest, PodManifest, Manifest.EndpointsManifest, Manifest.SliceManifest,
        Manifest.NodeManifest, Manifest.NamespaceManifest {

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

    /** The families of a Service's cluster addresses (KEP-563). */
    enum FamilyPolicy {
        SINGLE, PREFER_DUAL, REQUIRE_DUAL
    }

    /**
     * A port of a Service.
     *
     * @param location   {@code file:line} of {@code nodePort}, or of the port if it has none
     * @param path       the path of {@code nodePort}
     * @param targetPort the number or name as written; the port's own number if absent
     * @param named      whether {@code targetPort} is a name
     * @param nodePort   0 if not written
     */
    record PortManifest(String location, String path, String name, Protocol protocol, int port, String targetPort,
            boolean named,
            int nodePort, @Nullable String appProtocol) {}

    /** A port of a container; the name is empty for none. */
    record ContainerPort(String name, Protocol protocol, int port) {}

    /**
     * Endpoints, each subset with its ports.
     *
     * @param mirrored false if a label or annotation keeps the mirroring controller from making EndpointSlices of them
     * @param byHand   whether they are written by hand: an object from an API server has a uid
     */
    record EndpointsManifest(ServiceName name, String location, boolean mirrored, boolean byHand,
            List<EndpointSubset> subsets) implements Manifest {}

    /**
     * An EndpointSlice.
     *
     * @param service   the Service that it belongs to
     * @param managedBy the controller that wrote it; empty if written by hand
     */
    record SliceManifest(ServiceName name, String location, ServiceName service, String managedBy,
            EndpointSubset subset) implements Manifest {}

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
