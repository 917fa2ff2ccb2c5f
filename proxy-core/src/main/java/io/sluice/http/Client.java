package io.sluice.http;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/**
 * Whom a connection counts for.
 *
 * @param ownNode whether it comes from this node
 * @param ipv6    the address family
 * @param address of IPv4; of IPv6 the /64, because one host has as many addresses there as it likes
 */
record Client(boolean ownNode, boolean ipv6, long address) {

    /**
     * The client of one connection.
     *
     * @param peer  where it comes from
     * @param local the address that was connected to: kubelet asks a pod of the host's network at the node's address, and
     *              the kernel gives such a connection that same address as its source
     */
    static Client of(InetAddress peer, InetAddress local) {
        InetAddress client = unmapped(peer);
        boolean own = client.isLoopbackAddress() || client.equals(unmapped(local));
        ByteBuffer octets = ByteBuffer.wrap(client.getAddress());
        return client instanceof Inet6Address
                ? new Client(own, true, octets.getLong())
                : new Client(own, false, octets.getInt());
    }

    /** An IPv4-mapped address is the IPv4 address that it stands for. */
    private static InetAddress unmapped(InetAddress address) {
        try {
            return InetAddress.getByAddress(address.getAddress());
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address has 4 or 16 octets", e);
        }
    }
}
