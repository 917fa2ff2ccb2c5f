package io.sluice.netns;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.netlink.KernelRoutes;
import io.sluice.netlink.NetlinkSocket;
import io.sluice.netlink.RouteMessages;
import io.sluice.nftables.WayOut;
import io.sluice.service.Cidr;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;

/** The setup of a network namespace of our own, before which no address can be reached in it. */
public final class NamespaceNetwork {

    private NamespaceNetwork() {}

    /**
     * Sets the loopback interface up, the only interface of a new namespace (rtnetlink(7)).
     *
     * @throws IOException if the kernel refuses
     */
    public static void up() throws IOException {
        ByteBuffer order = RouteMessages.buffer(RouteMessages.LINK_UP_BYTES);
        RouteMessages.linkUp(order, 1, KernelRoutes.LOOPBACK);
        carryOut(order, "switching the loopback interface on");
    }

    /**
     * Leads TCP connections to addresses of the world outside (IPv4) to {@link NamespaceSessions#WAY_OUT}, where the daemon
     * makes them.
     *
     * @throws IOException if the kernel refuses; the message says why
     */
    public static void leadOut() throws IOException {
        ByteBuffer order = RouteMessages.buffer(RouteMessages.LOCAL_ROUTE_BYTES);
        RouteMessages.defaultRoute(order, 1, NamespaceSessions.WAY_OUT.getAddress(), KernelRoutes.LOOPBACK,
                KernelRoutes.PROTOCOL);
        carryOut(order, "adding a default route");
        WayOut.lead(NamespaceSessions.WAY_OUT.getPort());
    }

    private static void carryOut(ByteBuffer order, String what) throws IOException {
        try (NetlinkSocket socket = NetlinkSocket.open(0, KernelRoutes.TIMEOUT_MILLIS)) {
            socket.send(order.flip());
            int[] error = {0};
            RouteMessages.read(socket.receive(), answer -> error[0] = answer.error());
            if (error[0] != 0) {
                throw new ErrnoException(what, error[0]);
            }
        }
    }

    /**
     * Makes ranges local (AnyIP: {@code ip route add local RANGE dev lo}); those that are local already stay so.
     *
     * @throws IOException if the kernel refuses
     */
    public static void local(Collection<Cidr> ranges) throws IOException {
        for (Map.Entry<Cidr, Integer> failure : new KernelRoutes().add(ranges).entrySet()) {
            if (failure.getValue() != Errno.EEXIST.number()) {
                throw new ErrnoException("making " + failure.getKey() + " local", failure.getValue());
            }
        }
    }
}
