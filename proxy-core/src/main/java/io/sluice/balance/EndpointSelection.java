package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointSet;
import io.sluice.service.NodeTopology;
import io.sluice.service.Service;
import io.sluice.service.TrafficPolicy;
import java.util.List;
import java.util.function.Predicate;

/**
 * Which endpoints of one Service port and one address family take which traffic on this node: kube-proxy's
 * {@code CategorizeEndpoints} (pkg/proxy/topology.go), with the traffic policies of KEP-2086 and KEP-1669 applied.
 *
 * @param clusterEndpoints  ready endpoints that pass the topology mode; if there are none, all that serve while
 *                          terminating
 * @param localEndpoints    ready endpoints of this node; if there are none, those of this node that serve while
 *                          terminating
 * @param internalEndpoints what connections to a cluster address are spread over
 * @param externalEndpoints what connections from outside to a node port, an external or a load balancer address are
 *                          spread over
 * @param topology          how hints narrowed {@code clusterEndpoints}
 */
public record EndpointSelection(List<Endpoint> clusterEndpoints, List<Endpoint> localEndpoints,
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

    /** Nothing to choose from. */
    public static final EndpointSelection EMPTY = new EndpointSelection(List.of(), List.of(), List.of(), List.of(),
            TopologyMode.NONE);

    /** What connections of this kind are spread over. */
    public List<Endpoint> endpoints(Traffic traffic) {
        return switch (traffic) {
            case INTERNAL -> internalEndpoints;
            case EXTERNAL -> externalEndpoints;
            case LOOPED -> clusterEndpoints;
        };
    }

    /** Applies the rules to {@code endpoints}, which are of one address family. */
    public static EndpointSelection of(Service service, EndpointSet endpoints, NodeTopology node) {
        if (endpoints.isEmpty()) {
            return EMPTY;
        }
        List<Endpoint> all = endpoints.endpoints();
        TopologyMode mode = topologyMode(all, node);
        List<Endpoint> cluster = orTerminating(all, e -> e.ready() && passes(e, mode, node), e -> true);
        Predicate<Endpoint> isLocal = e -> node.node().equals(e.node());
        List<Endpoint> local = orTerminating(all, e -> e.ready() && isLocal.test(e), isLocal);
        return new EndpointSelection(cluster, local,
                service.internalTrafficPolicy() == TrafficPolicy.LOCAL ? local : cluster,
                service.externalTrafficPolicy() == TrafficPolicy.LOCAL ? local : cluster, mode);
    }

    private static List<Endpoint> orTerminating(List<Endpoint> all, Predicate<Endpoint> usable,
            Predicate<Endpoint> fallback) {
        List<Endpoint> chosen = all.stream().filter(usable).toList();
        return chosen.isEmpty()
                ? all.stream().filter(e -> e.serving() && e.terminating()).filter(fallback).toList()
                : chosen;
    }

    /** Decided over the ready endpoints alone, and so that at least one of them passes. */
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

    private static boolean passes(Endpoint endpoint, TopologyMode mode, NodeTopology node) {
        return switch (mode) {
            case NONE -> true;
            case SAME_ZONE -> node.zone() != null && endpoint.zoneHints().contains(node.zone());
            case SAME_NODE -> endpoint.nodeHints().contains(node.node());
        };
    }
}
