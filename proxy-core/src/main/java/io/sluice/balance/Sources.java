package io.sluice.balance;

import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * What a client's address says of it: whether it is of this node or of a pod here, and whether it may use a load balancer
 * address.
 *
 * @param nodeAddresses the addresses of this node's interfaces
 * @param clusterCidrs  the addresses of pods
 */
public record Sources(Set<InetAddress> nodeAddresses, List<Cidr> clusterCidrs) {

    /** Knows loopback addresses only. */
    public static final Sources NONE = new Sources(Set.of(), List.of());

    public Sources {
        nodeAddresses = Set.copyOf(nodeAddresses);
        clusterCidrs = List.copyOf(clusterCidrs);
    }

    /**
     * What a connection counts as.
     *
     * @param externalAddress whether it came to a node port, an external or a load balancer address
     * @param listener        that address
     */
    public Traffic traffic(boolean externalAddress, InetAddress client, InetAddress listener) {
        if (!externalAddress) {
            return Traffic.INTERNAL;
        }
        return inside(client, listener) ? Traffic.LOOPED : Traffic.EXTERNAL;
    }

    /** A node that connects to an address of its own has that very address as its source. */
    private boolean inside(InetAddress client, InetAddress listener) {
        return client.equals(listener) || client.isLoopbackAddress() || nodeAddresses.contains(client)
                || contains(clusterCidrs, client);
    }

    /**
     * Whether {@code client} may use a load balancer address. As with kube-proxy only the ranges of the address's own
     * family count, none of them means everybody, and where a range allows an address of this node, so it does the
     * load balancer address itself, which is the node's source when it connects there.
     *
     * @param ranges {@code loadBalancerSourceRanges}
     */
    public boolean allows(List<Cidr> ranges, InetAddress client, InetAddress listener) {
        if (ranges.isEmpty()) {
            return true;
        }
        IpFamily family = IpFamily.of(listener);
        boolean any = false;
        for (Cidr range : ranges) {
            if (range.family() == family) {
                any = true;
                if (range.contains(client)) {
                    return true;
                }
            }
        }
        return !any || client.equals(listener) && nodeAddresses.stream().anyMatch(own -> contains(ranges, own));
    }

    private static boolean contains(List<Cidr> ranges, InetAddress address) {
        for (Cidr range : ranges) {
            if (range.contains(address)) {
                return true;
            }
        }
        return false;
    }
}
