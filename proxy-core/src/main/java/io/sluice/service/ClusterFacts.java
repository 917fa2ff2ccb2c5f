package io.sluice.service;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Set;

/**
 * What a source knows beside Services and endpoints, as far as it decides who may have which address.
 *
 * @param ownManifests whether the Services were written by the operator of this proxy; else by everybody who may write to
 *                     an API server, and no object of theirs may take an address from the node
 * @param nodes        the addresses of the cluster's other nodes, each with the name of its Node
 * @param apiServers   where the API server answers, as it was configured and as {@code default/kubernetes} says
 * @param undated      Services of which nobody has written when they were created
 */
public record ClusterFacts(boolean ownManifests, Map<InetAddress, String> nodes, Set<InetSocketAddress> apiServers,
        Set<ServiceName> undated) {

    /** Of manifests that name no other node. */
    public static final ClusterFacts NONE = new ClusterFacts(true, Map.of(), Set.of(), Set.of());

    public ClusterFacts {
        nodes = Map.copyOf(nodes);
        apiServers = Set.copyOf(apiServers);
        undated = Set.copyOf(undated);
    }
}
