package io.sluice.netlink;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** A netlink(7) socket, of rtnetlink(7), nfnetlink or sock_diag(7). For one thread. */
public final class NetlinkSocket implements AutoCloseable {

    private static final int NETLINK_ROUTE = 0;
    private static final int NETLINK_SOCK_DIAG = 4;
    private static final int NETLINK_NETFILTER = 12;
    /** A message that consists of its head, netlink(7), to which the kernel says that it has seen it. */
    private static final int NOTHING_BYTES = 16;
    private static final short NLMSG_NOOP = 1;
    private static final short NLM_F_REQUEST_ACK = 1 | 4;
    /** The orders that go to the kernel at once: their acknowledgements fit into a socket's buffer. */
    private static final int BATCH = 128;
    /** The kernel fills dumps up to 32 KiB; a larger message would be cut. */
    private static final int BUFFER_BYTES = 64 * 1024;

    private final int fd;
    private final MemorySegment buffer = Arena.ofAuto().allocate(BUFFER_BYTES, Long.BYTES);

    private NetlinkSocket(int fd) {
        this.fd = fd;
    }

    /**
     * Opens one.
     *
     * @param groups        what to be told of without asking: {@code RTMGRP_*}; 0 for nothing
     * @param timeoutMillis how long a receive waits at the most; 0 for as long as it takes
     */
    public static NetlinkSocket open(int groups, int timeoutMillis) throws IOException {
        return open(NETLINK_ROUTE, groups, timeoutMillis);
    }

    /**
     * Opens one of nfnetlink.
     *
     * @param timeoutMillis how long a receive waits at the most
     */
    public static NetlinkSocket openNetfilter(int timeoutMillis) throws IOException {
        return open(NETLINK_NETFILTER, 0, timeoutMillis);
    }

    /**
     * Opens one of sock_diag(7).
     *
     * @param timeoutMillis how long a receive waits at the most
     */
    public static NetlinkSocket openDiagnosis(int timeoutMillis) throws IOException {
        return open(NETLINK_SOCK_DIAG, 0, timeoutMillis);
    }

    private static NetlinkSocket open(int protocol, int groups, int timeoutMillis) throws IOException {
        int fd = SystemCalls.socket(SocketOptions.AF_NETLINK, SocketOptions.SOCK_RAW | SocketOptions.SOCK_CLOEXEC,
                protocol);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(12, Integer.BYTES);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) SocketOptions.AF_NETLINK);
            address.set(ValueLayout.JAVA_INT, 8, groups);
            SystemCalls.bind(fd, address);
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVTIMEO,
                    arena.allocateFrom(ValueLayout.JAVA_LONG,
                            timeoutMillis / 1000, timeoutMillis % 1000 * 1000L));
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVBUF,
                    arena.allocateFrom(ValueLayout.JAVA_INT, 1024 * 1024));
            MemorySegment one = arena.allocateFrom(ValueLayout.JAVA_INT, 1);
            SystemCalls.option(fd, SocketOptions.SOL_NETLINK, SocketOptions.NETLINK_CAP_ACK, one);
            strict(fd, one);
            return new NetlinkSocket(fd);
        } catch (IOException | RuntimeException e) {
            SystemCalls.close(fd);
            throw e;
        }
    }

    /** Lets the kernel filter dumps; one that is older than 4.20 does not, and whoever dumps looks anyway. */
    private static void strict(int fd, MemorySegment one) throws IOException {
        try {
            SystemCalls.option(fd, SocketOptions.SOL_NETLINK, SocketOptions.NETLINK_GET_STRICT_CHK, one);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EPERM) {
                throw e;
            }
        }
    }

    /** Sends messages, from position to limit, in one datagram. */
    public void send(ByteBuffer messages) throws IOException {
        int length = messages.remaining();
        if (length > BUFFER_BYTES) {
            sendLarge(messages);
            return;
        }
        MemorySegment.copy(MemorySegment.ofBuffer(messages), 0, buffer, 0, length);
        SystemCalls.send(fd, buffer.asSlice(0, length));
    }

    /** The kernel takes no datagram that is larger than the socket's send buffer; more than usual needs CAP_NET_ADMIN. */
    private void sendLarge(ByteBuffer messages) throws IOException {
        int length = messages.remaining();
        try (Arena arena = Arena.ofConfined()) {
            SystemCalls.option(fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_SNDBUFFORCE,
                    arena.allocateFrom(ValueLayout.JAVA_INT, length));
            MemorySegment copy = arena.allocate(length, Long.BYTES);
            MemorySegment.copy(MemorySegment.ofBuffer(messages), 0, copy, 0, length);
            SystemCalls.send(fd, copy);
        }
    }

    /**
     * The next datagram: one or more messages, valid until the next call on this socket.
     *
     * @throws ErrnoException with {@code EAGAIN} after the timeout, with {@code ENOBUFS} if messages were lost
     */
    public ByteBuffer receive() throws IOException {
        long length = SystemCalls.receive(fd, buffer);
        return buffer.asSlice(0, length).asByteBuffer().order(ByteOrder.nativeOrder());
    }

    /** Lets a thread that waits in {@link #receive} go on, with a message that says nothing. Any thread. */
    public void wake() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment nothing = arena.allocate(NOTHING_BYTES, Integer.BYTES);
            nothing.set(ValueLayout.JAVA_INT, 0, NOTHING_BYTES);
            nothing.set(ValueLayout.JAVA_SHORT, 4, NLMSG_NOOP);
            nothing.set(ValueLayout.JAVA_SHORT, 6, NLM_F_REQUEST_ACK);
            SystemCalls.send(fd, nothing);
        }
    }

    /** Writes the order for one of many to a buffer; {@code sequence} tells its acknowledgement from others. */
    public interface Order<T> {
        void write(ByteBuffer out, int sequence, T one);
    }

    /**
     * Gives the kernel an order for each of {@code all}, many at once, and waits for what it says.
     *
     * @param orderBytes the longest that {@code order} writes
     * @return the kernel's error number for each that it refused
     */
    public <T> Map<T, Integer> orders(Collection<T> all, int orderBytes, Order<T> order) throws IOException {
        List<T> list = List.copyOf(all);
        Map<T, Integer> errors = new HashMap<>();
        ByteBuffer orders = RouteMessages.buffer(Math.min(BATCH, list.size()) * orderBytes);
        for (int from = 0; from < list.size(); from += BATCH) {
            int to = Math.min(list.size(), from + BATCH);
            orders.clear();
            for (int i = from; i < to; i++) {
                order.write(orders, i + 1, list.get(i));
            }
            send(orders.flip());
            int[] open = {to - from};
            while (open[0] > 0) {
                RouteMessages.read(receive(), message -> {
                    if (message.type() == RouteMessages.NLMSG_ERROR) {
                        open[0]--;
                        if (message.error() != 0) {
                            errors.put(list.get(message.sequence() - 1), message.error());
                        }
                    }
                });
            }
        }
        return errors;
    }

    /**
     * Asks for a list.
     *
     * @throws ErrnoException if that is not allowed; a list that does not exist (a kernel without IPv6, a table without a
     *                        route) counts as empty
     */
    public void list(ByteBuffer request, Consumer<RouteMessages.Subject> each) throws IOException {
        send(request);
        int[] error = {-1};
        while (error[0] < 0) {
            RouteMessages.read(receive(), message -> {
                if (message.subject() != null) {
                    each.accept(message.subject());
                } else if (message.type() == RouteMessages.NLMSG_ERROR
                        || message.type() == RouteMessages.NLMSG_DONE) {
                    error[0] = message.error();
                }
            });
        }
        if (error[0] == Errno.EPERM.number()) {
            throw new ErrnoException("listing routes", error[0]);
        }
    }

    int fd() {
        return fd;
    }

    static int bufferBytes() {
        return BUFFER_BYTES;
    }

    @Override
    public void close() throws IOException {
        SystemCalls.close(fd);
    }
}
