package io.sluice.linux;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/**
 * The address and port of a socket as numbers. {@link TcpCalls#localName} fills the same object repeatedly, so that a
 * lookup in a hash table allocates nothing; an object that is a key of a table must not be filled any more. Not
 * thread-safe.
 */
public final class SocketName {

    /** IPv4-mapped, RFC 4291 2.5.5.2. */
    private static final long MAPPED = 0xFFFF_0000_0000L;

    private long high;
    private long low;
    private int port;

    /** A name that is still to be filled. */
    public SocketName() {}

    /** The name of {@code address}, which is resolved. */
    public static SocketName of(InetSocketAddress address) {
        SocketName name = new SocketName();
        ByteBuffer octets = ByteBuffer.wrap(address.getAddress().getAddress());
        if (address.getAddress() instanceof Inet4Address) {
            name.set(octets.getInt(), address.getPort());
        } else {
            name.set(octets.getLong(), octets.getLong(), address.getPort());
        }
        return name;
    }

    /** Sets an IPv4 address, in network byte order. */
    void set(int ipv4, int number) {
        set(0, MAPPED | Integer.toUnsignedLong(ipv4), number);
    }

    /** The address and port. */
    public InetSocketAddress toSocketAddress() {
        ByteBuffer octets = high == 0 && low >>> 32 == MAPPED >>> 32
                ? ByteBuffer.allocate(Integer.BYTES).putInt((int) low)
                : ByteBuffer.allocate(2 * Long.BYTES).putLong(high).putLong(low);
        try {
            return new InetSocketAddress(InetAddress.getByAddress(octets.array()), port);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("4 or 16 octets are an address", e);
        }
    }

    /** Whether it is the name of this address and port. */
    boolean is(InetAddress address, int number) {
        return equals(of(new InetSocketAddress(address, number)));
    }

    /** Sets the two halves of an IPv6 address, in network byte order. */
    public void set(long first, long second, int number) {
        high = first;
        low = second;
        port = number;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SocketName name && high == name.high && low == name.low && port == name.port;
    }

    /** Spreads consecutive addresses and ports. */
    @Override
    public int hashCode() {
        return (int) ((low * 31 + high * 17 + port) * 0x9E37_79B9_7F4A_7C15L >>> 32);
    }
}
