package io.sluice.nftables;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.netlink.KernelRoutes;
import io.sluice.netlink.NetlinkSocket;
import io.sluice.netlink.RouteMessages;
import io.sluice.netlink.RouteMessages.MarkAction;
import io.sluice.netlink.RouteMessages.MarkRule;
import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Rules and routes by which the kernel delivers packets with {@link PacketMarks#route} locally, whatever their destination.
 *
 * <pre>
 * 60: from all fwmark 0x3000/0x3000 iif lo goto 62
 * 61: from all fwmark 0x2000/0x2000 lookup 1151        (local default dev lo)
 * 62: from all nop
 * </pre>
 *
 * <p>The first rule excludes lookups that the kernel makes for itself, all with {@code lo} as input interface: the reverse
 * path of a packet's source ({@code rp_filter} together with {@code src_valid_mark}, which WireGuard sets; the kernel would
 * drop the packet as a martian), and the route of a reply that has inherited the mark. Packets of processes of this node
 * carry only the one bit, and the second rule routes them. The rules come before those of CNI plugins (99 and higher),
 * which lead to pods.
 */
final class MarkRouting {

    /** The routing table's number, near that of {@code ReturnRoutes}. */
    private static final int TABLE = 1151;
    private static final int FIRST_PRIORITY = 60;

    private final PacketMarks marks;

    MarkRouting(PacketMarks marks) {
        this.marks = marks;
    }

    private List<MarkRule> rules(IpFamily family) {
        int both = marks.own() | marks.route();
        return List.of(
                new MarkRule(family, false, 0, MarkAction.NOP, 0, FIRST_PRIORITY + 2, KernelRoutes.PROTOCOL),
                new MarkRule(family, true, both, MarkAction.GOTO, FIRST_PRIORITY + 2, FIRST_PRIORITY,
                        KernelRoutes.PROTOCOL),
                new MarkRule(family, false, marks.route(), MarkAction.LOOKUP, TABLE, FIRST_PRIORITY + 1,
                        KernelRoutes.PROTOCOL));
    }

    private static Cidr everything(IpFamily family) {
        return Cidr.parse(family == IpFamily.IPV4 ? "0.0.0.0/0" : "::/0");
    }

    /**
     * Adds the missing rules and routes of these families.
     *
     * @return how many it added
     */
    int provide(Collection<IpFamily> families) throws IOException {
        int added = 0;
        try (NetlinkSocket socket = NetlinkSocket.open(0, KernelRoutes.TIMEOUT_MILLIS)) {
            for (IpFamily family : families) {
                Found found = find(socket, family);
                if (!found.routes.contains(everything(family))) {
                    route(socket, true, everything(family));
                    added++;
                }
                List<MarkRule> missing = new ArrayList<>(rules(family));
                missing.removeAll(found.rules);
                rules(socket, true, missing);
                added += missing.size();
            }
        }
        return added;
    }

    /**
     * Removes the rules and routes of both families; rules first.
     *
     * @return how many it removed
     */
    int remove() throws IOException {
        int removed = 0;
        try (NetlinkSocket socket = NetlinkSocket.open(0, KernelRoutes.TIMEOUT_MILLIS)) {
            for (IpFamily family : IpFamily.values()) {
                Found found = find(socket, family);
                rules(socket, false, found.rules);
                for (Cidr destination : found.routes) {
                    route(socket, false, destination);
                }
                removed += found.rules.size() + found.routes.size();
            }
        }
        return removed;
    }

    /** Whether any of these rules and routes is there; needs no privilege. */
    boolean isThere() throws IOException {
        try (NetlinkSocket socket = NetlinkSocket.open(0, KernelRoutes.TIMEOUT_MILLIS)) {
            for (IpFamily family : IpFamily.values()) {
                Found found = find(socket, family);
                if (!found.rules.isEmpty() || !found.routes.isEmpty()) {
                    return true;
                }
            }
        }
        return false;
    }

    /** The rules and routes of ours that are there. */
    private record Found(Set<MarkRule> rules, Set<Cidr> routes) {}

    private Found find(NetlinkSocket socket, IpFamily family) throws IOException {
        Found found = new Found(new HashSet<>(), new HashSet<>());
        List<MarkRule> ours = rules(family);
        ByteBuffer request = RouteMessages.buffer(RouteMessages.RULE_ORDER_BYTES);
        RouteMessages.dumpRules(request, 1, family);
        socket.list(request.flip(), subject -> {
            if (subject instanceof MarkRule rule && ours.contains(rule)) {
                found.rules.add(rule);
            }
        });
        KernelRoutes.dump(socket, family, TABLE, KernelRoutes.PROTOCOL, route -> {
            if (route.link() == KernelRoutes.LOOPBACK) {
                found.routes.add(route.destination());
            }
        });
        return found;
    }

    private static void rules(NetlinkSocket socket, boolean add, Collection<MarkRule> rules) throws IOException {
        for (int errno : socket.orders(rules, RouteMessages.RULE_ORDER_BYTES,
                (out, sequence, rule) -> RouteMessages.rule(out, add, sequence, rule)).values()) {
            check(add ? "adding a routing rule with fwmark" : "removing a routing rule with fwmark", errno);
        }
    }

    private static void route(NetlinkSocket socket, boolean add, Cidr destination) throws IOException {
        for (int errno : socket.orders(List.of(destination), RouteMessages.LOCAL_ROUTE_BYTES,
                (out, sequence, one) -> RouteMessages.localRoute(out, add, sequence, one, TABLE, KernelRoutes.LOOPBACK,
                        KernelRoutes.PROTOCOL))
                .values()) {
            check(add ? "adding a route to lo" : "removing a route to lo", errno);
        }
    }

    /** Throws unless the request succeeded, or the rule or route was there, or gone, already. */
    private static void check(String what, int errno) throws ErrnoException {
        switch (Errno.of(errno)) {
            case EEXIST, ESRCH, ENOENT -> {
                // The rule or route is as wanted.
            }
            case EPERM -> throw new ErrnoException(what + " needs CAP_NET_ADMIN", errno);
            case ENETDOWN ->
                    throw new ErrnoException(what + " needs the loopback interface (ip link set lo up)", errno);
            case EAFNOSUPPORT, EOPNOTSUPP -> throw new ErrnoException(
                    what + " needs policy routing in the kernel (CONFIG_IP_MULTIPLE_TABLES)", errno);
            case null, default -> throw new ErrnoException(what, errno);
        }
    }
}
