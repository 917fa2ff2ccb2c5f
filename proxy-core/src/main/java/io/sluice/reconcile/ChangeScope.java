package io.sluice.reconcile;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.ServiceMap;
import io.sluice.service.ServiceMap.Difference;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceAnnotations;
import io.sluice.service.ServiceState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How far the difference between two snapshots reaches, and so which of the two ways a change goes. Pure.
 *
 * <p>Nearly every change is one of endpoints alone, and of few Services. Finding that out takes one walk over both
 * snapshots, which passes over the parts that they share.
 */
sealed interface ChangeScope {

    /** Nothing differs that is applied. */
    record Nothing() implements ChangeScope {}

    /**
     * Only endpoints differ, and Pods perhaps; no address depends on them.
     *
     * @param services those whose endpoints differ, as they are in {@code now}
     */
    record Endpoints(ClusterSnapshot before, ClusterSnapshot now, List<ServiceState> services) implements ChangeScope {
        public Endpoints {
            services = List.copyOf(services);
        }
    }

    /** Services differ, or facts that decide about addresses. */
    record All() implements ChangeScope {}

    /**
     * The decisions that depend on endpoints besides the routing of their own ports.
     *
     * @param addresses     whether an endpoint with this address decides about addresses of Services or of this node
     * @param loops         whether endpoints of this Service lead back to it
     * @param repliesRouted whether replies of any endpoint are routed back to this node ({@code sluice.io/preserve-source})
     */
    record Dependents(Predicate<EndpointAddress> addresses, Predicate<ServiceName> loops, boolean repliesRouted) {}

    /**
     * Compares two snapshots.
     *
     * @param before the snapshot that was applied last; null for none. The same version again means that something else than
     *               the snapshot has changed, or that a step has failed: everything has to be reviewed
     */
    static ChangeScope between(@Nullable ClusterSnapshot before, ClusterSnapshot now, Dependents dependents) {
        if (before == null || before.version() == now.version() || !before.node().equals(now.node())
                || !before.facts().equals(now.facts())) {
            return new All();
        }
        List<ServiceState> changed = changedEndpoints(before.services(), now.services());
        if (changed == null || dependents.repliesRouted()
                || changed.stream()
                        .anyMatch(s -> Boolean.TRUE.equals(ServiceAnnotations.of(s.service()).preserveSource()))
                || changed.stream().anyMatch(s -> dependents.loops().test(s.service().name()))
                || changed.stream().flatMap(s -> differing(before.services().get(s.service().name()), s).stream())
                        .anyMatch(dependents.addresses())) {
            return new All();
        }
        return changed.isEmpty() && before.pods().equals(now.pods())
                ? new Nothing()
                : new Endpoints(before, now, changed);
    }

    /** The Services whose endpoints have to be applied one by one; none if everything is reviewed. */
    default List<ServiceState> changed() {
        return switch (this) {
            case Nothing() -> List.of();
            case Endpoints endpoints -> endpoints.services();
            case All() -> List.of();
        };
    }

    /** Whether names may lead elsewhere: endpoints of headless Services and Pods have names of their own. */
    default boolean concernsNames() {
        return switch (this) {
            case Nothing() -> false;
            case Endpoints endpoints -> endpoints.services().stream().anyMatch(s -> s.service().headless())
                    || !endpoints.before().pods().equals(endpoints.now().pods());
            case All() -> true;
        };
    }

    /** Whether the health check of a Service may answer otherwise. */
    default boolean concernsHealthChecks() {
        return switch (this) {
            case Nothing() -> false;
            case Endpoints endpoints ->
                    endpoints.services().stream().anyMatch(s -> s.service().healthCheckNodePort() != 0);
            case All() -> true;
        };
    }

    /** Services that differ, if they do in nothing but their endpoints; else null. */
    private static @Nullable List<ServiceState> changedEndpoints(ServiceMap before, ServiceMap now) {
        List<ServiceState> changed = new ArrayList<>();
        for (Difference each : now.since(before)) {
            ServiceState old = each.before();
            ServiceState state = each.now();
            if (old == null || state == null || !old.service().equals(state.service())) {
                return null;
            }
            changed.add(state);
        }
        return changed;
    }

    /** The addresses of endpoints that came or went. */
    private static Set<EndpointAddress> differing(@Nullable ServiceState before, ServiceState now) {
        Set<EndpointAddress> differing = endpoints(now);
        Set<EndpointAddress> old = before == null ? Set.of() : endpoints(before);
        for (EndpointAddress address : old) {
            if (!differing.remove(address)) {
                differing.add(address);
            }
        }
        return differing;
    }

    /** The addresses of all endpoints of a Service; the caller may change the set. */
    static Set<EndpointAddress> endpoints(ServiceState state) {
        Set<EndpointAddress> addresses = new HashSet<>();
        state.ports().forEach(port -> port.endpoints().endpoints().forEach(e -> addresses.add(e.address())));
        state.portless().endpoints().forEach(e -> addresses.add(e.address()));
        return addresses;
    }
}
