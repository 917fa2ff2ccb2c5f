package io.sluice.balance;

import io.sluice.balance.Order.Kind;
import io.sluice.service.EndpointAddress;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What operators have ordered for the endpoints of one port. Immutable.
 *
 * @param aside   drained and ejected endpoints, the longest aside first
 * @param weights endpoints that have another weight
 */
public record PortOrders(Map<EndpointAddress, Order> aside, Map<EndpointAddress, Order> weights) {

    /** Nothing is ordered. */
    public static final PortOrders NONE = new PortOrders(Map.of(), Map.of());

    public PortOrders {
        aside = Collections.unmodifiableMap(new LinkedHashMap<>(aside));
        weights = Map.copyOf(weights);
    }

    static PortOrders of(List<Order> orders) {
        Map<EndpointAddress, Order> aside = new LinkedHashMap<>();
        Map<EndpointAddress, Order> weights = new LinkedHashMap<>();
        orders.forEach(order -> (order.kind() == Kind.WEIGHT ? weights : aside).put(order.endpoint(), order));
        return new PortOrders(aside, weights);
    }

    /** Whether {@code endpoint} gets no new connections. */
    public boolean drained(EndpointAddress endpoint) {
        return is(endpoint, Kind.DRAIN);
    }

    /** Whether {@code endpoint} is ejected by hand. */
    public boolean ejected(EndpointAddress endpoint) {
        return is(endpoint, Kind.EJECT);
    }

    private boolean is(EndpointAddress endpoint, Kind kind) {
        Order order = aside.get(endpoint);
        return order != null && order.kind() == kind;
    }

    /** The endpoints that are ejected by hand, the longest first. */
    List<EndpointAddress> ejected() {
        return aside.values().stream().filter(order -> order.kind() == Kind.EJECT).map(Order::endpoint).toList();
    }

    /** Whether any endpoint is drained. */
    boolean drainsAny() {
        return aside.values().stream().anyMatch(order -> order.kind() == Kind.DRAIN);
    }

    /** The weight of {@code endpoint}. */
    int weight(EndpointAddress endpoint, int otherwise) {
        Order order = weights.get(endpoint);
        return order == null ? otherwise : order.weight();
    }

    /** Whether every endpoint has the same weight here as there. */
    boolean sameWeights(PortOrders other) {
        return weights.size() == other.weights.size() && weights.entrySet().stream()
                .allMatch(entry -> other.weight(entry.getKey(), 0) == entry.getValue().weight());
    }

    /** What is ordered for {@code endpoint}, for people; null for nothing. */
    public @Nullable String text(EndpointAddress endpoint) {
        Order out = aside.get(endpoint);
        Order weight = weights.get(endpoint);
        return out == null
                ? weight == null ? null : weight.text()
                : weight == null ? out.text() : out.text() + ", " + weight.text();
    }
}
