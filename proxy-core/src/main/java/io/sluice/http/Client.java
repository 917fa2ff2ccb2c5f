package io.sluice.http;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/**
 * The client that a connection counts against.
 *
 * @param ownNode whether it comes from this node
 * @param ipv6    the address family
 * @param address the IPv4 address, or the /64 of the IPv6 address, because one host has any number of addresses in it
 */
record Client(boolean ownNode, boolean ipv6, long address) {

    /**
     * The client of one connection.
     *
     * @param peer  its source address
     * @param local the address that it connected to: kubelet probes a pod in the host's network at the node's address, and
     *              the kernel gives such a connection the same address as its source
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
