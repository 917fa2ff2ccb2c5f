package io.sluice.source.kubernetes;

import java.net.InetAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The fields that are kept of a Node.
 *
 * @param zone   its label {@code topology.kubernetes.io/zone}, null if it has none
 * @param leaving whether it is being deleted, or the cluster autoscaler is about to delete it
 * @param addresses those of its status that are IP addresses
 */
record NodeFacts(@Nullable String zone, boolean leaving, List<InetAddress> addresses) {

    NodeFacts {
        addresses = List.copyOf(addresses);
    }
}
