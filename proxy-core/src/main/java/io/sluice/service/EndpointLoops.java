package io.sluice.service;

import io.sluice.service.ServiceState.PortState;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Endpoints that are addresses of Services and lead back to the port whose endpoints they are: one connection to it would
 * become as many as the limits allow. Endpoints that lead on to another Service are fine. Pure, and linear in the number of
 * endpoints.
 *
 * @param endpoints for each port that has such endpoints, which of its endpoints lead back
 */
public record EndpointLoops(Map<ServicePortName, Set<EndpointAddress>> endpoints) {

    /** No endpoint leads back. */
    public static final EndpointLoops NONE = new EndpointLoops(Map.of());

    public EndpointLoops {
        endpoints = Collections.unmodifiableSortedMap(new TreeMap<>(endpoints));
    }

    /** An endpoint of a port that is an address of another port, or of the same one. */
    private record Step(ServicePortName from, EndpointAddress by, ServicePortName to) {}

    /**
     * Finds endpoints that lead back.
     *
     * @param answeredBy the TCP port of a Service that is served at an address; null for none
     */
    public static EndpointLoops find(Collection<ServiceState> services,
            Function<EndpointAddress, @Nullable ServicePortName> answeredBy) {
        return find(services, answeredBy, endpoint -> null);
    }

    /** The same with UDP ports, which are served by their own addresses. */
    public static EndpointLoops find(Collection<ServiceState> services,
            Function<EndpointAddress, @Nullable ServicePortName> answeredBy,
            Function<EndpointAddress, @Nullable ServicePortName> datagramsTakenBy) {
        Map<ServicePortName, List<Step>> onward = new LinkedHashMap<>();
        Map<ServicePortName, List<Step>> back = new HashMap<>();
        for (ServiceState state : services) {
            for (PortState port : state.ports()) {
                ServicePortName from =
                        new ServicePortName(state.service().name(), port.port().name(), port.port().protocol());
                for (Endpoint endpoint : port.endpoints().endpoints()) {
                    ServicePortName to = switch (port.port().protocol()) {
                        case TCP -> answeredBy.apply(endpoint.address());
                        case UDP -> datagramsTakenBy.apply(endpoint.address());
                        case SCTP -> null;
                    };
                    if (to != null) {
                        Step step = new Step(from, endpoint.address(), to);
                        onward.computeIfAbsent(from, n -> new ArrayList<>()).add(step);
                        back.computeIfAbsent(to, n -> new ArrayList<>()).add(step);
                    }
                }
            }
        }
        return onward.isEmpty() ? NONE : withinCircles(onward, back);
    }

    /** A step leads back if both its ends are in the same strongly connected component (Kosaraju's algorithm). */
    private static EndpointLoops withinCircles(Map<ServicePortName, List<Step>> onward,
            Map<ServicePortName, List<Step>> back) {
        Map<ServicePortName, ServicePortName> circleOf = new HashMap<>();
        for (ServicePortName root : lastFinishedFirst(onward)) {
            Deque<ServicePortName> open = new ArrayDeque<>(List.of(root));
            while (!open.isEmpty()) {
                ServicePortName port = open.pop();
                if (circleOf.putIfAbsent(port, root) == null) {
                    back.getOrDefault(port, List.of()).stream().map(Step::from)
                            .filter(from -> !circleOf.containsKey(from)).forEach(open::push);
                }
            }
        }
        Map<ServicePortName, Set<EndpointAddress>> found = new HashMap<>();
        onward.values().forEach(steps -> steps.stream()
                .filter(step -> Objects.equals(circleOf.get(step.from()), circleOf.get(step.to())))
                .forEach(step -> found.computeIfAbsent(step.from(), n -> new HashSet<>()).add(step.by())));
        return found.isEmpty() ? NONE : new EndpointLoops(found);
    }

    private static Deque<ServicePortName> lastFinishedFirst(Map<ServicePortName, List<Step>> onward) {
        record Visit(ServicePortName port, Iterator<Step> rest) {}
        Deque<ServicePortName> finished = new ArrayDeque<>();
        Set<ServicePortName> seen = new HashSet<>();
        for (ServicePortName start : onward.keySet()) {
            Deque<Visit> path = new ArrayDeque<>();
            if (seen.add(start)) {
                path.push(new Visit(start, onward.get(start).iterator()));
            }
            while (!path.isEmpty()) {
                Visit visit = path.element();
                if (!visit.rest().hasNext()) {
                    finished.push(path.pop().port());
                } else {
                    ServicePortName next = visit.rest().next().to();
                    if (seen.add(next)) {
                        path.push(new Visit(next, onward.getOrDefault(next, List.of()).iterator()));
                    }
                }
            }
        }
        return finished;
    }

    /** Whether any port of {@code service} has such an endpoint. */
    public boolean concern(ServiceName service) {
        return endpoints.keySet().stream().anyMatch(port -> port.service().equals(service));
    }

    /** {@code snapshot} without these endpoints. */
    public ClusterSnapshot cutOut(ClusterSnapshot snapshot) {
        Map<ServiceName, ServiceState> cut = new HashMap<>();
        endpoints.keySet().stream().map(ServicePortName::service).distinct().forEach(name -> {
            ServiceState state = snapshot.services().get(name);
            if (state != null) {
                cut.put(name, state.withPorts(
                        state.ports().stream().map(port -> cutOut(state.service(), port)).toList()));
            }
        });
        return snapshot.with(cut);
    }

    private PortState cutOut(Service service, PortState state) {
        Set<EndpointAddress> leadBack = endpoints
                .get(new ServicePortName(service.name(), state.port().name(), state.port().protocol()));
        if (leadBack == null) {
            return state;
        }
        List<Endpoint> left =
                state.endpoints().endpoints().stream().filter(e -> !leadBack.contains(e.address())).toList();
        boolean usable = left.stream().anyMatch(e -> (e.ready() || e.serving() && e.terminating())
                && service.clusterIps().stream().anyMatch(ip -> IpFamily.of(ip) == e.address().family()));
        EmptyReason why = usable || state.whyEmpty() != null
                ? state.whyEmpty()
                : new EmptyReason.LeadsBack(leadBack.stream().sorted().map(EndpointAddress::toString).toList());
        return new PortState(state.port(), new EndpointSet(left), service.proxied() ? why : state.whyEmpty());
    }
}
