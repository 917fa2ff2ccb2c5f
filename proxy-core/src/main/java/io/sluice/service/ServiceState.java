package io.sluice.service;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A Service together with the endpoints of each of its ports.
 *
 * @param ports    one entry for each of the Service's ports, in their order
 * @param portless the endpoints of a headless Service that none of its ports has, which only DNS shows; their port is 0.
 *                 Empty for all others
 * @param others   ports that the slices of a headless Service have and the Service has not: only DNS shows them. Empty
 *                 for all others
 */
public record ServiceState(Service service, List<PortState> ports, EndpointSet portless, List<OtherPort> others) {

    public ServiceState {
        ports = List.copyOf(ports);
        others = List.copyOf(others);
    }

    /** A Service all of whose endpoints belong to a port. */
    public ServiceState(Service service, List<PortState> ports) {
        this(service, ports, EndpointSet.EMPTY);
    }

    /** A Service all of whose slices' ports are its own. */
    public ServiceState(Service service, List<PortState> ports, EndpointSet portless) {
        this(service, ports, portless, List.of());
    }

    /** The same with other ports. */
    public ServiceState withPorts(List<PortState> now) {
        return new ServiceState(service, now, portless, others);
    }

    /**
     * One port and its endpoints.
     *
     * @param endpoints every known endpoint, ready or not
     * @param whyEmpty  set if and only if no endpoint of the Service's address families is ready or serving while
     *                  terminating; null otherwise, for Services that are not proxied and for SCTP
     */
    public record PortState(ServicePort port, EndpointSet endpoints, @Nullable EmptyReason whyEmpty) {}

    /**
     * A port that the Service does not have.
     *
     * @param name      empty for one without a name
     * @param endpoints with the number that their slice gives it, ready or not
     */
    public record OtherPort(String name, Protocol protocol, EndpointSet endpoints) {}
}
