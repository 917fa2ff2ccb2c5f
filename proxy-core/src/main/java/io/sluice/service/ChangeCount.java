package io.sluice.service;

import io.sluice.service.ServiceMap.Difference;
import java.util.List;
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
     * From {@code before} to {@code after}.
     */
    public static ChangeCount between(ServiceMap before, ServiceMap after) {
        int services = 0;
        int endpoints = 0;
        for (Difference each : after.since(before)) {
            ServiceState old = each.before();
            ServiceState now = each.now();
            services += old == null || now == null || !old.service().equals(now.service()) ? 1 : 0;
            endpoints += endpoints(old).equals(endpoints(now)) ? 0 : 1;
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
