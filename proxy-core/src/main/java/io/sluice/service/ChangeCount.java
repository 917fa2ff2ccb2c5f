package io.sluice.service;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
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

    /** From {@code before} to {@code after}; what both share is not looked at, so this is cheap. */
    public static ChangeCount between(Map<ServiceName, ServiceState> before, Map<ServiceName, ServiceState> after) {
        int services = 0;
        int endpoints = 0;
        Set<ServiceName> names = new HashSet<>(before.keySet());
        names.addAll(after.keySet());
        for (ServiceName name : names) {
            ServiceState old = before.get(name);
            ServiceState now = after.get(name);
            if (!Objects.equals(old, now)) {
                if (old == null || now == null || !old.service().equals(now.service())) {
                    services++;
                }
                if (!endpoints(old).equals(endpoints(now))) {
                    endpoints++;
                }
            }
        }
        return new ChangeCount(services, endpoints);
    }

    /** Both together. */
    public ChangeCount plus(ChangeCount other) {
        return new ChangeCount(services + other.services, endpoints + other.endpoints);
    }

    /** Of each port that has any. */
    private static List<EndpointSet> endpoints(@Nullable ServiceState state) {
        return state == null
                ? List.of()
                : state.ports().stream().map(ServiceState.PortState::endpoints).filter(set -> !set.isEmpty()).toList();
    }
}
