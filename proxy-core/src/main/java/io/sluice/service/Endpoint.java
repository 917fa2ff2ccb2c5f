package io.sluice.service;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One backend of one Service port, as an EndpointSlice gives it.
 *
 * @param ready       may take new connections
 * @param serving     passes its readiness probe, whether terminating or not
 * @param terminating is being deleted
 * @param node        {@code nodeName}, null if not known
 * @param zone        the node's zone, null if not known
 * @param zoneHints   {@code hints.forZones}
 * @param nodeHints   {@code hints.forNodes}
 * @param hostname    {@code hostname}, for DNS; null for none
 * @param target      name of the Pod behind it ({@code targetRef}), null if there is none
 */
public record Endpoint(EndpointAddress address, boolean ready, boolean serving, boolean terminating,
        @Nullable String node, @Nullable String zone, Set<String> zoneHints, Set<String> nodeHints,
        @Nullable String hostname, @Nullable String target) {

    public Endpoint {
        zoneHints = Set.copyOf(zoneHints);
        nodeHints = Set.copyOf(nodeHints);
    }

    /** A ready endpoint that nothing else is known of. */
    public static Endpoint ready(EndpointAddress address) {
        return new Endpoint(address, true, true, false, null, null, Set.of(), Set.of(), null, null);
    }

    /** What decides between two entries of one address: ready, then serving, then anything else. */
    int rank() {
        return ready ? 2 : serving ? 1 : 0;
    }
}
