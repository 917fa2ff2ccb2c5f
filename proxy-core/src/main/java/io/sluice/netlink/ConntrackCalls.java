package io.sluice.netlink;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.TcpCalls;
import io.sluice.netlink.ConntrackMessages.Answer;
import io.sluice.netlink.TrackedConnection.Tuple;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Single TCP connections in the kernel's table of tracked connections (conntrack, ctnetlink; needs CAP_NET_ADMIN), one at a
 * time and as cheaply as possible. For the thread of its {@link TcpCalls}, which does not wait: the kernel answers while it
 * takes a request. Every method fails with {@link ErrnoException} if the kernel refuses in a way that it does not name.
 */
public final class ConntrackCalls implements Closeable {

    /** The messages of {@link #replace} and {@link #restore}. */
    private static final int AT_ONCE = 3;
    private static final int TIMEOUT_MILLIS = 1_000;
    /** More than the kernel puts into a message (NLMSG_GOODSIZE, linux/netlink.h). */
    private static final int ANSWER_BYTES = 16 * 1024;

    private final TcpCalls calls;
    private final NetlinkSocket socket;
    private final ByteBuffer request = ConntrackMessages.buffer(AT_ONCE);
    private final ByteBuffer answer = ByteBuffer.allocateDirect(ANSWER_BYTES).order(ByteOrder.nativeOrder());
    private final long requestAddress = MemorySegment.ofBuffer(request).address();
    private final long answerAddress = MemorySegment.ofBuffer(answer).address();
    private final ConntrackMessages messages = new ConntrackMessages(request);
    /** What the messages that were sent last have led to, by their numbers from {@link #first} on. */
    private final int[] errors = new int[AT_ONCE];
    private int first;
    private int last;
    private boolean ended;
    private @Nullable TrackedConnection found;

    private ConntrackCalls(TcpCalls calls, NetlinkSocket socket) {
        this.calls = calls;
        this.socket = socket;
    }

    /** Opens a socket to the kernel. */
    public static ConntrackCalls open(TcpCalls calls) throws IOException {
        return new ConntrackCalls(calls, NetlinkSocket.openNetfilter(TIMEOUT_MILLIS));
    }

    /** What the kernel knows of a connection; null if it does not track it. */
    public @Nullable TrackedConnection find(Tuple original) throws IOException {
        begin();
        ask(messages.get(original));
        done(0, Errno.ENOENT);
        return found;
    }

    /**
     * Forgets two connections and makes one, in this order and at once.
     *
     * @return false if a packet has made another entry meanwhile, or the table is full; both are forgotten then
     */
    public boolean replace(Tuple one, Tuple other, NewConnection made) throws IOException {
        begin();
        messages.delete(one, Answer.REFUSAL);
        messages.delete(other, Answer.REFUSAL);
        ask(messages.create(made, Answer.ALWAYS));
        return done(2, Errno.EEXIST, Errno.ENOMEM, Errno.EBUSY);
    }

    /** Forgets one and makes two, in this order and at once; those that a packet has made before stay as they are. */
    public void restore(Tuple gone, NewConnection one, NewConnection other) throws IOException {
        begin();
        messages.delete(gone, Answer.REFUSAL);
        messages.create(one, Answer.REFUSAL);
        ask(messages.create(other, Answer.ALWAYS));
        done(1, Errno.EEXIST, Errno.ENOMEM, Errno.EBUSY);
        done(2, Errno.EEXIST, Errno.ENOMEM, Errno.EBUSY);
    }

    /** Changes the mark of one; false if there is none. */
    public boolean mark(Tuple original, int mark) throws IOException {
        begin();
        ask(messages.mark(original, mark));
        return done(0, Errno.ENOENT);
    }

    private void begin() {
        request.clear();
        first = messages.next();
        Arrays.fill(errors, 0);
        found = null;
    }

    /** Sends what was written, and reads until {@code number} is answered. */
    private void ask(int number) throws IOException {
        last = number;
        ended = false;
        calls.send(socket.fd(), requestAddress, request.position());
        while (!ended) {
            int length = calls.receive(socket.fd(), answerAddress, ANSWER_BYTES);
            if (length <= 0) {
                throw new ErrnoException("conntrack", Errno.EAGAIN.number());
            }
            ConntrackMessages.each(answer.clear().limit(length), this::answered);
        }
    }

    private void answered(int type, int number, ByteBuffer in, int length) {
        int index = number - first;
        if (index < 0 || number > last) {
            return;
        }
        if (ConntrackMessages.isEnd(type)) {
            errors[index] = ConntrackMessages.error(in, length);
        } else if (ConntrackMessages.isConnection(type)) {
            found = ConntrackMessages.read(in, length);
        }
        ended |= number == last;
    }

    private boolean done(int index, Errno... expected) throws IOException {
        int error = errors[index];
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

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
