package io.sluice.node;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.netlink.KernelRoutes;
import io.sluice.netlink.NetlinkSocket;
import io.sluice.netlink.RouteMessages;
import io.sluice.service.Cidr;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import io.sluice.service.SourcePortRange;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Routes the replies of endpoints back to this machine, instead of to the client, where the proxy connected from the
 * client's address.
 *
 * <p>Such connections leave from the client's address and a port of {@link SourcePortRange#ROUTED}, which
 * Linux does not choose by itself ({@code net.ipv4.ip_local_port_range}). A rule for each endpoint routes packets from
 * its address and port to one of these ports by a table in which every destination is local; other packets of the
 * endpoint are not affected. Rules and routes carry the origin 115. Uses rtnetlink(7); needs CAP_NET_ADMIN and Linux
 * 4.17. Lives on the control thread, and waits for the kernel.
 */
public final class ReturnRoutes {

    /** The number of the routing table, and the priority of the rules. */
    private static final int TABLE = 1150;

    private Set<EndpointAddress> provided = Set.of();

    /**
     * Routes the replies of exactly these endpoints to this machine; asks the kernel only if the endpoints have changed.
     *
     * @return why that is impossible, in one line for the user; null on success
     */
    public @Nullable String provide(Set<EndpointAddress> endpoints) {
        if (endpoints.equals(provided)) {
            return null;
        }
        try (NetlinkSocket socket = NetlinkSocket.open(0, KernelRoutes.TIMEOUT_MILLIS)) {
            for (IpFamily family : IpFamily.values()) {
                provide(socket, family, endpoints.stream().filter(e -> e.family() == family).toList());
            }
            provided = Set.copyOf(endpoints);
            return null;
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static void provide(NetlinkSocket socket, IpFamily family, List<EndpointAddress> endpoints)
            throws IOException {
        Set<EndpointAddress> there = rules(socket, family);
        if (!endpoints.isEmpty()) {
            route(socket, true, Cidr.parse(family == IpFamily.IPV4 ? "0.0.0.0/0" : "::/0"));
        }
        rules(socket, true, endpoints.stream().filter(e -> !there.contains(e)).toList());
        rules(socket, false, there.stream().filter(e -> !endpoints.contains(e)).toList());
        if (endpoints.isEmpty()) {
            Set<Cidr> left = new HashSet<>();
            KernelRoutes.dump(socket, family, TABLE, KernelRoutes.PROTOCOL, route -> left.add(route.destination()));
            for (Cidr destination : left) {
                route(socket, false, destination);
            }
        }
    }

    private static RouteMessages.Rule rule(EndpointAddress endpoint) {
        return new RouteMessages.Rule(endpoint, SourcePortRange.ROUTED.first(), SourcePortRange.ROUTED.last(),
                TABLE, TABLE, KernelRoutes.PROTOCOL);
    }

    private static Set<EndpointAddress> rules(NetlinkSocket socket, IpFamily family) throws IOException {
        Set<EndpointAddress> rules = new HashSet<>();
        ByteBuffer request = RouteMessages.buffer(RouteMessages.RULE_ORDER_BYTES);
        RouteMessages.dumpRules(request, 1, family);
        socket.list(request.flip(), subject -> {
            if (subject instanceof RouteMessages.Rule rule && rule.equals(rule(rule.source()))) {
                rules.add(rule.source());
            }
        });
        return rules;
    }

    private static void rules(NetlinkSocket socket, boolean add, Collection<EndpointAddress> endpoints)
            throws IOException {
        check(add ? "adding routing rules" : "removing routing rules",
                socket.orders(endpoints, RouteMessages.RULE_ORDER_BYTES,
                        (out, sequence, endpoint) -> RouteMessages.rule(out,
                                add, sequence, rule(endpoint)))
                        .values());
    }

    private static void route(NetlinkSocket socket, boolean add, Cidr destination) throws IOException {
        check(add ? "adding a route" : "removing a route",
                socket.orders(List.of(destination), RouteMessages.LOCAL_ROUTE_BYTES,
                        (out, sequence, one) -> RouteMessages
                                .localRoute(out, add, sequence, one, TABLE, KernelRoutes.LOOPBACK,
                                        KernelRoutes.PROTOCOL))
                        .values());
    }

    /** Throws unless each request succeeded, or the rule or route was there, or gone, already. */
    private static void check(String what, Collection<Integer> errors) throws IOException {
        for (int errno : errors) {
            switch (Errno.of(errno)) {
                case EEXIST, ESRCH, ENOENT -> {
                    // As wanted.
                }
                case EPERM -> throw new ErrnoException(what + " needs CAP_NET_ADMIN", errno);
                case null, default -> throw new ErrnoException(what, errno);
            }
        }
    }

    /** Removes the rules, unless another process goes on using them. Control thread. */
    public void close(boolean keep) {
        if (!keep && !provided.isEmpty()) {
            provide(Set.of());
        }
    }

    /**
     * Removes the rules and routes that a daemon has left.
     *
     * @return how many rules it removed
     * @throws IOException if the kernel refuses; the message says why
     */
    public static int cleanup() throws IOException {
        int removed = 0;
        try (NetlinkSocket socket = NetlinkSocket.open(0, KernelRoutes.TIMEOUT_MILLIS)) {
            for (IpFamily family : IpFamily.values()) {
                removed += rules(socket, family).size();
                provide(socket, family, List.of());
            }
        }
        return removed;
    }
}
