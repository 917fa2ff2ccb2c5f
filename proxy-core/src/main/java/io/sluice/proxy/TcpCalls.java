package io.sluice.proxy;

import io.netty.channel.unix.Errors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
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
final class TcpCalls {

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfShort FAMILY = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfShort PORT = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN);
    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

    /**
     * All functions have one signature, because each one that is different takes the JVM some milliseconds at the start:
     * integers and addresses go in registers, a word each, and what a function does not ask for it does not look at. A
     * result that is an int is the lower half of its word; the other half is anything.
     */
    private static final FunctionDescriptor WORDS = FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG);

    private static final MethodHandle SOCKET = function("socket");
    private static final MethodHandle BIND = function("bind");
    private static final MethodHandle CONNECT = function("connect");
    private static final MethodHandle RECV = function("recv");
    private static final MethodHandle SEND = function("send");
    private static final MethodHandle SHUTDOWN = function("shutdown");
    private static final MethodHandle SETSOCKOPT = function("setsockopt");
    private static final MethodHandle GETSOCKOPT = function("getsockopt");

    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_NONBLOCK = 0x800;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int MSG_PEEK = 0x2;
    private static final int MSG_TRUNC = 0x20;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int SHUT_WR = 1;
    private static final int SOL_SOCKET = 1;
    private static final int SO_ERROR = 4;
    private static final int SO_LINGER = 13;
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_INFO = 11;
    private static final byte TCP_CLOSE = 7;

    private static final int EINTR = 4;
    private static final int EAGAIN = 11;
    private static final int ENOTCONN = 107;

    /** sockaddr_in6(7), the longest that is needed. */
    private static final int ADDRESS_BYTES = 28;
    private static final int IPV4_ADDRESS_BYTES = 16;

    private final MemorySegment state = Arena.ofAuto().allocate(STATE);
    private final MemorySegment scratch = Arena.ofAuto().allocate(ADDRESS_BYTES, Long.BYTES);

    /** A new socket, non-blocking. */
    int open(boolean ipv6) throws IOException {
        int fd;
        try {
            fd = (int) (long) SOCKET.invokeExact(state, (long) (ipv6 ? AF_INET6 : AF_INET),
                    (long) (SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC), 0L, 0L, 0L);
        } catch (Throwable e) {
            throw cannotBeCalled(e);
        }
        return fd >= 0 ? fd : failed("socket");
    }

    /** Binds the socket to an address of its own family. */
    void bind(int fd, InetAddress address, int port) throws IOException {
        int length = putAddress(address, port);
        int result;
        try {
            result = (int) (long) BIND.invokeExact(state, (long) fd, scratch.address(), (long) length, 0L, 0L);
        } catch (Throwable e) {
            throw cannotBeCalled(e);
        }
        if (result < 0) {
            failed("bind");
        }
    }

    /**
     * Begins to connect; whether it is connected already.
     *
     * @throws IOException of the class that Netty and the JDK have for the reason
     */
    boolean connect(int fd, InetAddress address, int port) throws IOException {
        int length = putAddress(address, port);
        int result;
        try {
            result = (int) (long) CONNECT.invokeExact(state, (long) fd, scratch.address(), (long) length, 0L, 0L);
        } catch (Throwable e) {
            throw cannotBeCalled(e);
        }
        // EINTR as EINPROGRESS: the connection is made all the same, connect(2).
        return result == 0 || errno() != EINTR && Errors.handleConnectErrno("connect", -errno());
    }

    /** Why a socket that was connecting is not connected; returns if it is. */
    void connected(int fd) throws IOException {
        scratch.set(INT, 0, 0);
        getOption(fd, SOL_SOCKET, SO_ERROR, Integer.BYTES);
        int error = scratch.get(INT, 0);
        if (error != 0) {
            Errors.handleConnectErrno("connect", -error);
        }
    }

    /** Whether nothing can go to the peer any more, as it has reset the connection: TCP_CLOSE of tcp(7). */
    boolean gone(int fd) throws IOException {
        getOption(fd, IPPROTO_TCP, TCP_INFO, 1);
        return scratch.get(ValueLayout.JAVA_BYTE, 0) == TCP_CLOSE;
    }

    /** Puts an option's first {@code length} bytes at the beginning of {@link #scratch}. */
    private void getOption(int fd, int level, int name, int length) throws IOException {
        scratch.set(INT, 8, length);
        int result;
        try {
            result = (int) (long) GETSOCKOPT.invokeExact(state, (long) fd, (long) level, (long) name,
                    scratch.address(), scratch.address() + 8);
        } catch (Throwable e) {
            throw cannotBeCalled(e);
        }
        if (result < 0) {
            failed("getsockopt");
        }
    }

    /** Reads up to {@code length} bytes, more than none: 0 for nothing now, -1 for the end. */
    int receive(int fd, long address, int length) throws IOException {
        return receive(fd, address, length, MSG_DONTWAIT);
    }

    /** The same, and the bytes stay in the socket. */
    int peek(int fd, long address, int length) throws IOException {
        return receive(fd, address, length, MSG_DONTWAIT | MSG_PEEK);
    }

    /** Takes up to {@code length} bytes out of the socket without copying them (MSG_TRUNC, tcp(7)). */
    int discard(int fd, long address, int length) throws IOException {
        return receive(fd, address, length, MSG_DONTWAIT | MSG_TRUNC);
    }

    private int receive(int fd, long address, int length, int flags) throws IOException {
        while (true) {
            long n;
            try {
                n = (long) RECV.invokeExact(state, (long) fd, address, (long) length, (long) flags, 0L);
            } catch (Throwable e) {
                throw cannotBeCalled(e);
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
    int send(int fd, long address, int length) throws IOException {
        while (true) {
            long n;
            try {
                n = (long) SEND.invokeExact(state, (long) fd, address, (long) length,
                        (long) (MSG_DONTWAIT | MSG_NOSIGNAL), 0L);
            } catch (Throwable e) {
                throw cannotBeCalled(e);
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
    void shutdownOutput(int fd) throws IOException {
        int result;
        try {
            result = (int) (long) SHUTDOWN.invokeExact(state, (long) fd, (long) SHUT_WR, 0L, 0L, 0L);
        } catch (Throwable e) {
            throw cannotBeCalled(e);
        }
        if (result < 0 && errno() != ENOTCONN) {
            failed("shutdown");
        }
    }

    /** Sets an option that is an int. */
    void option(int fd, int level, int name, int value) throws IOException {
        scratch.set(INT, 0, value);
        setOption(fd, level, name, Integer.BYTES);
    }

    /** Makes closing a reset: SO_LINGER with no time, socket(7). */
    void resetOnClose(int fd) throws IOException {
        scratch.set(INT, 0, 1);
        scratch.set(INT, 4, 0);
        setOption(fd, SOL_SOCKET, SO_LINGER, 2 * Integer.BYTES);
    }

    /** Sets an option to the first {@code length} bytes of {@link #scratch}. */
    private void setOption(int fd, int level, int name, int length) throws IOException {
        int result;
        try {
            result = (int) (long) SETSOCKOPT.invokeExact(state, (long) fd, (long) level, (long) name,
                    scratch.address(), (long) length);
        } catch (Throwable e) {
            throw cannotBeCalled(e);
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
        scratch.set(FAMILY, 0, (short) (ipv4 ? AF_INET : AF_INET6));
        scratch.set(PORT, 2, (short) port);
        MemorySegment.copy(octets, 0, scratch, ValueLayout.JAVA_BYTE, ipv4 ? 4 : 8, octets.length);
        return ipv4 ? IPV4_ADDRESS_BYTES : ADDRESS_BYTES;
    }

    private int errno() {
        return (int) ERRNO.get(state, 0L);
    }

    /** Never returns. */
    private int failed(String call) throws IOException {
        throw Errors.newIOException(call, -errno());
    }

    private static IllegalStateException cannotBeCalled(Throwable e) {
        return new IllegalStateException("the C library cannot be called", e);
    }

    @SuppressWarnings("restricted") // they take integers and addresses, see their manual pages; none of them blocks
    private static MethodHandle function(String name) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), WORDS,
                Linker.Option.captureCallState("errno"), Linker.Option.critical(false));
    }
}
