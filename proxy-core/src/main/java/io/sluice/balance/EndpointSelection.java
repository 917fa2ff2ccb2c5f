package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointSet;
import io.sluice.service.NodeTopology;
import io.sluice.service.Service;
import io.sluice.service.TrafficPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Which endpoints of one Service port and one address family take which traffic on this node: kube-proxy's
 * {@code CategorizeEndpoints} (pkg/proxy/topology.go), with the traffic policies of KEP-2086 and KEP-1669 applied.
 *
 * <p>Each endpoint gets a rule first, and the lists follow from the rules: what is explained is what is done.
 *
 * @param categorized       every known endpoint, sorted by address
 * @param clusterEndpoints  ready endpoints that pass the topology mode; if there are none, all that serve while
 *                          terminating; empty if no policy uses them
 * @param localEndpoints    ready endpoints of this node; if there are none, those of this node that serve while
 *                          terminating; empty if no policy uses them
 * @param internalEndpoints endpoints for connections to a cluster address
 * @param externalEndpoints endpoints for connections from outside to a node port, an external or a load balancer address
 * @param topology          how hints narrowed {@code clusterEndpoints}
 */
public record EndpointSelection(List<Categorized> categorized, List<Endpoint> clusterEndpoints,
        List<Endpoint> localEndpoints,
        List<Endpoint> internalEndpoints, List<Endpoint> externalEndpoints, TopologyMode topology) {

    /** How hints narrow the endpoints (KEP-2433, KEP-3015). */
    public enum TopologyMode {
        /** Hints are absent, incomplete or name neither this node nor its zone: they are ignored. */
        NONE,
        /** Only endpoints hinted for this node's zone. */
        SAME_ZONE,
        /** Only endpoints hinted for this node. */
        SAME_NODE
    }

    /** The rule that decided about an endpoint in one of the two categories. */
    public enum Rule {
        READY(true, "ready"),
        READY_IN_ZONE(true, "ready, and its hints name this node's zone"),
        READY_FOR_NODE(true, "ready, and its hints name this node"),
        LAST_RESORT(true, "terminating but still serving, and no endpoint is ready"),
        LAST_RESORT_HERE(true, "terminating but still serving, and no endpoint of this node is ready"),
        NOT_READY(false, "not ready"),
        TERMINATING(false, "terminating, and others are ready"),
        TERMINATED(false, "terminating, and serving no more"),
        HINTED_FOR_OTHER_ZONES(false, "its hints name other zones, and every endpoint has hints"),
        HINTED_FOR_OTHER_NODES(false, "its hints name other nodes, and every endpoint has hints"),
        ON_ANOTHER_NODE(false, "on another node, and the traffic policy is Local"),
        ON_UNKNOWN_NODE(false, "its node is not known, and the traffic policy is Local");

        private final boolean takes;
        private final String text;

        Rule(boolean takes, String text) {
            this.takes = takes;
            this.text = text;
        }

        /** Whether it makes the endpoint a candidate. */
        public boolean takes() {
            return takes;
        }

        /** The reason for people, to be put after the endpoint's name. */
        public String text() {
            return text;
        }
    }

    /**
     * An endpoint and the rules that decided about it.
     *
     * @param cluster as one of {@code clusterEndpoints}
     * @param local   as one of {@code localEndpoints}
     */
    public record Categorized(Endpoint endpoint, Rule cluster, Rule local) {}

    /** A selection without endpoints. */
    public static final EndpointSelection EMPTY = new EndpointSelection(List.of(), List.of(), List.of(), List.of(),
            List.of(), TopologyMode.NONE);

    /** The endpoints for connections of this kind. */
    public List<Endpoint> endpoints(Traffic traffic) {
        return switch (traffic) {
            case INTERNAL -> internalEndpoints;
            case EXTERNAL -> externalEndpoints;
            case SHORT_CIRCUIT -> clusterEndpoints;
        };
    }

    /** Whether only endpoints of this node take such traffic of {@code service}. */
    public static boolean local(Service service, Traffic traffic) {
        return switch (traffic) {
            case INTERNAL -> service.internalTrafficPolicy() == TrafficPolicy.LOCAL;
            // A Service that cannot be reached from outside has no external policy (UsesLocalEndpoints).
            case EXTERNAL -> service.externalTrafficPolicy() == TrafficPolicy.LOCAL && service.externallyAccessible();
            case SHORT_CIRCUIT -> false;
        };
    }

    /** Applies the rules to {@code endpoints}, which are of one address family. */
    public static EndpointSelection of(Service service, EndpointSet endpoints, NodeTopology node) {
        if (endpoints.isEmpty()) {
            return EMPTY;
        }
        List<Endpoint> all = endpoints.endpoints();
        TopologyMode mode = topologyMode(all, node);
        boolean anyReady = all.stream().anyMatch(Endpoint::ready);
        boolean anyReadyHere = all.stream().anyMatch(e -> e.ready() && here(e, node));
        List<Categorized> categorized = new ArrayList<>(all.size());
        for (Endpoint endpoint : all) {
            categorized.add(new Categorized(endpoint, cluster(endpoint, mode, anyReady, node),
                    local(endpoint, anyReadyHere, node)));
        }
        boolean internalLocal = local(service, Traffic.INTERNAL);
        boolean externalLocal = local(service, Traffic.EXTERNAL);
        // kube-proxy's UsesClusterEndpoints and UsesLocalEndpoints (pkg/proxy/serviceport.go).
        List<Endpoint> cluster =
                !internalLocal || service.externallyAccessible() ? taking(categorized, Categorized::cluster)
                        : List.of();
        List<Endpoint> local = internalLocal || externalLocal ? taking(categorized, Categorized::local) : List.of();
        return new EndpointSelection(List.copyOf(categorized), cluster, local, internalLocal ? local : cluster,
                externalLocal ? local : cluster, mode);
    }

    private static List<Endpoint> taking(List<Categorized> categorized, Function<Categorized, Rule> category) {
        return categorized.stream().filter(j -> category.apply(j).takes()).map(Categorized::endpoint).toList();
    }

    private static Rule cluster(Endpoint endpoint, TopologyMode mode, boolean anyReady, NodeTopology node) {
        if (!endpoint.ready()) {
            return unready(endpoint, anyReady, Rule.LAST_RESORT);
        }
        return switch (mode) {
            case NONE -> Rule.READY;
            case SAME_ZONE -> node.zone() != null && endpoint.zoneHints().contains(node.zone())
                    ? Rule.READY_IN_ZONE
                    : Rule.HINTED_FOR_OTHER_ZONES;
            case SAME_NODE -> endpoint.nodeHints().contains(node.node())
                    ? Rule.READY_FOR_NODE
                    : Rule.HINTED_FOR_OTHER_NODES;
        };
    }

    private static Rule local(Endpoint endpoint, boolean anyReadyHere, NodeTopology node) {
        if (endpoint.node() == null) {
            return Rule.ON_UNKNOWN_NODE;
        }
        if (!here(endpoint, node)) {
            return Rule.ON_ANOTHER_NODE;
        }
        return endpoint.ready() ? Rule.READY : unready(endpoint, anyReadyHere, Rule.LAST_RESORT_HERE);
    }

    private static Rule unready(Endpoint endpoint, boolean othersReady, Rule lastResort) {
        if (!endpoint.terminating()) {
            return Rule.NOT_READY;
        }
        return !endpoint.serving() ? Rule.TERMINATED : othersReady ? Rule.TERMINATING : lastResort;
    }

    private static boolean here(Endpoint endpoint, NodeTopology node) {
        return node.node().equals(endpoint.node());
    }

    /** Only ready endpoints decide, and at least one of them passes. */
    private static TopologyMode topologyMode(List<Endpoint> all, NodeTopology node) {
        boolean allHaveNodeHints = true;
        boolean allHaveZoneHints = true;
        boolean anyForThisNode = false;
        boolean anyForThisZone = false;
        boolean anyReady = false;
        String zone = node.zone();
        for (Endpoint endpoint : all) {
            if (!endpoint.ready()) {
                continue;
            }
            anyReady = true;
            allHaveNodeHints &= !endpoint.nodeHints().isEmpty();
            allHaveZoneHints &= !endpoint.zoneHints().isEmpty();
            anyForThisNode |= endpoint.nodeHints().contains(node.node());
            anyForThisZone |= zone != null && !zone.isEmpty() && endpoint.zoneHints().contains(zone);
        }
        if (anyReady && allHaveNodeHints && anyForThisNode) {
            return TopologyMode.SAME_NODE;
        }
        return anyReady && allHaveZoneHints && anyForThisZone ? TopologyMode.SAME_ZONE : TopologyMode.NONE;
    }
}
