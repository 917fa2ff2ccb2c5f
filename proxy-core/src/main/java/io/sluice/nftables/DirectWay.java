package io.sluice.nftables;

import io.sluice.service.EndpointAddress;
import java.util.List;

/**
 * How the kernel itself forwards new connections to a Service's address and port while no proxy listens: to a random one of
 * these endpoints (destination NAT), as kube-proxy does.
 *
 * @param endpoints  of the family of the address, one to {@link #MOST}; none at a loopback address
 * @param masquerade whether endpoints see this node's address and not the client's; the kernel masquerades a client that is
 *                   the endpoint itself anyway
 */
public record DirectWay(List<EndpointAddress> endpoints, boolean masquerade) {

    /** The most endpoints that are used: a supervisor restarts a dead proxy within seconds, so that these suffice. */
    public static final int MOST = 16;

    public DirectWay {
        endpoints = List.copyOf(endpoints);
        if (endpoints.isEmpty() || endpoints.size() > MOST) {
            throw new IllegalArgumentException("endpoints: " + endpoints.size());
        }
    }
}
