package io.sluice.service;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Service together with the endpoints of each of its ports.
 *
 * @param ports one entry for each of the Service's ports, in their order
 */
public record ServiceState(Service service, List<PortState> ports) {

    public ServiceState {
        ports = List.copyOf(ports);
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
