package io.sluice.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which endpoints may take this traffic now: kube-proxy's rules once more, in their plainest form, as the oracle for the real
 * ones. It shares no code with them.
 */
public final class NaiveRules {

    /** Where a connection comes from, and to which kind of address. */
    public enum From {
        /** Anybody, to a cluster address. */
        TO_CLUSTER_ADDRESS,
        /** From outside of the cluster, to a node port, an external or a load balancer address. */
        OUTSIDE,
        /** From the node or a pod, to such an address. */
        INSIDE
    }

    /**
     * An endpoint as its EndpointSlice has it.
     *
     * @param ready null where the slice does not say, which counts as yes
     * @param serving the same
     * @param node  null where the slice does not say
     */
    public record Backend(String address, @Nullable Boolean ready, @Nullable Boolean serving, boolean terminating,
            @Nullable String node, Set<String> zoneHints, Set<String> nodeHints) {

        boolean isReady() {
            return ready == null || ready;
        }

        boolean servesWhileItEnds() {
            return terminating && (serving == null || serving);
        }

        /** Whether it may take connections at all. */
        boolean takes() {
            return isReady() || servesWhileItEnds();
        }

        /** Flows of datagrams that it has go on with it, whatever else it may take. */
        boolean keepsFlows() {
            return isReady() || serving == null || serving;
        }
    }

    /**
     * What of a Service matters.
     *
     * @param reachableFromOutside it has a node port, an external or a load balancer address
     */
    public record Policies(boolean internalLocal, boolean externalLocal, boolean reachableFromOutside) {}

    private NaiveRules() {}

    /** The addresses of the endpoints that may take such a connection on {@code node}, sorted by their text. */
    public static List<String> allowed(Policies service, List<Backend> all, String node, @Nullable String zone,
            From from) {
        List<Backend> backends = once(all);
        if (from != From.TO_CLUSTER_ADDRESS && service.internalLocal() && !service.reachableFromOutside()) {
            return List.of();
        }
        boolean local = switch (from) {
            case TO_CLUSTER_ADDRESS -> service.internalLocal();
            case OUTSIDE -> service.externalLocal() && service.reachableFromOutside();
            case INSIDE -> false;
        };
        if (local) {
            backends.removeIf(b -> !node.equals(b.node()));
        }
        List<Backend> ready = backends.stream().filter(Backend::isReady).toList();
        if (ready.isEmpty()) {
            return names(backends.stream().filter(Backend::servesWhileItEnds).toList());
        }
        return names(local ? ready : near(ready, node, zone));
    }

    /** Hints count only if every ready endpoint has them and one is for here. */
    private static List<Backend> near(List<Backend> ready, String node, @Nullable String zone) {
        List<Backend> forNode = ready.stream().filter(b -> b.nodeHints().contains(node)).toList();
        if (ready.stream().noneMatch(b -> b.nodeHints().isEmpty()) && !forNode.isEmpty()) {
            return forNode;
        }
        List<Backend> forZone =
                ready.stream().filter(b -> zone != null && !zone.isEmpty() && b.zoneHints().contains(zone)).toList();
        if (ready.stream().noneMatch(b -> b.zoneHints().isEmpty()) && !forZone.isEmpty()) {
            return forZone;
        }
        return ready;
    }

    /** An address that is there twice counts as what it is best for; between equals the first one counts. */
    private static List<Backend> once(List<Backend> all) {
        TreeMap<String, Backend> byAddress = new TreeMap<>();
        for (Backend backend : all) {
            byAddress.merge(backend.address(), backend, (a, b) -> rank(b) > rank(a) ? b : a);
        }
        return new ArrayList<>(byAddress.values());
    }

    private static int rank(Backend backend) {
        return backend.isReady() ? 2 : backend.servesWhileItEnds() ? 1 : 0;
    }

    private static List<String> names(List<Backend> backends) {
        return backends.stream().map(Backend::address).toList();
    }
}
