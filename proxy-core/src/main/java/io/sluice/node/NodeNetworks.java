package io.sluice.node;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the node itself needs of the address space, and so what a Service must not take from it. Pure.
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

    /** Whether {@code address} is one of this machine without anybody's help. */
    boolean isLocal(InetAddress address) {
        return address.isLoopbackAddress() || own.contains(address);
    }

    /** Why {@code address}, which is not local, must not become so; empty if it may. */
    Optional<String> objection(InetAddress address, Set<InetAddress> endpoints) {
        if (address.isAnyLocalAddress() || address.isMulticastAddress() || address.isLinkLocalAddress()
                || IpAddresses.format(address).equals("255.255.255.255")) {
            return Optional.of("is an address that no Service can have");
        }
        if (gateways.contains(address)) {
            return Optional.of("is a gateway of this node");
        }
        if (endpoints.contains(address)) {
            return Optional.of("is the address of an endpoint, which could not be reached any more");
        }
        return routes.stream().filter(r -> isSingle(r) && r.network().equals(address)).findFirst()
                .map(r -> "has a route of its own on this node (ip route show " + r
                        + "), a pod or a neighbour perhaps");
    }

    /** Why {@code range} must not become local as a whole; empty if it may. */
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
        return addresses.stream().filter(range::contains).findFirst()
                .map(address -> "contains " + IpAddresses.format(address) + ", " + what);
    }

    static boolean isSingle(Cidr range) {
        return range.prefixLength() == range.network().getAddress().length * 8;
    }

    private static boolean overlap(Cidr a, Cidr b) {
        return a.contains(b.network()) || b.contains(a.network());
    }
}
