package io.sluice.service;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Set;

/**
 * What a source knows beside Services and endpoints, and what decides which Service may have which address.
 *
 * @param ownManifests whether the operator of this proxy wrote the Services; if not, everybody did who may write to an API
 *                     server, and none of their objects may take an address from the node
 * @param nodes        the addresses of the cluster's other nodes, each with the name of its Node
 * @param apiServers   where the API server answers, as it was configured and as {@code default/kubernetes} says
 * @param undated      Services without a creation time of their own
 */
public record ClusterFacts(boolean ownManifests, Map<InetAddress, String> nodes, Set<InetSocketAddress> apiServers,
        Set<ServiceName> undated) {

    /** The facts of manifests that name no other node. */
    public static final ClusterFacts NONE = new ClusterFacts(true, Map.of(), Set.of(), Set.of());

    public ClusterFacts {
        nodes = Map.copyOf(nodes);
        apiServers = Set.copyOf(apiServers);
        undated = Set.copyOf(undated);
    }
}
