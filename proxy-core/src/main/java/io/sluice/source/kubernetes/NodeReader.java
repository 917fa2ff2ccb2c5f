package io.sluice.source.kubernetes;

import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/** Reads Nodes. */
final class NodeReader {

    /** kube-proxy's sign that load balancers should stop using a node (KEP-3836). */
    private static final String AUTOSCALER_TAINT = "ToBeDeletedByClusterAutoscaler";

    private static final Logger LOG = LoggerFactory.getLogger(NodeReader.class);

    private NodeReader() {}

    static ReadObject<NodeFacts> read(ObjectKey key, JsonNode node) {
        JsonNode metadata = node.path("metadata");
        boolean leaving = metadata.path("deletionTimestamp").isString();
        for (JsonNode taint : node.path("spec").path("taints").values()) {
            leaving |= taint.path("key").asString("").equals(AUTOSCALER_TAINT);
        }
        return new ReadObject<>(new NodeFacts(
                EndpointReader.text(metadata.path("labels").path("topology.kubernetes.io/zone")), leaving,
                addresses(node.path("status").path("addresses"))), List.of());
    }

    /** The addresses of a Node contain host names, too. */
    private static List<InetAddress> addresses(JsonNode list) {
        List<InetAddress> addresses = new ArrayList<>();
        for (JsonNode entry : list.values()) {
            if (entry.path("type").asString("").endsWith("IP")) {
                try {
                    addresses.add(IpAddresses.parseStored(entry.path("address").asString("")));
                } catch (IllegalArgumentException e) {
                    LOG.debug("a node's address is skipped: {}", e.getMessage());
                }
            }
        }
        return addresses;
    }
}
