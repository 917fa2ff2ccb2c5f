package io.sluice.netlink;

import io.sluice.linux.Errno;
import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** The routes of this process's network namespace, over rtnetlink(7). */
public final class KernelRoutes {

    /**
     * What our routes carry as their origin, so that they are told from everybody else's: {@code ip route show table
     * local proto 115}. No routing program that is known has this number (/etc/iproute2/rt_protos).
     */
    public static final int PROTOCOL = 115;

    /** The index of {@code lo}: the same in every network namespace. */
    public static final int LOOPBACK = 1;

    /** How long the kernel may take for an answer. */
    public static final int TIMEOUT_MILLIS = 5_000;

    /**
     * The local routes that a proxy like this one has added, and nobody else.
     *
     * @throws IOException if the kernel cannot be asked
     */
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

    /**
     * Passes each route of the main table on.
     *
     * @throws IOException if the kernel cannot be asked
     */
    public void forEachOfMain(Consumer<RouteMessages.Route> each) throws IOException {
        try (NetlinkSocket socket = NetlinkSocket.open(0, TIMEOUT_MILLIS)) {
            for (IpFamily family : IpFamily.values()) {
                dump(socket, family, RouteMessages.TABLE_MAIN, 0, each);
            }
        }
    }

    /**
     * Adds local routes.
     *
     * @return the kernel's error number for each that could not be added
     * @throws IOException if the kernel cannot be asked
     */
    public Map<Cidr, Integer> add(Collection<Cidr> destinations) throws IOException {
        return order(true, destinations);
    }

    /**
     * Removes local routes of ours; one that is not there is as good as removed.
     *
     * @return the kernel's error number for each that could not be removed
     * @throws IOException if the kernel cannot be asked
     */
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

    /**
     * Passes each route of a table on; {@code protocol} 0 for those of all.
     *
     * @throws IOException if the kernel cannot be asked
     */
    public static void dump(NetlinkSocket socket, IpFamily family, int table, int protocol,
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
