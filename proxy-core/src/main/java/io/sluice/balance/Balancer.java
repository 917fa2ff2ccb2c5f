package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.util.List;
import java.util.Set;

/**
 * Spreads connections over the endpoints of one port. Safe for use by all event loops at once, without a lock.
 */
public sealed interface Balancer permits RoundRobin {

    /** What is balanced over, sorted by address. */
    List<Endpoint> endpoints();

    /**
     * Chooses an endpoint for a new connection.
     *
     * @param tried endpoints that this connection must not go to any more
     * @return an index into {@link #endpoints()}, or -1 if there is none that was not tried
     */
    int pick(Set<EndpointAddress> tried);

    /**
     * A balancer of the same kind over other endpoints that goes on where this one stands, so that a change does not
     * send the next connections to the same endpoint again.
     */
    Balancer with(List<Endpoint> endpoints);
}
