package io.sluice.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * The system calls of a proxied connection, none of which blocks. Netty's own {@code LinuxSocket} asks the kernel for
 * the family of every socket that it is made for, and goes through JNI's change of thread state for each call; both cost
 * measurable time with short connections.
 *
 * <p>What asks the kernel on a connection's behalf, by netlink or raw sockets, shares {@link #send}, {@link #receive} and
 * {@link #sendMessage}.
 *
 * <p>Lives on one event loop: each call reuses the memory for addresses and errors.
 */
public final class TcpCalls {

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfShort FAMILY = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfInt NETWORK_INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong NETWORK_LONG = ValueLayout.JAVA_LONG.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfShort PORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);

    private static final MethodHandle SOCKET = Libc.quickFunction("socket");
    private static final MethodHandle BIND = Libc.quickFunction("bind");
    private static final MethodHandle CONNECT = Libc.quickFunction("connect");
    private static final MethodHandle RECV = Libc.quickFunction("recv");
    private static final MethodHandle SEND = Libc.quickFunction("send");
    private static final MethodHandle SENDMSG = Libc.quickFunction("sendmsg");
    private static final MethodHandle SHUTDOWN = Libc.quickFunction("shutdown");
    private static final MethodHandle GETSOCKNAME = Libc.quickFunction("getsockname");
    private static final MethodHandle SETSOCKOPT = Libc.quickFunction("setsockopt");
    private static final MethodHandle GETSOCKOPT = Libc.quickFunction("getsockopt");

    private static final int EINTR = Errno.EINTR.number();
    private static final int EAGAIN = Errno.EAGAIN.number();
    private static final int EINPROGRESS = Errno.EINPROGRESS.number();
    private static final int EALREADY = Errno.EALREADY.number();
    private static final int ENOTCONN = Errno.ENOTCONN.number();

    /** sockaddr_in6(7), the longest that is needed. */
    private static final int ADDRESS_BYTES = 28;
    private static final int IPV4_ADDRESS_BYTES = 16;
    /** The offset of an option's length, behind the longest value. */
    private static final int LENGTH = TcpTerms.BYTES;

    private final SocketName own = new SocketName();
    private final MemorySegment state = Arena.ofAuto().allocate(Libc.STATE);
    private final MemorySegment scratch = Arena.ofAuto().allocate(LENGTH + Integer.BYTES, Long.BYTES);

    /** A new socket, non-blocking. */
    public int open(boolean ipv6) throws IOException {
        int fd;
        try {
            fd = (int) (long) SOCKET.invokeExact(state, (long) (ipv6 ? SocketOptions.AF_INET6 : SocketOptions.AF_INET),
                    (long) (SocketOptions.SOCK_STREAM | SocketOptions.SOCK_NONBLOCK | SocketOptions.SOCK_CLOEXEC), 0L,
                    0L, 0L);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        return fd >= 0 ? fd : failed("socket");
    }

    /** Binds the socket to an address of its own family. */
    public void bind(int fd, InetAddress address, int port) throws IOException {
        int length = putAddress(address, port);
        int result;
        try {
            result = (int) (long) BIND.invokeExact(state, (long) fd, scratch.address(), (long) length, 0L, 0L);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        if (result < 0) {
            failed("bind");
        }
    }

    /**
     * Begins to connect; returns whether it is connected already.
     *
     * @throws ConnectErrnoException with the reason
     */
    public boolean connect(int fd, InetAddress address, int port) throws IOException {
        int length = putAddress(address, port);
        int result;
        try {
            result = (int) (long) CONNECT.invokeExact(state, (long) fd, scratch.address(), (long) length, 0L, 0L);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        // EINTR as EINPROGRESS: the connection is made all the same, connect(2).
        if (result != 0 && errno() != EINTR && errno() != EINPROGRESS && errno() != EALREADY) {
            throw new ConnectErrnoException(errno());
        }
        return result == 0;
    }

    /** Why a socket that was connecting is not connected; returns if it is. */
    public void connected(int fd) throws IOException {
        scratch.set(INT, 0, 0);
        getOption(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_ERROR, Integer.BYTES);
        int error = scratch.get(INT, 0);
        if (error != 0) {
            throw new ConnectErrnoException(error);
        }
    }

    /** Whether the peer has reset the connection, so that nothing can be sent any more: TCP_CLOSE of tcp(7). */
    public boolean gone(int fd) throws IOException {
        getOption(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_INFO, 1);
        return scratch.get(ValueLayout.JAVA_BYTE, 0) == SocketOptions.TCP_CLOSE;
    }

    /** How the peer answers. */
    public TcpInfo info(int fd) throws IOException {
        getOption(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_INFO, TcpInfo.BYTES);
        return TcpInfo.of(scratch);
    }

    /** What the socket and its peer have agreed on. */
    public TcpTerms terms(int fd) throws IOException {
        scratch.set(INT, TcpTerms.BYTES - Integer.BYTES, 0); // an older kernel fills less
        getOption(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_INFO, TcpTerms.BYTES);
        return TcpTerms.of(scratch);
    }

    /**
     * Freezes the socket (TCP_REPAIR): it sends no data, and closing it sends nothing. Needs CAP_NET_ADMIN.
     *
     * @return the number of the next byte that it would send
     */
    public int freeze(int fd) throws IOException {
        option(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_REPAIR, 1);
        option(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_REPAIR_QUEUE, SocketOptions.TCP_SEND_QUEUE);
        int written = sequence(fd);
        option(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_REPAIR_QUEUE, SocketOptions.TCP_RECV_QUEUE);
        return written;
    }

    /** Of a frozen socket: the number of the next byte that it has not received. */
    public int received(int fd) throws IOException {
        return sequence(fd);
    }

    private int sequence(int fd) throws IOException {
        getOption(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_QUEUE_SEQ, Integer.BYTES);
        return scratch.get(INT, 0);
    }

    /** Whether a frozen socket has bytes, or an end, that nobody has read. */
    public boolean hasUnread(int fd) throws IOException {
        return receive(fd, scratch.address(), 1, SocketOptions.MSG_DONTWAIT | SocketOptions.MSG_PEEK) != 0;
    }

    /** Lets a frozen socket go on, and sends nothing. */
    public void thaw(int fd) throws IOException {
        option(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_REPAIR, SocketOptions.TCP_REPAIR_OFF_NO_WP);
    }

    /** Why the socket has failed, which the kernel reports once; null if it has not failed, or has reported it before. */
    public @Nullable Errno error(int fd) throws IOException {
        scratch.set(INT, 0, 0);
        getOption(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_ERROR, Integer.BYTES);
        return Errno.of(scratch.get(INT, 0));
    }

    /** Fills {@code into} with the address that the socket is bound to. */
    public void localName(int fd, SocketName into) throws IOException {
        scratch.set(INT, ADDRESS_BYTES, ADDRESS_BYTES);
        int result;
        try {
            result = (int) (long) GETSOCKNAME.invokeExact(state, (long) fd, scratch.address(),
                    scratch.address() + ADDRESS_BYTES, 0L, 0L);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        if (result < 0) {
            failed("getsockname");
        }
        putName(into);
    }

    /**
     * Fills {@code into} with the address that the client of an accepted socket connected to, before destination NAT:
     * SO_ORIGINAL_DST (linux/netfilter_ipv4.h), which is the socket's own address if there was no NAT.
     */
    public void originalDestination(int fd, boolean ipv6, SocketName into) throws IOException {
        getOption(fd, ipv6 ? SocketOptions.IPPROTO_IPV6 : SocketOptions.IPPROTO_IP, SocketOptions.SO_ORIGINAL_DST,
                ADDRESS_BYTES);
        putName(into);
    }

    /** Fills {@code into} with the address at the beginning of {@link #scratch}. */
    private void putName(SocketName into) {
        int port = Short.toUnsignedInt(scratch.get(PORT, 2));
        if (scratch.get(FAMILY, 0) == SocketOptions.AF_INET) {
            into.set(scratch.get(NETWORK_INT, 4), port);
        } else {
            into.set(scratch.get(NETWORK_LONG, 8), scratch.get(NETWORK_LONG, 16), port);
        }
    }

    /**
     * Whether a socket that was connected to {@code address} and {@code port} is connected to itself: where no process
     * listens on a port of this machine, the kernel may have chosen that very port for the socket (simultaneous open, RFC
     * 9293 3.5).
     */
    public boolean connectedToItself(int fd, InetAddress address, int port) throws IOException {
        localName(fd, own);
        return own.is(address, port);
    }

    /** Puts an option's first {@code length} bytes at the beginning of {@link #scratch}. */
    private void getOption(int fd, int level, int name, int length) throws IOException {
        scratch.set(INT, LENGTH, length);
        int result;
        try {
            result = (int) (long) GETSOCKOPT.invokeExact(state, (long) fd, (long) level, (long) name,
                    scratch.address(), scratch.address() + LENGTH);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        if (result < 0) {
            failed("getsockopt");
        }
    }

    /** Reads up to {@code length} bytes, at least one: returns 0 if there are none now, -1 for the end. */
    public int receive(int fd, long address, int length) throws IOException {
        return receive(fd, address, length, SocketOptions.MSG_DONTWAIT);
    }

    /** As {@link #receive}, but the bytes stay in the socket. */
    public int peek(int fd, long address, int length) throws IOException {
        return receive(fd, address, length, SocketOptions.MSG_DONTWAIT | SocketOptions.MSG_PEEK);
    }

    /** Discards up to {@code length} bytes of the socket without copying them (MSG_TRUNC, tcp(7)). */
    public int discard(int fd, long address, int length) throws IOException {
        return receive(fd, address, length, SocketOptions.MSG_DONTWAIT | SocketOptions.MSG_TRUNC);
    }

    private int receive(int fd, long address, int length, int flags) throws IOException {
        while (true) {
            long n;
            try {
                n = (long) RECV.invokeExact(state, (long) fd, address, (long) length, (long) flags, 0L);
            } catch (Throwable e) {
                throw Libc.cannotBeCalled(e);
            }
            if (n > 0) {
                return (int) n;
            }
            if (n == 0) {
                return -1;
            }
            if (errno() == EAGAIN) {
                return 0;
            }
            if (errno() != EINTR) {
                return failed("recv");
            }
        }
    }

    /** Writes as many of {@code length} bytes as the socket takes now; 0 if it takes none. */
    public int send(int fd, long address, int length) throws IOException {
        while (true) {
            long n;
            try {
                n = (long) SEND.invokeExact(state, (long) fd, address, (long) length,
                        (long) (SocketOptions.MSG_DONTWAIT | SocketOptions.MSG_NOSIGNAL), 0L);
            } catch (Throwable e) {
                throw Libc.cannotBeCalled(e);
            }
            if (n >= 0) {
                return (int) n;
            }
            if (errno() == EAGAIN) {
                return 0;
            }
            if (errno() != EINTR) {
                return failed("send");
            }
        }
    }

    /** Sends a datagram, or nothing if there is no room for it: sendmsg(2) with the struct msghdr at {@code header}. */
    public void sendMessage(int fd, long header) throws IOException {
        long n;
        try {
            n = (long) SENDMSG.invokeExact(state, (long) fd, header, (long) SocketOptions.MSG_DONTWAIT, 0L, 0L);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        if (n < 0 && errno() != EAGAIN) {
            failed("sendmsg");
        }
    }

    /** Shuts down sending; does nothing on a socket that was reset. */
    public void shutdownOutput(int fd) throws IOException {
        shutdown(fd, SocketOptions.SHUT_WR);
    }

    /** Shuts down receiving: bytes that have come can still be read, then there is an end. */
    public void shutdownInput(int fd) throws IOException {
        shutdown(fd, SocketOptions.SHUT_RD);
    }

    private void shutdown(int fd, int how) throws IOException {
        int result;
        try {
            result = (int) (long) SHUTDOWN.invokeExact(state, (long) fd, (long) how, 0L, 0L, 0L);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        if (result < 0 && errno() != ENOTCONN) {
            failed("shutdown");
        }
    }

    /** Sets an option that is an int. */
    public void option(int fd, int level, int name, int value) throws IOException {
        scratch.set(INT, 0, value);
        setOption(fd, level, name, Integer.BYTES);
    }

    /** Makes closing a reset: SO_LINGER with no time, socket(7). */
    public void resetOnClose(int fd) throws IOException {
        scratch.set(INT, 0, 1);
        scratch.set(INT, 4, 0);
        setOption(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_LINGER, 2 * Integer.BYTES);
    }

    /** Sets an option to the first {@code length} bytes of {@link #scratch}. */
    private void setOption(int fd, int level, int name, int length) throws IOException {
        int result;
        try {
            result = (int) (long) SETSOCKOPT.invokeExact(state, (long) fd, (long) level, (long) name,
                    scratch.address(), (long) length);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        if (result < 0) {
            failed("setsockopt");
        }
    }

    /** Writes a sockaddr_in or sockaddr_in6; its length. */
    private int putAddress(InetAddress address, int port) {
        boolean ipv4 = address instanceof Inet4Address;
        byte[] octets = address.getAddress();
        scratch.fill((byte) 0);
        scratch.set(FAMILY, 0, (short) (ipv4 ? SocketOptions.AF_INET : SocketOptions.AF_INET6));
        scratch.set(PORT, 2, (short) port);
        MemorySegment.copy(octets, 0, scratch, ValueLayout.JAVA_BYTE, ipv4 ? 4 : 8, octets.length);
        return ipv4 ? IPV4_ADDRESS_BYTES : ADDRESS_BYTES;
    }

    private int errno() {
        return Libc.errno(state);
    }

    /** Never returns. */
    private int failed(String call) throws IOException {
        throw new ErrnoException(call, errno());
    }
}
