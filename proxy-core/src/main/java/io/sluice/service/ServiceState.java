package io.sluice.service;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Service together with the endpoints of each of its ports.
 *
 * @param ports    one entry for each of the Service's ports, in their order
 * @param portless the endpoints of a headless Service without ports, which only DNS shows; their port is 0. Empty for
 *                 all others
 */
public record ServiceState(Service service, List<PortState> ports, EndpointSet portless) {

    public ServiceState {
        ports = List.copyOf(ports);
    }

    /** A Service all of whose endpoints belong to a port. */
    public ServiceState(Service service, List<PortState> ports) {
        this(service, ports, EndpointSet.EMPTY);
    }

    /**
     * One port and what stands behind it.
     *
     * @param endpoints every known endpoint, ready or not
     * @param whyEmpty  set if and only if no endpoint of the Service's address families is ready or serving while
     *                  terminating; null otherwise, for Services that are not proxied and for protocols other than TCP
     */
    public record PortState(ServicePort port, EndpointSet endpoints, @Nullable EmptyReason whyEmpty) {}
}
