package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Each endpoint in turn: of any n consecutive picks over n endpoints each gets exactly one. Retries take turns
 * too, so that the shares of the others stay even while one endpoint refuses.
 *
 * <p>The turn is kept when endpoints come and go: next is the endpoint after the last one that was picked. The caller says
 * where it begins: nodes that all began with the first endpoint would send their first connections to the same one.
 */
public final class RoundRobin implements Balancer {

    private final List<Endpoint> endpoints;
    private final long start;
    /** Counts up for ever; a {@code long} lasts for 290 years of one pick each nanosecond. */
    private final AtomicLong turn;
    /** The endpoint that was picked last before the endpoints changed; null for none. */
    private final @Nullable EndpointAddress before;

    /**
     * Over {@code endpoints}, sorted by address.
     *
     * @param start any number; decides which endpoint comes first
     */
    public RoundRobin(List<Endpoint> endpoints, int start) {
        this(endpoints, start, null);
    }

    private RoundRobin(List<Endpoint> endpoints, long start, @Nullable EndpointAddress before) {
        this.endpoints = List.copyOf(endpoints);
        this.start = start;
        this.turn = new AtomicLong(start);
        this.before = before;
    }

    @Override
    public List<Endpoint> endpoints() {
        return endpoints;
    }

    @Override
    public int pick(InetAddress client, Set<EndpointAddress> tried, long now) {
        int size = endpoints.size();
        if (size == 0) {
            return -1;
        }
        return tried.isEmpty() ? Math.floorMod(turn.getAndIncrement(), size) : pickOther(size, tried);
    }

    private int pickOther(int size, Set<EndpointAddress> tried) {
        while (true) {
            long current = turn.get();
            long chosen = current;
            while (tried.contains(endpoints.get(Math.floorMod(chosen, size)).address())) {
                chosen++;
                if (chosen == current + size) {
                    return -1;
                }
            }
            if (turn.compareAndSet(current, chosen + 1)) {
                return Math.floorMod(chosen, size);
            }
        }
    }

    @Override
    public int peek(InetAddress client, long now) {
        return endpoints.isEmpty() ? -1 : Math.floorMod(turn.get(), endpoints.size());
    }

    @Override
    public RoundRobin with(List<Endpoint> others, long now) {
        long current = turn.get();
        EndpointAddress last = current == start || endpoints.isEmpty()
                ? before
                : endpoints.get(Math.floorMod(current - 1, endpoints.size())).address();
        if (last == null) {
            return new RoundRobin(others, current, null);
        }
        int next = 0;
        while (next < others.size() && others.get(next).address().compareTo(last) <= 0) {
            next++;
        }
        return new RoundRobin(others, next, last);
    }
}
