package io.sluice.proxy;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ServicePortName;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which connections and flows are meant: those that are like this in everything that is said. Immutable.
 *
 * @param id        of one connection; 0 says nothing
 * @param namespace of its Service; null says nothing
 * @param service   the name of its Service; null says nothing
 * @param port      one port of one Service; null says nothing
 * @param endpoints where they go; an address with port 0 means each of its ports; empty says nothing
 * @param client    null says nothing
 * @param clientPort 0 says nothing
 */
public record ConnectionFilter(long id, @Nullable String namespace, @Nullable String service,
        @Nullable ServicePortName port,
        Set<EndpointAddress> endpoints, @Nullable InetAddress client, int clientPort) {

    /** Every connection. */
    public static final ConnectionFilter ALL = new ConnectionFilter(0, null, null, null, Set.of(), null, 0);

    public ConnectionFilter {
        endpoints = Set.copyOf(endpoints);
    }

    /** Those of one port to one endpoint. */
    public static ConnectionFilter of(ServicePortName port, EndpointAddress endpoint) {
        return new ConnectionFilter(0, null, null, port, Set.of(endpoint), null, 0);
    }

    /**
     * Whether a connection is meant.
     *
     * @param endpoint null before one was chosen
     */
    public boolean matches(long itsId, InetSocketAddress from, ServicePortName itsPort,
            @Nullable EndpointAddress endpoint) {
        return (id == 0 || id == itsId) && (namespace == null || namespace.equals(itsPort.service().namespace()))
                && (service == null || service.equals(itsPort.service().name()))
                && (port == null || port.equals(itsPort))
                && (endpoints.isEmpty() || endpoint != null && (endpoints.contains(endpoint)
                        || endpoints.contains(new EndpointAddress(endpoint.ip(), 0))))
                && (client == null || client.equals(from.getAddress()))
                && (clientPort == 0 || clientPort == from.getPort());
    }
}
