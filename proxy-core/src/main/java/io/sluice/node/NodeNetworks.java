package io.sluice.node;

import io.sluice.node.AddressDemand.Use;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import java.math.BigInteger;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The addresses and networks that the node itself needs, and which a Service must therefore not take. Pure.
 *
 * @param own      the node's addresses
 * @param networks of its interfaces, loopback and single addresses left out
 * @param routes   destinations of the unicast routes of the main table, default routes left out
 * @param gateways next hops of all of them
 */
record NodeNetworks(Set<InetAddress> own, List<Cidr> networks, List<Cidr> routes, Set<InetAddress> gateways) {

    NodeNetworks {
        own = Set.copyOf(own);
        networks = List.copyOf(networks);
        routes = List.copyOf(routes);
        gateways = Set.copyOf(gateways);
    }

    /** Whether {@code address} is local on this machine without a route of ours. */
    boolean isLocal(InetAddress address) {
        return address.isLoopbackAddress() || own.contains(address);
    }

    /**
     * Why {@code address}, which is not local, must not become local; empty if it may. The kernel's addresses and routes
     * come before any Service. Then the more trustworthy writer comes first: an endpoint never rules out a cluster address,
     * always rules out an external address, and rules out a load balancer's address where this node has another route to it
     * than its default route, so that there may be such a machine.
     *
     * @param endpoint whether a Service has it among its endpoints
     */
    Optional<String> objection(InetAddress address, Use use, boolean endpoint) {
        if (address.isAnyLocalAddress() || address.isMulticastAddress() || address.isLinkLocalAddress()
                || IpAddresses.format(address).equals("255.255.255.255")) {
            return Optional.of("is an address that no Service can have");
        }
        if (gateways.contains(address)) {
            return Optional.of("is a gateway of this node");
        }
        for (Cidr network : networks) {
            if (isEdge(address, network)) {
                return Optional.of("stands for all of " + network + ", a network of this node");
            }
        }
        for (Cidr route : routes) {
            if (isSingle(route) && route.network().equals(address)) {
                return Optional.of("has a route of its own on this node (ip route show " + route
                        + "), a pod or a neighbour perhaps");
            }
        }
        boolean gives = switch (use) {
            case CLUSTER -> false;
            case LOAD_BALANCER -> endpoint && hasWay(address);
            case EXTERNAL -> endpoint;
        };
        return gives
                ? Optional.of("is the address of an endpoint, which could not be reached any more")
                : Optional.empty();
    }

    /** The network address, or the broadcast address, which only IPv4 has (RFC 919, RFC 3021, RFC 4291 2.6.1). */
    private static boolean isEdge(InetAddress address, Cidr network) {
        int bits = network.network().getAddress().length * 8;
        if (network.prefixLength() >= bits - 1 || !network.contains(address)) {
            return false;
        }
        return address.equals(network.network()) || network.family() == IpFamily.IPV4
                && address.equals(network.address(network.size().subtract(BigInteger.ONE)));
    }

    private boolean hasWay(InetAddress address) {
        return networks.stream().anyMatch(network -> network.contains(address))
                || routes.stream().anyMatch(route -> route.contains(address));
    }

    /**
     * Why {@code range} must not become local as a whole; empty if it may.
     *
     * @param endpoints those that must stay reachable even if they are inside
     */
    Optional<String> objection(Cidr range, Set<InetAddress> endpoints) {
        if (range.prefixLength() == 0) {
            return Optional.of("is everything");
        }
        for (Cidr network : networks) {
            if (overlap(range, network)) {
                return Optional.of("overlaps with " + network + ", a network of this node");
            }
        }
        for (Cidr route : routes) {
            if (route.prefixLength() >= range.prefixLength() && range.contains(route.network())) {
                return Optional.of("would hide the route to " + route);
            }
        }
        return inside(range, gateways, "a gateway of this node")
                .or(() -> inside(range, endpoints, "an endpoint of a Service"));
    }

    private static Optional<String> inside(Cidr range, Set<InetAddress> addresses, String what) {
        return addresses.stream().filter(range::contains).min(IpAddresses.ORDER)
                .map(address -> "contains " + IpAddresses.format(address) + ", " + what);
    }

    static boolean isSingle(Cidr range) {
        return range.prefixLength() == range.network().getAddress().length * 8;
    }

    private static boolean overlap(Cidr a, Cidr b) {
        return a.contains(b.network()) || b.contains(a.network());
    }
}
