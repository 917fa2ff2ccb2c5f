package io.sluice.simulation;

import io.sluice.simulation.Cluster.Item;
import io.sluice.simulation.Cluster.Slice;
import io.sluice.simulation.Cluster.Svc;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What the cluster has had since the daemon was last known to be equal to it: whatever the daemon does must follow from that,
 * however late it learns of it.
 */
final class Truth {

    /** The states of each object, in their order; empty for an object that is not there. */
    private final Map<String, List<Optional<Item>>> states = new TreeMap<>();
    /** By the name of the Service; made again after each change. */
    private final Map<String, List<Slice>> slicesOf = new HashMap<>();
    private final Map<Svc, Boolean> settled = new HashMap<>();
    private int revision;
    /** What is there by its kind; found again after each change. */
    private final Map<Class<?>, List<Item>> now = new HashMap<>();

    private static String key(Item item) {
        return item.getClass().getSimpleName() + " " + item.key();
    }

    void put(Item item) {
        add(key(item), Optional.of(item));
    }

    void remove(Item item) {
        add(key(item), Optional.empty());
    }

    private void add(String key, Optional<Item> state) {
        List<Optional<Item>> known = states.computeIfAbsent(key, k -> new ArrayList<>(List.of(Optional.empty())));
        if (!known.getLast().equals(state)) {
            known.add(state);
            changed();
        }
    }

    private void changed() {
        slicesOf.clear();
        now.clear();
        settled.clear();
        revision++;
    }

    /** Another number after each change. */
    int revision() {
        return revision;
    }

    /** The store is another one: {@code items} are there, and no others. */
    void become(Collection<Item> items) {
        Map<String, Item> next = new LinkedHashMap<>();
        items.forEach(item -> next.put(key(item), item));
        List.copyOf(states.keySet()).forEach(key -> add(key, Optional.ofNullable(next.get(key))));
        items.forEach(this::put);
    }

    /** The daemon equals the cluster: what was before does not matter any more. */
    void inSync() {
        states.replaceAll((key, known) -> new ArrayList<>(List.of(known.getLast())));
        states.values().removeIf(known -> known.getLast().isEmpty());
        changed();
    }

    /** All that an object has been, without the times when it was not there. */
    private <T extends Item> List<T> been(Class<T> type, List<Optional<Item>> known) {
        return known.stream().flatMap(Optional::stream).filter(type::isInstance).map(type::cast).toList();
    }

    /** All that objects of a kind have been. */
    <T extends Item> List<T> been(Class<T> type) {
        return states.values().stream().flatMap(known -> been(type, known).stream()).toList();
    }

    /** What a Service has been. */
    List<Svc> services(String name) {
        return been(Svc.class, states.getOrDefault("Svc " + name, List.of()));
    }

    /** All slices that have named a Service. */
    List<Slice> slices(String service) {
        if (slicesOf.isEmpty()) {
            states.values().forEach(known -> been(Slice.class, known)
                    .forEach(slice -> slicesOf.computeIfAbsent(slice.of(), name -> new ArrayList<>()).add(slice)));
        }
        return slicesOf.getOrDefault(service, List.of());
    }

    /** Whether a Service and its slices have been the same all the time, and it has been there. */
    boolean settled(Svc service) {
        return settled.computeIfAbsent(service, this::isSettled);
    }

    private boolean isSettled(Svc service) {
        return states.getOrDefault("Svc " + service.key(), List.of()).equals(List.of(Optional.of(service)))
                && states.values().stream()
                        .filter(known -> known.stream().flatMap(Optional::stream)
                                .anyMatch(item -> item instanceof Slice slice && slice.of().equals(service.key())))
                        .allMatch(known -> known.size() == 1);
    }

    /** Whether a Node has been the same all the time. */
    boolean nodeSettled(String name) {
        return states.getOrDefault("Node " + name, List.of()).size() == 1;
    }

    /** What is there now, of one kind. */
    <T extends Item> List<T> now(Class<T> type) {
        return now.computeIfAbsent(type, each -> states.values().stream().map(known -> known.getLast().orElse(null))
                .filter(each::isInstance).map(Item.class::cast).toList()).stream().map(type::cast).toList();
    }
}
