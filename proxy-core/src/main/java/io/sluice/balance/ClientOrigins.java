package io.sluice.balance;

import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;

/**
 * Where a client comes from by its address: this node, a pod, or outside (kube-proxy's local detector); and whether it may
 * use a load balancer address.
 *
 * @param nodeAddresses the addresses of this node's interfaces
 * @param clusterCidrs  the addresses of pods
 * @param links         the networks of this node's interfaces, without single addresses: two machines in one network may reach
 *                      each other without this node
 */
public record ClientOrigins(Set<InetAddress> nodeAddresses, List<Cidr> clusterCidrs, List<Cidr> links) {

    /** Knows loopback addresses only. */
    public static final ClientOrigins NONE = new ClientOrigins(Set.of(), List.of(), List.of());

    public ClientOrigins {
        nodeAddresses = Set.copyOf(nodeAddresses);
        clusterCidrs = List.copyOf(clusterCidrs);
        links = List.copyOf(links);
    }

    /**
     * The kind of traffic that a connection is.
     *
     * @param externalAddress whether it came to a node port, an external or a load balancer address
     * @param listener        that address
     */
    public Traffic traffic(boolean externalAddress, InetAddress client, InetAddress listener) {
        if (!externalAddress) {
            return Traffic.INTERNAL;
        }
        return inside(client, listener) ? Traffic.SHORT_CIRCUIT : Traffic.EXTERNAL;
    }

    /** A node that connects to an address of its own has that very address as its source. */
    private boolean inside(InetAddress client, InetAddress listener) {
        return client.equals(listener) || client.isLoopbackAddress() || nodeAddresses.contains(client)
                || contains(clusterCidrs, client);
    }

    /**
     * Whether {@code client} may use a load balancer address. As with kube-proxy, only ranges of the address's own family
     * count, no such range allows all clients, and a range that allows an address of this node also allows the load balancer
     * address itself, which is the node's source when it connects there.
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

    /** Whether {@code client} is known to be neither a pod nor this node. */
    public boolean outside(InetAddress client, InetAddress listener) {
        IpFamily family = IpFamily.of(client);
        return clusterCidrs.stream().anyMatch(range -> range.family() == family) && !inside(client, listener);
    }

    /**
     * Whether {@code endpoint} may see {@code client}'s own address: only if its replies pass this node, and not only the
     * link between the two, and go to another machine than the endpoint's own. A process of this node counts as this node.
     *
     * @param listener the address that the client connected to
     */
    public boolean canSee(InetAddress endpoint, InetAddress client, InetAddress listener) {
        return !client.isLoopbackAddress() && !client.isLinkLocalAddress() && !endpoint.isLoopbackAddress()
                && !client.equals(endpoint) && IpFamily.of(client) == IpFamily.of(endpoint)
                && !client.equals(listener) && !nodeAddresses.contains(client)
                && (nodeAddresses.contains(endpoint) || !onOneLink(client, endpoint));
    }

    /**
     * Whether {@code endpoint} sees {@code client}'s own address: if its Service port keeps it for such traffic, and
     * {@link #canSee}.
     */
    public boolean sees(InetAddress endpoint, InetAddress client, InetAddress listener, PreservedTraffic preserved,
            Traffic traffic) {
        return preserved.has(traffic, outside(client, listener)) && canSee(endpoint, client, listener);
    }

    /** Whether {@code address} is known to be one of this machine. */
    public boolean isHere(InetAddress address) {
        return address.isLoopbackAddress() || nodeAddresses.contains(address);
    }

    private boolean onOneLink(InetAddress a, InetAddress b) {
        for (Cidr link : links) {
            if (link.contains(a) && link.contains(b)) {
                return true;
            }
        }
        return false;
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
