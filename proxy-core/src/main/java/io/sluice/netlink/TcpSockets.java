package io.sluice.netlink;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.TcpInfo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Single TCP sockets of this network namespace in the kernel, found by their addresses (sock_diag(7)): sockets whose
 * descriptor is not known, and those in TIME_WAIT, which have none. For one thread, which does not wait: the kernel answers
 * while it takes the request.
 */
public final class TcpSockets implements AutoCloseable {

    private static final int SOCK_DIAG_BY_FAMILY = 20;
    private static final int SOCK_DESTROY = 21;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLM_F_ACK = 4;
    private static final int HEADER_BYTES = 16;
    /** struct inet_diag_req_v2. */
    private static final int REQUEST_BYTES = HEADER_BYTES + 56;
    /** Where the struct inet_diag_sockid of a request begins. */
    private static final int REQUEST_ID = HEADER_BYTES + 8;
    /** The same in an answer, struct inet_diag_msg. */
    private static final int ANSWER_ID = HEADER_BYTES + 4;
    private static final int ANSWER_BYTES = HEADER_BYTES + 72;
    private static final int ANSWER_STATE = HEADER_BYTES + 1;
    private static final int ANSWER_EXPIRES = HEADER_BYTES + 52;
    private static final int ID_COOKIE = 40;
    private static final long ANY_COOKIE = -1;
    private static final int INET_DIAG_INFO = 2;
    private static final int TCP_TIME_WAIT = 6;
    /** How long the kernel keeps a socket in TIME_WAIT (TCP_TIMEWAIT_LEN). */
    private static final int TIME_WAIT_MILLIS = 60_000;
    private static final int TIMEOUT_MILLIS = 100;

    private final NetlinkSocket socket;
    private final ByteBuffer request = ByteBuffer.allocate(REQUEST_BYTES).order(ByteOrder.nativeOrder());
    private int sequence;

    private TcpSockets(NetlinkSocket socket) {
        this.socket = socket;
    }

    /**
     * Opens a socket to ask, and asks once, for which the kernel may have to load a module.
     *
     * @throws IOException if this kernel does not answer (CONFIG_INET_TCP_DIAG)
     */
    public static TcpSockets open() throws IOException {
        TcpSockets opened = new TcpSockets(NetlinkSocket.openDiagnosis(TIMEOUT_MILLIS));
        try {
            InetSocketAddress none = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), 0);
            opened.find(none, none, false);
            return opened;
        } catch (IOException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    /** What the kernel says about a connection's peer; empty if there is no such connection, or it is in TIME_WAIT. */
    public Optional<TcpInfo> info(InetSocketAddress local, InetSocketAddress remote) throws IOException {
        ByteBuffer answer = find(local, remote, true);
        return answer == null ? Optional.empty() : info(answer);
    }

    static Optional<TcpInfo> info(ByteBuffer answer) {
        int at = ANSWER_BYTES;
        while (at + 4 <= answer.limit()) {
            int length = Short.toUnsignedInt(answer.getShort(at));
            if (length < 4 || at + length > answer.limit()) {
                break;
            }
            if (answer.getShort(at + 2) == INET_DIAG_INFO && length - 4 >= TcpInfo.BYTES) {
                return Optional.of(TcpInfo.of(MemorySegment.ofBuffer(answer.slice(at + 4, length - 4))));
            }
            at += (length + 3) & ~3;
        }
        return Optional.empty();
    }

    /**
     * Ends TIME_WAIT, so that {@code local} can be connected with {@code remote} again. Touches no socket in another state.
     *
     * @param leastMillis how long the socket has to have been in TIME_WAIT
     * @return whether it was, and is no more
     * @throws ErrnoException for a user without CAP_NET_ADMIN, or a kernel without CONFIG_INET_DIAG_DESTROY
     */
    public boolean endTimeWait(InetSocketAddress local, InetSocketAddress remote, int leastMillis) throws IOException {
        ByteBuffer answer = find(local, remote, false);
        if (answer == null || answer.get(ANSWER_STATE) != TCP_TIME_WAIT
                || TIME_WAIT_MILLIS - answer.getInt(ANSWER_EXPIRES) < leastMillis) {
            return false;
        }
        long cookie = answer.getLong(ANSWER_ID + ID_COOKIE); // of this very socket
        write(SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, local, remote, cookie, 0);
        return ask() != null;
    }

    /** The answer about the socket that is bound to {@code local} and connected to {@code remote}; null if there is none. */
    private @Nullable ByteBuffer find(InetSocketAddress local, InetSocketAddress remote, boolean withInfo)
            throws IOException {
        write(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, local, remote, ANY_COOKIE,
                withInfo ? 1 << (INET_DIAG_INFO - 1) : 0);
        return ask();
    }

    private void write(int type, int flags, InetSocketAddress local, InetSocketAddress remote, long cookie,
            int attributes) {
        byte[] from = local.getAddress().getAddress();
        byte[] to = remote.getAddress().getAddress();
        request.clear();
        request.putInt(REQUEST_BYTES).putShort((short) type).putShort((short) flags).putInt(++sequence).putInt(0);
        request.put((byte) (from.length == 4 ? SocketOptions.AF_INET : SocketOptions.AF_INET6))
                .put((byte) SocketOptions.IPPROTO_TCP).put((byte) attributes).put((byte) 0).putInt(-1);
        request.order(ByteOrder.BIG_ENDIAN).putShort((short) local.getPort()).putShort((short) remote.getPort())
                .order(ByteOrder.nativeOrder());
        request.put(new byte[REQUEST_BYTES - request.position()]);
        request.put(REQUEST_ID + 4, from).put(REQUEST_ID + 20, to).putLong(REQUEST_ID + ID_COOKIE, cookie).flip();
    }

    /** Sends the request; its answer, or null if the kernel knows no such socket. */
    private @Nullable ByteBuffer ask() throws IOException {
        socket.send(request);
        while (true) {
            ByteBuffer answer = socket.receive();
            if (answer.remaining() < HEADER_BYTES + 4 || answer.getInt(8) != sequence) {
                continue; // left of a request that has failed
            }
            if (answer.getShort(4) != RouteMessages.NLMSG_ERROR) {
                return answer.remaining() < ANSWER_BYTES ? null : answer;
            }
            int error = -answer.getInt(HEADER_BYTES);
            if (error == Errno.ENOENT.number()) {
                return null;
            }
            if (error != 0) {
                throw new ErrnoException("sock_diag", error);
            }
            return answer;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
