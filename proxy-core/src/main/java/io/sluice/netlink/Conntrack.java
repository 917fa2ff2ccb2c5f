package io.sluice.netlink;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.netlink.ConntrackMessages.Answer;
import io.sluice.netlink.TrackedConnection.Tuple;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The connections of this network namespace that the kernel tracks (conntrack, ctnetlink; needs CAP_NET_ADMIN): many at a
 * time. For one thread, which waits for the kernel, ten seconds at most for each answer. Every method fails with
 * {@link ErrnoException} if the kernel refuses.
 */
public final class Conntrack implements Closeable {

    private static final int TIMEOUT_MILLIS = 10_000;
    /** No error number: there is no answer yet. */
    private static final int OPEN = Integer.MIN_VALUE;

    private final NetlinkSocket socket;
    private final ByteBuffer request = ConntrackMessages.buffer(1);
    private final ConntrackMessages messages = new ConntrackMessages(request);

    private Conntrack(NetlinkSocket socket) {
        this.socket = socket;
    }

    /**
     * Opens a socket to the kernel.
     *
     * @throws ErrnoException if this kernel has no ctnetlink (CONFIG_NF_CT_NETLINK)
     */
    public static Conntrack open() throws IOException {
        return new Conntrack(NetlinkSocket.openNetfilter(TIMEOUT_MILLIS));
    }

    /**
     * Tells of all TCP connections whose mark has exactly the bits {@code mark} of {@code mask}; takes as long as the table is
     * large.
     */
    public void list(int mark, int mask, Consumer<TrackedConnection> each) throws IOException {
        request.clear();
        int number = messages.list(mark, mask);
        answer(number, (type, of, in, length) -> {
            TrackedConnection one = of == number && ConntrackMessages.isConnection(type)
                    ? ConntrackMessages.read(in, length)
                    : null;
            // A kernel before 5.7 does not filter by mark.
            if (one != null && (one.mark() & mask) == mark) {
                each.accept(one);
            }
        });
    }

    /**
     * Makes the kernel forget those whose mark has {@code bits}, all of them, and none of {@code without}; 0 and 0 for every
     * connection. The next packet of one is the first of a new connection, for which address translation is decided again.
     */
    public void forget(int bits, int without) throws IOException {
        request.clear();
        answer(messages.deleteAll(bits, bits == 0 ? 0 : bits | without), (type, of, in, length) -> {});
    }

    /** Forgets these; those that are not there count as forgotten. */
    public void forget(Collection<Tuple> originals) throws IOException {
        done(socket.orders(originals, ConntrackMessages.LONGEST_BYTES,
                (out, number, one) -> new ConntrackMessages(out, number).delete(one, Answer.ALWAYS)));
    }

    /** Changes the mark of these; those that are not there do not matter. */
    public void mark(Collection<Tuple> originals, int mark) throws IOException {
        done(socket.orders(originals, ConntrackMessages.LONGEST_BYTES,
                (out, number, one) -> new ConntrackMessages(out, number).mark(one, mark)));
    }

    /** Lets the kernel forget these after so many seconds, unless a packet comes; those that are not there do not matter. */
    public void keep(Collection<Tuple> originals, int seconds) throws IOException {
        done(socket.orders(originals, ConntrackMessages.LONGEST_BYTES,
                (out, number, one) -> new ConntrackMessages(out, number).keep(one, seconds)));
    }

    private static void done(Map<Tuple, Integer> errors) throws IOException {
        for (int error : errors.values()) {
            done(error);
        }
    }

    private static void done(int error) throws IOException {
        if (error != 0 && error != Errno.ENOENT.number()) {
            throw new ErrnoException("conntrack", error);
        }
    }

    /** Sends the request, and reads until message {@code number} is answered. */
    private void answer(int number, ConntrackMessages.Each each) throws IOException {
        socket.send(request.flip());
        int[] error = {OPEN};
        while (error[0] == OPEN) {
            ConntrackMessages.each(socket.receive(), (type, of, in, length) -> {
                if (of == number && ConntrackMessages.isEnd(type)) {
                    error[0] = ConntrackMessages.error(in, length);
                } else {
                    each.message(type, of, in, length);
                }
            });
        }
        done(error[0]);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
