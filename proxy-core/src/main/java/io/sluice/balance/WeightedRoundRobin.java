package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToIntFunction;

/**
 * Each endpoint in turn, as often as its weight says: the turn goes round all of them, and an endpoint is passed over in as
 * many rounds as its weight is below the heaviest. In as many rounds as the heaviest weight each gets exactly as many
 * connections as its weight, spread over the rounds and not in a burst. One counter is all the state.
 */
public final class WeightedRoundRobin implements Balancer {

    private final List<Endpoint> endpoints;
    private final ToIntFunction<Endpoint> weight;
    private final int[] weights;
    private final int heaviest;
    private final AtomicLong turn;

    /**
     * Over {@code endpoints}, sorted by address.
     *
     * @param weight of an endpoint, at least 1
     * @param start  any number of at least 0; decides where the turn begins
     */
    public WeightedRoundRobin(List<Endpoint> endpoints, ToIntFunction<Endpoint> weight, long start) {
        this.endpoints = List.copyOf(endpoints);
        this.weight = weight;
        this.weights = this.endpoints.stream().mapToInt(weight).toArray();
        int most = 1;
        for (int w : weights) {
            if (w < 1) {
                throw new IllegalArgumentException("weight " + w + " is below 1");
            }
            most = Math.max(most, w);
        }
        this.heaviest = most;
        this.turn = new AtomicLong(start);
    }

    @Override
    public List<Endpoint> endpoints() {
        return endpoints;
    }

    @Override
    public int pick(InetAddress client, Set<EndpointAddress> tried, long now) {
        if (weights.length == 0 || !tried.isEmpty() && RandomChoice.untried(endpoints, 0, tried) < 0) {
            return -1;
        }
        while (true) {
            long at = turn.getAndIncrement();
            int index = (int) (at % weights.length);
            if (takes(at, index) && (tried.isEmpty() || !tried.contains(endpoints.get(index).address()))) {
                return index;
            }
        }
    }

    /** True in exactly {@code weights[index]} of {@code heaviest} consecutive rounds, spread as evenly as possible. */
    private boolean takes(long at, int index) {
        long round = at / weights.length % heaviest;
        // Endpoints of one weight are passed over in different rounds.
        return (weights[index] * (round + index)) % heaviest >= heaviest - weights[index];
    }

    @Override
    public int peek(InetAddress client, long now) {
        if (weights.length == 0) {
            return -1;
        }
        long at = turn.get();
        while (!takes(at, (int) (at % weights.length))) {
            at++;
        }
        return (int) (at % weights.length);
    }

    /** Goes on in the same round, after the same share of it. */
    @Override
    public WeightedRoundRobin with(List<Endpoint> others, long now) {
        long at = turn.get();
        if (weights.length == 0 || others.isEmpty()) {
            return new WeightedRoundRobin(others, weight, at);
        }
        EndpointAddress next = endpoints.get((int) (at % weights.length)).address();
        int position = 0;
        while (position < others.size() && others.get(position).address().compareTo(next) < 0) {
            position++;
        }
        return new WeightedRoundRobin(others, weight, at / weights.length * others.size() + position);
    }
}
