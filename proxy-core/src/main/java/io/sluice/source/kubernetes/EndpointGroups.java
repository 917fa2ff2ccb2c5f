package io.sluice.source.kubernetes;

import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of an EndpointSlice, or of Endpoints: addresses that share ports. A slice is one group, Endpoints are one
 * for each subset.
 *
 * @param service whose endpoints these are
 */
record EndpointGroups(ServiceName service, List<Group> groups) {

    EndpointGroups {
        groups = List.copyOf(groups);
    }

    /** Addresses that share ports. */
    record Group(List<Port> ports, List<Address> addresses) {
        Group {
            ports = List.copyOf(ports);
            addresses = List.copyOf(addresses);
        }
    }

    /** A port that every address of a group has; the name is empty for the only one. */
    record Port(String name, Protocol protocol, int number) {}

    /** One backend, with what {@link io.sluice.service.Endpoint} says of it beside the port. */
    record Address(InetAddress ip, boolean ready, boolean serving, boolean terminating, @Nullable String node,
            @Nullable String zone, Set<String> zoneHints, Set<String> nodeHints, @Nullable String hostname,
            @Nullable String target) {}
}
