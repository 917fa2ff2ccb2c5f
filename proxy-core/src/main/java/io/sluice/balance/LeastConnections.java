package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.IntSupplier;
import java.util.function.IntUnaryOperator;

/**
 * Of two endpoints taken at random the one with fewer open connections: nearly as even as comparing all of them, at a cost
 * that does not grow with their number, and without every proxy choosing the same one (Mitzenmacher, "The Power of Two
 * Choices in Randomized Load Balancing").
 */
public final class LeastConnections implements Balancer {

    private final List<Endpoint> endpoints;
    private final Function<EndpointAddress, IntSupplier> loads;
    private final IntSupplier[] active;
    private final IntUnaryOperator random;

    /**
     * Over {@code endpoints}, sorted by address.
     *
     * @param loads  gives the counter of open connections of an endpoint; asked once for each, the counter is read at each pick
     * @param random gives a number from 0 to less than its argument; called by all event loops at once
     */
    public LeastConnections(List<Endpoint> endpoints, Function<EndpointAddress, IntSupplier> loads,
            IntUnaryOperator random) {
        this.endpoints = List.copyOf(endpoints);
        this.loads = loads;
        this.active = this.endpoints.stream().map(e -> loads.apply(e.address())).toArray(IntSupplier[]::new);
        this.random = random;
    }

    @Override
    public List<Endpoint> endpoints() {
        return endpoints;
    }

    @Override
    public int pick(InetAddress client, Set<EndpointAddress> tried, long now) {
        int size = active.length;
        if (size < 2) {
            return size == 0 ? -1 : RandomChoice.untried(endpoints, 0, tried);
        }
        int one = random.applyAsInt(size);
        int other = random.applyAsInt(size - 1);
        if (other >= one) {
            other++;
        }
        int better = active[other].getAsInt() < active[one].getAsInt() ? other : one;
        if (tried.isEmpty()) {
            return better;
        }
        int worse = better == one ? other : one;
        if (!tried.contains(endpoints.get(better).address())) {
            return better;
        }
        return RandomChoice.untried(endpoints, worse, tried);
    }

    @Override
    public int peek(InetAddress client, long now) {
        return active.length > 1 ? UNFORESEEABLE : active.length - 1;
    }

    @Override
    public LeastConnections with(List<Endpoint> others, long now) {
        return new LeastConnections(others, loads, random);
    }
}
