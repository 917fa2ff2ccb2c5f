package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * Spreads connections over the endpoints of one port. Safe for use by all event loops at once, without a lock.
 */
public sealed interface Balancer permits RoundRobin, RandomChoice, LeastConnections, WeightedRoundRobin, Maglev,
        SlowStart {

    /** The result of {@link #peek} where chance or load decides. */
    int UNFORESEEABLE = -2;

    /** The endpoints that connections are spread over, sorted by address. */
    List<Endpoint> endpoints();

    /**
     * Chooses an endpoint for a new connection.
     *
     * @param tried endpoints that this connection has tried and must not go to again
     * @param now   nanoseconds of a monotonic clock
     * @return an index into {@link #endpoints()}, or -1 if there is none that was not tried
     */
    int pick(InetAddress client, Set<EndpointAddress> tried, long now);

    /**
     * The result that {@link #pick} would have for a first attempt now; does not take a turn.
     *
     * @return an index, -1 without endpoints, or {@link #UNFORESEEABLE}
     */
    int peek(InetAddress client, long now);

    /**
     * A balancer of the same kind over other endpoints that goes on with the turn of this one, so that a change does not
     * send the next connections to the same endpoint again.
     *
     * @param now nanoseconds of the same clock
     */
    Balancer with(List<Endpoint> endpoints, long now);
}
