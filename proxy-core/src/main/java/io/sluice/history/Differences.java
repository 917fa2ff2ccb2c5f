package io.sluice.history;

import io.sluice.history.Change.EndpointChange;
import io.sluice.history.Change.Step;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import io.sluice.text.Printable;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The changes between two states. Pure. */
public final class Differences {

    private static final int LONGEST_VALUE = 80;

    /** The fields of a Service by the names that the API gives them. */
    private static final Map<String, Function<Service, Object>> FIELDS = fields();

    private Differences() {}

    /**
     * The changes between two snapshots, by Service.
     *
     * @param to takes the changes one by one
     */
    public static void between(ClusterSnapshot before, ClusterSnapshot now, Consumer<Change> to) {
        now.services().since(before.services()).forEach(each -> between(each.before(), each.now(), to));
    }

    /**
     * The changes of one Service.
     *
     * @param before null if it is new
     * @param now    null if it is gone
     * @param to     takes the changes one by one
     */
    public static void between(@Nullable ServiceState before, @Nullable ServiceState now, Consumer<Change> to) {
        if (Objects.equals(before, now)) {
            return;
        }
        if (now == null) {
            to.accept(new Change.ServiceRemoved(name(Objects.requireNonNull(before))));
            return;
        }
        if (before == null) {
            to.accept(new Change.ServiceAdded(name(now), about(now)));
        } else if (!before.service().equals(now.service())) {
            to.accept(new Change.ServiceChanged(name(now), fieldsThatDiffer(before.service(), now.service())));
        }
        Map<ServicePortName, PortState> olds = ports(before);
        for (PortState port : now.ports()) {
            ServicePortName portName = name(now, port.port());
            PortState old = olds.get(portName);
            endpoints(portName, old == null ? EndpointSet.EMPTY : old.endpoints(), port.endpoints(), to);
            if (now.service().proxied()) {
                emptiness(portName, old, port, to);
            }
        }
        endpoints(new ServicePortName(name(now), "", Protocol.TCP),
                before == null ? EndpointSet.EMPTY : before.portless(), now.portless(), to);
    }

    private static Map<ServicePortName, PortState> ports(@Nullable ServiceState state) {
        Map<ServicePortName, PortState> ports = new HashMap<>();
        if (state != null) {
            state.ports().forEach(port -> ports.put(name(state, port.port()), port));
        }
        return ports;
    }

    /** A reason that differs in its numbers alone is none that is worth an event. */
    private static void emptiness(ServicePortName name, @Nullable PortState before, PortState now,
            Consumer<Change> to) {
        if (now.whyEmpty() != null && (before == null || before.whyEmpty() == null
                || !now.whyEmpty().code().equals(before.whyEmpty().code()))) {
            to.accept(new Change.PortEmptied(name, now.whyEmpty().describe()));
        } else if (now.whyEmpty() == null && before != null && before.whyEmpty() != null) {
            to.accept(new Change.PortFilled(name));
        }
    }

    /** Both sets are sorted by address. */
    private static void endpoints(ServicePortName port, EndpointSet before, EndpointSet now, Consumer<Change> to) {
        if (before.equals(now)) {
            return;
        }
        Iterator<Endpoint> olds = before.endpoints().iterator();
        Iterator<Endpoint> news = now.endpoints().iterator();
        Endpoint old = next(olds);
        Endpoint current = next(news);
        while (old != null || current != null) {
            int order = old == null ? 1 : current == null ? -1 : old.address().compareTo(current.address());
            if (current == null || order < 0) {
                to.accept(change(port, Objects.requireNonNull(old), Step.REMOVED, ""));
            } else if (old == null || order > 0) {
                to.accept(change(port, current, Step.ADDED, state(current)));
            } else if (!old.equals(current)) {
                endpoint(port, old, current, to);
            }
            if (order <= 0) {
                old = next(olds);
            }
            if (order >= 0) {
                current = next(news);
            }
        }
    }

    private static void endpoint(ServicePortName port, Endpoint old, Endpoint now, Consumer<Change> to) {
        if (now.terminating() && !old.terminating()) {
            to.accept(change(port, now, Step.TERMINATING, now.serving() ? "it still serves" : "it does not serve"));
        } else if (now.ready() != old.ready()) {
            to.accept(change(port, now, now.ready() ? Step.READY : Step.NOT_READY,
                    now.whyNotReady() == null ? "" : now.whyNotReady()));
        } else if (now.terminating() && now.serving() != old.serving()) {
            to.accept(change(port, now, now.serving() ? Step.READY : Step.NOT_READY,
                    now.serving() ? "it serves while it terminates" : "it does not serve any more"));
        }
        List<String> others = new ArrayList<>();
        differs(others, "pod", old.target(), now.target());
        differs(others, "node", old.node(), now.node());
        differs(others, "zone", old.zone(), now.zone());
        differs(others, "zone hints", old.zoneHints(), now.zoneHints());
        differs(others, "node hints", old.nodeHints(), now.nodeHints());
        differs(others, "host name", old.hostname(), now.hostname());
        if (!others.isEmpty()) {
            to.accept(change(port, now, Step.CHANGED, String.join("; ", others)));
        }
    }

    private static Change change(ServicePortName port, Endpoint endpoint, Step step, String detail) {
        return new EndpointChange(port, endpoint.address(), endpoint.target(), step, detail);
    }

    private static String state(Endpoint endpoint) {
        return endpoint.terminating()
                ? "terminating, " + (endpoint.serving() ? "serving" : "not serving")
                : endpoint.ready() ? "ready"
                : endpoint.whyNotReady() == null ? "not ready" : "not ready: " + endpoint.whyNotReady();
    }

    private static String about(ServiceState state) {
        Service service = state.service();
        String where = service.headless()
                ? "headless"
                : service.externalName() != null ? service.externalName() : String.valueOf(shown(service.clusterIps()));
        return service.type().apiName() + " " + where + ", "
                + (service.ports().isEmpty() ? "no ports" : "ports " + shown(service.ports()));
    }

    private static List<String> fieldsThatDiffer(Service before, Service now) {
        List<String> fields = new ArrayList<>();
        FIELDS.forEach((field, value) -> differs(fields, field, value.apply(before), value.apply(now)));
        return fields;
    }

    private static void differs(List<String> to, String field, @Nullable Object before, @Nullable Object now) {
        if (!Objects.equals(before, now)) {
            to.add(field + " " + shown(before) + " → " + shown(now));
        }
    }

    private static String shown(@Nullable Object value) {
        String text = switch (value) {
            case null -> "none";
            case Map<?, ?> map -> new TreeMap<>(map).toString();
            case Iterable<?> list -> {
                List<String> parts = new ArrayList<>();
                list.forEach(part -> parts.add(shown(part)));
                yield parts.isEmpty() ? "none" : String.join(",", parts);
            }
            case InetAddress address -> IpAddresses.format(address);
            case ServicePort port -> (port.name().isEmpty() ? "" : port.name() + " ") + port.display()
                    + (port.targetPort().isEmpty() ? "" : " to " + port.targetPort());
            case SessionAffinity.ClientIp sticky -> "ClientIP for " + sticky.timeout().toSeconds() + " s";
            case SessionAffinity.None none -> "None";
            default -> value.toString();
        };
        return Printable.cut(text, LONGEST_VALUE);
    }

    private static Map<String, Function<Service, Object>> fields() {
        Map<String, Function<Service, Object>> fields = new LinkedHashMap<>();
        fields.put("type", service -> service.type().apiName());
        fields.put("clusterIPs", Service::clusterIps);
        fields.put("headless", Service::headless);
        fields.put("externalName", service -> String.valueOf(shown(service.externalName())));
        fields.put("ports", Service::ports);
        fields.put("internalTrafficPolicy", service -> policy(service.internalTrafficPolicy()));
        fields.put("externalTrafficPolicy", service -> policy(service.externalTrafficPolicy()));
        fields.put("sessionAffinity", Service::sessionAffinity);
        fields.put("externalIPs", Service::externalIps);
        fields.put("loadBalancerIPs", Service::loadBalancerIps);
        fields.put("loadBalancerSourceRanges", Service::loadBalancerSourceRanges);
        fields.put("healthCheckNodePort", Service::healthCheckNodePort);
        fields.put("publishNotReadyAddresses", Service::publishNotReadyAddresses);
        fields.put("selector", Service::selector);
        fields.put("annotations", Service::annotations);
        fields.put("creationTimestamp", Service::createdAt);
        fields.put("left to another proxy by label", service -> String.valueOf(shown(service.exclusion())));
        return fields;
    }

    private static String policy(TrafficPolicy policy) {
        return policy == TrafficPolicy.LOCAL ? "Local" : "Cluster";
    }

    private static ServiceName name(ServiceState state) {
        return state.service().name();
    }

    private static ServicePortName name(ServiceState state, ServicePort port) {
        return new ServicePortName(name(state), port.name(), port.protocol());
    }

    private static <T> @Nullable T next(Iterator<T> items) {
        return items.hasNext() ? items.next() : null;
    }
}
