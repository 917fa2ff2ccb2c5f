package io.sluice.netlink;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.netlink.TrackedConnection.Tuple;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Single TCP connections in the kernel's table of tracked connections (conntrack, ctnetlink; needs CAP_NET_ADMIN). For one
 * thread, which does not wait: the kernel answers while it takes a request.
 */
public final class Conntrack implements Closeable {

    private static final int HEADER_BYTES = 16;
    private static final int TIMEOUT_MILLIS = 1_000;
    /** The messages of {@link #replace}. */
    private static final int AT_ONCE = 3;
    /** No error number: there is no answer yet. */
    private static final int OPEN = Integer.MIN_VALUE;

    private final NetlinkSocket socket;
    private final ByteBuffer request = ConntrackMessages.buffer(AT_ONCE);
    private final ConntrackMessages messages = new ConntrackMessages(request);

    private Conntrack(NetlinkSocket socket) {
        this.socket = socket;
    }

    /** Opens a socket to the kernel. */
    public static Conntrack open() throws IOException {
        return new Conntrack(NetlinkSocket.openNetfilter(TIMEOUT_MILLIS));
    }

    /** What the kernel knows of a connection; empty if it does not track it. */
    public Optional<TrackedConnection> find(Tuple original) throws IOException {
        request.clear();
        int number = messages.get(original);
        List<TrackedConnection> found = new ArrayList<>(1);
        int error = answers(number, found::add);
        if (error != 0 && error != Errno.ENOENT.number()) {
            throw new ErrnoException("conntrack", error);
        }
        return found.stream().findFirst();
    }

    /**
     * Forgets two connections and makes one, in this order and at once.
     *
     * @return false if a packet has made another entry meanwhile, or the table is full; both are forgotten then
     */
    public boolean replace(Tuple one, Tuple other, NewConnection made) throws IOException {
        request.clear();
        int first = messages.delete(one);
        messages.delete(other);
        messages.create(made);
        return done(ask(first, AT_ONCE)[2], Errno.EEXIST, Errno.ENOMEM, Errno.EBUSY);
    }

    /** Forgets one and makes two, in this order and at once; those that a packet has made before stay as they are. */
    public void restore(Tuple gone, NewConnection one, NewConnection other) throws IOException {
        request.clear();
        int first = messages.delete(gone);
        messages.create(one);
        messages.create(other);
        int[] errors = ask(first, AT_ONCE);
        done(errors[1], Errno.EEXIST, Errno.ENOMEM, Errno.EBUSY);
        done(errors[2], Errno.EEXIST, Errno.ENOMEM, Errno.EBUSY);
    }

    /** Forgets one connection; false if there was none. */
    public boolean forget(Tuple original) throws IOException {
        request.clear();
        return done(ask(messages.delete(original), 1)[0], Errno.ENOENT);
    }

    /** Changes the mark of one; false if there is none. */
    public boolean mark(Tuple original, int mark) throws IOException {
        request.clear();
        return done(ask(messages.mark(original, mark), 1)[0], Errno.ENOENT);
    }

    private static boolean done(int error, Errno... expected) throws IOException {
        for (Errno one : expected) {
            if (error == one.number()) {
                return false;
            }
        }
        if (error != 0) {
            throw new ErrnoException("conntrack", error);
        }
        return true;
    }

    /** All TCP connections whose mark has exactly the bits {@code mark} of {@code mask}; takes as long as the table is large. */
    public List<TrackedConnection> list(int mark, int mask) throws IOException {
        request.clear();
        List<TrackedConnection> all = new ArrayList<>();
        int error = answers(messages.list(mark, mask), one -> {
            // A kernel before 5.7 does not filter by mark.
            if ((one.mark() & mask) == mark) {
                all.add(one);
            }
        });
        if (error != 0) {
            throw new ErrnoException("conntrack", error);
        }
        return all;
    }

    /** Sends one request; its connections, and its error at the end, 0 for none. */
    private int answers(int number, Consumer<TrackedConnection> each) throws IOException {
        socket.send(request.flip());
        int[] error = {OPEN};
        while (error[0] == OPEN) {
            read(socket.receive(), (type, of, in, length) -> {
                if (of == number && (type == RouteMessages.NLMSG_ERROR || type == RouteMessages.NLMSG_DONE)) {
                    error[0] = error(in, length);
                } else if (of == number && ConntrackMessages.isConnection(type)) {
                    TrackedConnection one = ConntrackMessages.read(in, length);
                    if (one != null) {
                        each.accept(one);
                    }
                }
            });
        }
        return error[0];
    }

    /** Sends what was written, {@code count} messages from {@code first} on; the error of each, 0 for none. */
    private int[] ask(int first, int count) throws IOException {
        socket.send(request.flip());
        int[] errors = new int[count];
        int[] open = {count};
        while (open[0] > 0) {
            read(socket.receive(), (type, of, in, length) -> {
                if (type == RouteMessages.NLMSG_ERROR && of - first >= 0 && of - first < count) {
                    errors[of - first] = error(in, length);
                    open[0]--;
                }
            });
        }
        return errors;
    }

    private interface Message {
        /** @param in at the message's beginning, at least {@code length} long */
        void is(int type, int number, ByteBuffer in, int length);
    }

    private static void read(ByteBuffer answer, Message each) {
        while (answer.remaining() >= HEADER_BYTES) {
            int at = answer.position();
            int length = answer.getInt(at);
            if (length < HEADER_BYTES || length > answer.remaining()) {
                return;
            }
            each.is(Short.toUnsignedInt(answer.getShort(at + 4)), answer.getInt(at + 8), answer, length);
            answer.position(at + Math.min(length + 3 & ~3, answer.remaining()));
        }
    }

    private static int error(ByteBuffer message, int length) {
        return length < HEADER_BYTES + Integer.BYTES ? 0 : -message.getInt(message.position() + HEADER_BYTES);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
