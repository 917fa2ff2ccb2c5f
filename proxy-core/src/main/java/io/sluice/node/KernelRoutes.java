package io.sluice.node;

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

    /** So many orders go to the kernel at once: their acknowledgements fit into a socket's buffer. */
    private static final int BATCH = 128;
    private static final int TIMEOUT_MILLIS = 5_000;

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
        errors.values().removeIf(errno -> errno == ErrnoException.ESRCH);
        return errors;
    }

    private static Map<Cidr, Integer> order(boolean add, Collection<Cidr> destinations) throws IOException {
        Map<Cidr, Integer> errors = new HashMap<>();
        if (destinations.isEmpty()) {
            return errors;
        }
        List<Cidr> all = List.copyOf(destinations);
        try (NetlinkSocket socket = NetlinkSocket.open(0, TIMEOUT_MILLIS)) {
            ByteBuffer orders = RouteMessages.buffer(BATCH * RouteMessages.LOCAL_ROUTE_BYTES);
            for (int from = 0; from < all.size(); from += BATCH) {
                int to = Math.min(all.size(), from + BATCH);
                orders.clear();
                for (int i = from; i < to; i++) {
                    RouteMessages.localRoute(orders, add, i + 1, all.get(i), LOOPBACK, PROTOCOL);
                }
                socket.send(orders.flip());
                int[] open = {to - from};
                while (open[0] > 0) {
                    RouteMessages.read(socket.receive(), message -> {
                        if (message.type() == RouteMessages.NLMSG_ERROR) {
                            open[0]--;
                            if (message.error() != 0) {
                                errors.put(all.get(message.sequence() - 1), message.error());
                            }
                        }
                    });
                }
            }
        }
        return errors;
    }

    private static void dump(NetlinkSocket socket, IpFamily family, int table, int protocol,
            Consumer<RouteMessages.Route> each) throws IOException {
        ByteBuffer request = RouteMessages.buffer(RouteMessages.LOCAL_ROUTE_BYTES);
        RouteMessages.dump(request, 1, family, table, protocol);
        socket.send(request.flip());
        int[] error = {-1};
        while (error[0] < 0) {
            RouteMessages.read(socket.receive(), message -> {
                RouteMessages.Route route = message.route();
                if (route == null) {
                    error[0] = message.error();
                } else if (route.table() == table && (protocol == 0 || route.protocol() == protocol)) {
                    each.accept(route);
                }
            });
        }
        // A kernel without IPv6 knows no such table; a table without a route may not exist.
        if (error[0] == ErrnoException.EPERM) {
            throw new ErrnoException("listing routes", error[0]);
        }
    }
}
