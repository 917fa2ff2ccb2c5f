package io.sluice.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The system calls of a flow of datagrams, none of which blocks, beside those that its sockets share with others
 * ({@link TcpCalls}) and those for many datagrams at once ({@link DatagramBatch}).
 *
 * <p>Lives on one event loop: each call reuses the memory for errors.
 */
public final class UdpCalls {

    private static final MethodHandle SOCKET = Libc.quickFunction("socket");
    private static final MethodHandle SEND = Libc.quickFunction("send");
    private static final MethodHandle CLOSE = Libc.quickFunction("close");

    private final MemorySegment state = Arena.ofAuto().allocate(Libc.STATE);

    /** A new socket for datagrams, non-blocking. */
    public int open(boolean ipv6) throws IOException {
        int fd = call(SOCKET, ipv6 ? SocketOptions.AF_INET6 : SocketOptions.AF_INET,
                SocketOptions.SOCK_DGRAM | SocketOptions.SOCK_NONBLOCK | SocketOptions.SOCK_CLOEXEC, 0, 0);
        if (fd < 0) {
            throw new ErrnoException("socket", -fd);
        }
        return fd;
    }

    /** Sends one datagram to the peer of a connected socket; what send(2) returns, an error as its negative number. */
    public int send(int fd, long address, int length) {
        return call(SEND, fd, address, length, SocketOptions.MSG_DONTWAIT | SocketOptions.MSG_NOSIGNAL);
    }

    /** close(2); whatever it returns, the descriptor is free. */
    public void close(int fd) {
        call(CLOSE, fd, 0, 0, 0);
    }

    private int call(MethodHandle function, long a, long b, long c, long d) {
        int result;
        try {
            result = (int) (long) function.invokeExact(state, a, b, c, d, 0L);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        return result < 0 ? -Libc.errno(state) : result;
    }
}
