package io.sluice.service;

import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How much has changed.
 *
 * @param services  Services added, changed or removed
 * @param endpoints Services whose endpoints have changed
 */
public record ChangeCount(int services, int endpoints) {

    /** Nothing. */
    public static final ChangeCount NONE = new ChangeCount(0, 0);

    /**
     * From {@code before} to {@code after}, both sorted by name as a snapshot has them: one walk over both, which does not
     * look into what they share.
     */
    public static ChangeCount between(Map<ServiceName, ServiceState> before, Map<ServiceName, ServiceState> after) {
        int services = 0;
        int endpoints = 0;
        Iterator<ServiceState> olds = before.values().iterator();
        Iterator<ServiceState> news = after.values().iterator();
        ServiceState old = next(olds);
        ServiceState now = next(news);
        while (old != null || now != null) {
            if (old != null && old.equals(now)) {
                old = next(olds);
                now = next(news);
                continue;
            }
            int order = old == null ? 1 : now == null ? -1 : old.service().name().compareTo(now.service().name());
            if (order != 0) {
                services++;
                endpoints += endpoints(order < 0 ? old : now).isEmpty() ? 0 : 1;
            } else if (old != null && now != null) {
                services += old.service().equals(now.service()) ? 0 : 1;
                endpoints += endpoints(old).equals(endpoints(now)) ? 0 : 1;
            }
            old = order <= 0 ? next(olds) : old;
            now = order >= 0 ? next(news) : now;
        }
        return new ChangeCount(services, endpoints);
    }

    /** Both together. */
    public ChangeCount plus(ChangeCount other) {
        return new ChangeCount(services + other.services, endpoints + other.endpoints);
    }

    private static @Nullable ServiceState next(Iterator<ServiceState> states) {
        return states.hasNext() ? states.next() : null;
    }

    /** Of each port that has any. */
    private static List<EndpointSet> endpoints(@Nullable ServiceState state) {
        return state == null
                ? List.of()
                : state.ports().stream().map(ServiceState.PortState::endpoints).filter(set -> !set.isEmpty()).toList();
    }
}
