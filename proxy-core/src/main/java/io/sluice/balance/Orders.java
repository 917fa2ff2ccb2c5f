package io.sluice.balance;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ServicePortName;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Everything that operators have ordered by hand and that is in force. Immutable. An endpoint of a port has one weight at the
 * most, and is drained or ejected or neither: the newest order takes the place of the one before it.
 */
public final class Orders {

    /** Nothing is ordered. */
    public static final Orders NONE = new Orders(Map.of());

    /** The most orders in force. */
    public static final int MOST = 512;

    private record Key(ServicePortName port, EndpointAddress endpoint, boolean weight) {
        static Key of(Order order) {
            return new Key(order.port(), order.endpoint(), order.kind() == Order.Kind.WEIGHT);
        }
    }

    private final Map<Key, Order> byKey;
    private final Map<ServicePortName, PortOrders> byPort;

    private Orders(Map<Key, Order> byKey) {
        this.byKey = byKey;
        Map<ServicePortName, List<Order>> lists = new LinkedHashMap<>();
        byKey.values().forEach(order -> lists.computeIfAbsent(order.port(), name -> new ArrayList<>()).add(order));
        Map<ServicePortName, PortOrders> ports = new LinkedHashMap<>();
        lists.forEach((port, list) -> ports.put(port, PortOrders.of(list)));
        this.byPort = ports;
    }

    /** The orders in force, the oldest first. */
    public List<Order> all() {
        return List.copyOf(byKey.values());
    }

    /** Those of one port. */
    public PortOrders of(ServicePortName port) {
        return byPort.getOrDefault(port, PortOrders.NONE);
    }

    /** The ports that have any. */
    public Set<ServicePortName> ports() {
        return byPort.keySet();
    }

    /**
     * These and more, each in the place of the one before it.
     *
     * @return empty if they are more than {@link #MOST}
     */
    public Optional<Orders> with(Collection<Order> more) {
        Map<Key, Order> next = new LinkedHashMap<>(byKey);
        for (Order order : more) {
            Key key = Key.of(order);
            next.remove(key);
            next.put(key, order);
        }
        return next.size() > MOST ? Optional.empty() : Optional.of(new Orders(next));
    }

    /** All but those for which {@code goes} holds; the same object if that is none. */
    public Orders without(Predicate<Order> goes) {
        Map<Key, Order> next = new LinkedHashMap<>(byKey);
        return next.values().removeIf(goes) ? new Orders(next) : this;
    }

    /** Those whose time is over. */
    public List<Order> ended(Instant now) {
        return byKey.values().stream().filter(order -> order.hasEnded(now)).toList();
    }

    /** When the next one ends by itself; empty for never. */
    public Optional<Instant> nextEnd() {
        return byKey.values().stream().map(Order::until).filter(Objects::nonNull).min(Instant::compareTo);
    }

    /** The ports whose orders differ between this and {@code other}. */
    public Set<ServicePortName> differing(Orders other) {
        Set<ServicePortName> all = new LinkedHashSet<>(ports());
        all.addAll(other.ports());
        all.removeIf(port -> of(port).equals(other.of(port)));
        return all;
    }
}
