package io.sluice.node;

import io.sluice.linux.Errno;
import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** The routes of this process's network namespace, over rtnetlink(7). */
final class KernelRoutes implements RoutingTable {

    /**
     * What our routes carry as their origin, so that they are told from everybody else's: {@code ip route show table
     * local proto 115}. No routing program that is known has this number (/etc/iproute2/rt_protos).
     */
    static final int PROTOCOL = 115;

    /** The index of {@code lo}: the same in every network namespace. */
    static final int LOOPBACK = 1;

    static final int TIMEOUT_MILLIS = 5_000;

    @Override
    public Set<Cidr> ours() throws IOException {
        Set<Cidr> ours = new HashSet<>();
        try (NetlinkSocket socket = NetlinkSocket.open(0, TIMEOUT_MILLIS)) {
            for (IpFamily family : IpFamily.values()) {
                dump(socket, family, RouteMessages.TABLE_LOCAL, PROTOCOL, route -> {
                    if (route.type() == RouteMessages.TYPE_LOCAL) {
                        ours.add(route.destination());
                    }
                });
            }
        }
        return ours;
    }

    @Override
    public NodeNetworks networks() throws IOException {
        Set<InetAddress> own = new HashSet<>();
        List<Cidr> networks = new ArrayList<>();
        for (NetworkInterface networkInterface : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            for (InterfaceAddress address : networkInterface.getInterfaceAddresses()) {
                own.add(address.getAddress());
                Cidr network = new Cidr(address.getAddress(), address.getNetworkPrefixLength());
                if (!NodeNetworks.isSingle(network) && !address.getAddress().isLoopbackAddress()) {
                    networks.add(network);
                }
            }
        }
        List<Cidr> routes = new ArrayList<>();
        Set<InetAddress> gateways = new HashSet<>();
        try (NetlinkSocket socket = NetlinkSocket.open(0, TIMEOUT_MILLIS)) {
            for (IpFamily family : IpFamily.values()) {
                dump(socket, family, RouteMessages.TABLE_MAIN, 0, route -> {
                    gateways.addAll(route.gateways());
                    if (route.type() == RouteMessages.TYPE_UNICAST && route.destination().prefixLength() > 0) {
                        routes.add(route.destination());
                    }
                });
            }
        }
        return new NodeNetworks(own, networks, routes, gateways);
    }

    @Override
    public Map<Cidr, Integer> add(Collection<Cidr> destinations) throws IOException {
        return order(true, destinations);
    }

    @Override
    public Map<Cidr, Integer> remove(Collection<Cidr> destinations) throws IOException {
        Map<Cidr, Integer> errors = order(false, destinations);
        errors.values().removeIf(errno -> errno == Errno.ESRCH.number());
        return errors;
    }

    private static Map<Cidr, Integer> order(boolean add, Collection<Cidr> destinations) throws IOException {
        if (destinations.isEmpty()) {
            return new HashMap<>();
        }
        try (NetlinkSocket socket = NetlinkSocket.open(0, TIMEOUT_MILLIS)) {
            return socket.orders(destinations, RouteMessages.LOCAL_ROUTE_BYTES,
                    (out, sequence, destination) -> RouteMessages
                            .localRoute(out, add, sequence, destination, RouteMessages.TABLE_LOCAL, LOOPBACK,
                                    PROTOCOL));
        }
    }

    /** The routes of a table; {@code protocol} 0 for those of all. */
    static void dump(NetlinkSocket socket, IpFamily family, int table, int protocol,
            Consumer<RouteMessages.Route> each) throws IOException {
        ByteBuffer request = RouteMessages.buffer(RouteMessages.LOCAL_ROUTE_BYTES);
        RouteMessages.dump(request, 1, family, table, protocol);
        socket.list(request.flip(), subject -> {
            // A kernel older than 4.20 does not choose.
            if (subject instanceof RouteMessages.Route route && route.table() == table
                    && (protocol == 0 || route.protocol() == protocol)) {
                each.accept(route);
            }
        });
    }
}
