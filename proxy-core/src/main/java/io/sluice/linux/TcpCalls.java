package io.sluice.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteOrder;

/**
 * The system calls of a proxied connection, none of which blocks. Netty's own {@code LinuxSocket} asks the kernel for
 * the family of every socket that it is made for, and goes through JNI's change of thread state for each call; short
 * connections show both.
 *
 * <p>Lives on one event loop: the memory for addresses and errors is used again by each call.
 */
public final class TcpCalls {

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfShort FAMILY = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfShort PORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);

    private static final MethodHandle SOCKET = Libc.quickFunction("socket");
    private static final MethodHandle BIND = Libc.quickFunction("bind");
    private static final MethodHandle CONNECT = Libc.quickFunction("connect");
    private static final MethodHandle RECV = Libc.quickFunction("recv");
    private static final MethodHandle SEND = Libc.quickFunction("send");
    private static final MethodHandle SHUTDOWN = Libc.quickFunction("shutdown");
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

    private final MemorySegment state = Arena.ofAuto().allocate(Libc.STATE);
    private final MemorySegment scratch = Arena.ofAuto().allocate(ADDRESS_BYTES, Long.BYTES);

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
     * Begins to connect; whether it is connected already.
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

    /** Whether nothing can go to the peer any more, as it has reset the connection: TCP_CLOSE of tcp(7). */
    public boolean gone(int fd) throws IOException {
        getOption(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_INFO, 1);
        return scratch.get(ValueLayout.JAVA_BYTE, 0) == SocketOptions.TCP_CLOSE;
    }

    /** Puts an option's first {@code length} bytes at the beginning of {@link #scratch}. */
    private void getOption(int fd, int level, int name, int length) throws IOException {
        scratch.set(INT, 8, length);
        int result;
        try {
            result = (int) (long) GETSOCKOPT.invokeExact(state, (long) fd, (long) level, (long) name,
                    scratch.address(), scratch.address() + 8);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        if (result < 0) {
            failed("getsockopt");
        }
    }

    /** Reads up to {@code length} bytes, more than none: 0 for nothing now, -1 for the end. */
    public int receive(int fd, long address, int length) throws IOException {
        return receive(fd, address, length, SocketOptions.MSG_DONTWAIT);
    }

    /** The same, and the bytes stay in the socket. */
    public int peek(int fd, long address, int length) throws IOException {
        return receive(fd, address, length, SocketOptions.MSG_DONTWAIT | SocketOptions.MSG_PEEK);
    }

    /** Takes up to {@code length} bytes out of the socket without copying them (MSG_TRUNC, tcp(7)). */
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

    /** Writes what the socket takes now of {@code length} bytes; 0 for nothing. */
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

    /** Ends what is written; nothing happens to a socket that was reset. */
    public void shutdownOutput(int fd) throws IOException {
        int result;
        try {
            result = (int) (long) SHUTDOWN.invokeExact(state, (long) fd, (long) SocketOptions.SHUT_WR, 0L, 0L, 0L);
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
