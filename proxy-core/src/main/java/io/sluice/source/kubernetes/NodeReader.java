package io.sluice.source.kubernetes;

import java.util.List;
import tools.jackson.databind.JsonNode;

/** Reads this node's Node object. */
final class NodeReader {

    /** kube-proxy's sign that load balancers should stop using a node (KEP-3836). */
    private static final String AUTOSCALER_TAINT = "ToBeDeletedByClusterAutoscaler";

    private NodeReader() {}

    static ReadObject<NodeFacts> read(ObjectKey key, JsonNode node) {
        JsonNode metadata = node.path("metadata");
        boolean leaving = metadata.path("deletionTimestamp").isString();
        for (JsonNode taint : node.path("spec").path("taints").values()) {
            leaving |= taint.path("key").asString("").equals(AUTOSCALER_TAINT);
        }
        return new ReadObject<>(new NodeFacts(
                EndpointReader.text(metadata.path("labels").path("topology.kubernetes.io/zone")), leaving), List.of());
    }
}
