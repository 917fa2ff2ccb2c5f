package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Each endpoint in turn: of any n consecutive picks over n endpoints each gets exactly one.
 *
 * <p>The turn is kept when endpoints come and go. Where it begins is given from outside: nodes that all began at the
 * first endpoint would send their first connections to the same one.
 */
public final class RoundRobin implements Balancer {

    private final List<Endpoint> endpoints;
    private final AtomicInteger turn;

    /**
     * Over {@code endpoints}, sorted by address.
     *
     * @param start any number; decides which endpoint comes first
     */
    public RoundRobin(List<Endpoint> endpoints, int start) {
        this.endpoints = List.copyOf(endpoints);
        this.turn = new AtomicInteger(start);
    }

    @Override
    public List<Endpoint> endpoints() {
        return endpoints;
    }

    @Override
    public int pick(Set<EndpointAddress> tried) {
        int size = endpoints.size();
        for (int i = 0; i < size; i++) {
            int index = next(size);
            if (tried.isEmpty() || !tried.contains(endpoints.get(index).address())) {
                return index;
            }
        }
        return firstNotIn(tried);
    }

    @Override
    public RoundRobin with(List<Endpoint> others) {
        if (endpoints.isEmpty() || others.isEmpty()) {
            return new RoundRobin(others, turn.get());
        }
        EndpointAddress expected = endpoints.get(Math.floorMod(turn.get(), endpoints.size())).address();
        int start = 0;
        while (start < others.size() && others.get(start).address().compareTo(expected) < 0) {
            start++;
        }
        return new RoundRobin(others, start % others.size());
    }

    /** The turn stays within the size, so that it stays exact when the counter would overflow. */
    private int next(int size) {
        int current;
        int index;
        do {
            current = turn.get();
            index = Math.floorMod(current, size);
        } while (!turn.compareAndSet(current, index + 1 == size ? 0 : index + 1));
        return index;
    }

    /** With other event loops taking turns in between, a full round may have missed the only one left. */
    private int firstNotIn(Set<EndpointAddress> tried) {
        for (int i = 0; i < endpoints.size(); i++) {
            if (!tried.contains(endpoints.get(i).address())) {
                return i;
            }
        }
        return -1;
    }
}
