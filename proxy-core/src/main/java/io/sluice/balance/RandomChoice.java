package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.function.IntUnaryOperator;

/** Any endpoint, each as likely as the others. */
public final class RandomChoice implements Balancer {

    private final List<Endpoint> endpoints;
    private final IntUnaryOperator random;

    /**
     * Over {@code endpoints}, sorted by address.
     *
     * @param random gives a number from 0 to less than its argument; called by all event loops at once
     */
    public RandomChoice(List<Endpoint> endpoints, IntUnaryOperator random) {
        this.endpoints = List.copyOf(endpoints);
        this.random = random;
    }

    @Override
    public List<Endpoint> endpoints() {
        return endpoints;
    }

    @Override
    public int pick(InetAddress client, Set<EndpointAddress> tried, long now) {
        int size = endpoints.size();
        return size == 0 ? -1 : untried(endpoints, random.applyAsInt(size), tried);
    }

    /** The first endpoint that was not tried, from {@code start} on and around; -1 if there is none. */
    static int untried(List<Endpoint> endpoints, int start, Set<EndpointAddress> tried) {
        if (tried.isEmpty()) {
            return start;
        }
        int size = endpoints.size();
        for (int i = 0; i < size; i++) {
            int index = (start + i) % size;
            if (!tried.contains(endpoints.get(index).address())) {
                return index;
            }
        }
        return -1;
    }

    @Override
    public int peek(InetAddress client, long now) {
        return endpoints.size() > 1 ? UNFORESEEABLE : endpoints.size() - 1;
    }

    @Override
    public RandomChoice with(List<Endpoint> others, long now) {
        return new RandomChoice(others, random);
    }
}
