package io.sluice.connection;

import java.util.ArrayDeque;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One end of a simulated TCP connection as the kernel keeps it: a send queue, a receive buffer with a window, FIN and
 * RST, each on the wire for a random time and never overtaking one another.
 *
 * <p>As on Linux: what had been received before a reset can still be read; a failed write takes the error with it, so
 * that the read after it sees a mere end; data that arrives at a closed socket is answered by a reset; closing with
 * something unread is a reset.
 */
final class TcpEnd {

    /** The user of the socket; notified when a read or a write is worth trying. */
    interface Application {
        void readable();

        void writable();
    }

    /** Consecutive bytes of one stream, by their place in it. */
    record Chunk(long start, int length) {
        Chunk first(int bytes) {
            return new Chunk(start, bytes);
        }

        Chunk without(int bytes) {
            return new Chunk(start + bytes, length - bytes);
        }
    }

    /** What the network and the kernel allow: bytes and nanoseconds. */
    record Wire(int sendBuffer, int window, int segment, long latency) {}

    private final VirtualTime time;
    private final SplittableRandom random;
    private final Wire wire;
    private final Application application;
    private final ArrayDeque<Chunk> unsent = new ArrayDeque<>();
    private final ArrayDeque<Chunk> received = new ArrayDeque<>();
    private @Nullable TcpEnd other;
    private int unsentBytes;
    private int receivedBytes;
    private boolean underWay;
    private boolean finishing;
    private boolean finishSent;
    private boolean finishArrived;
    private boolean closed;
    private boolean aborted;
    private boolean resetArrived;
    private boolean errorTaken;
    /** Its host has vanished: no packet comes from it or reaches it. */
    private boolean vanished;

    TcpEnd(VirtualTime time, SplittableRandom random, Wire wire, Application application) {
        this.time = time;
        this.random = random;
        this.wire = wire;
        this.application = application;
    }

    static void join(TcpEnd one, TcpEnd two) {
        one.other = two;
        two.other = one;
    }

    /** How many bytes the kernel took, maybe fewer than offered or none; -1 for an error. */
    int write(Chunk chunk) {
        if (resetArrived) {
            errorTaken = true;
            return -1;
        }
        int taken = Math.min(chunk.length(), wire.sendBuffer() - unsentBytes);
        if (taken > 0) {
            unsent.add(chunk.first(taken));
            unsentBytes += taken;
            pump();
        }
        return Math.max(0, taken);
    }

    /** At most {@code most} bytes, null if there is nothing to read now. */
    @Nullable
    Chunk read(int most) {
        Chunk head = received.poll();
        if (head == null) {
            return null;
        }
        if (head.length() > most) {
            received.addFirst(head.without(most));
            head = head.first(most);
        }
        receivedBytes -= head.length();
        other.pump();
        return head;
    }

    boolean hasUnread() {
        return receivedBytes > 0;
    }

    /** Everything written is in the other end's receive buffer, acknowledged. */
    boolean allDelivered() {
        return unsentBytes == 0;
    }

    /** The other end finished; true even if there is something left to read before. */
    boolean finishArrived() {
        return finishArrived;
    }

    boolean resetArrived() {
        return resetArrived;
    }

    /** A failed write took the reset's error, so a read sees an end. */
    boolean errorTaken() {
        return errorTaken;
    }

    /** This end has sent a reset, or would have to. */
    boolean aborted() {
        return aborted;
    }

    void finish() {
        finishing = true;
        pump();
    }

    void close() {
        if (hasUnread()) {
            reset();
        } else {
            closed = true;
            finish();
        }
    }

    void vanish() {
        vanished = true;
    }

    void reset() {
        closed = true;
        aborted = true;
        unsent.clear();
        unsentBytes = 0;
        time.after(latency(), () -> other.arriveReset());
    }

    private void pump() {
        boolean nothingToSend = unsent.isEmpty() ? !finishing || finishSent : other.room() == 0;
        if (underWay || aborted || resetArrived || vanished || other.vanished || nothingToSend) {
            return;
        }
        underWay = true;
        time.after(latency(), this::transmit);
    }

    private void transmit() {
        underWay = false;
        if (aborted || resetArrived || vanished || other.vanished) {
            return;
        }
        if (unsent.isEmpty()) {
            finishSent = true;
            other.arriveFinish();
            return;
        }
        if (other.closed) {
            other.aborted = true;
            time.after(latency(), this::arriveReset);
            return;
        }
        int bytes = Math.min(Math.min(unsent.peek().length(), 1 + random.nextInt(wire.segment())), other.room());
        if (bytes > 0) {
            Chunk head = unsent.poll();
            if (head.length() > bytes) {
                unsent.addFirst(head.without(bytes));
            }
            unsentBytes -= bytes;
            other.received.add(head.first(bytes));
            other.receivedBytes += bytes;
            other.application.readable();
            application.writable();
        }
        pump();
    }

    private void arriveFinish() {
        finishArrived = true;
        if (!closed) {
            application.readable();
        }
    }

    private void arriveReset() {
        if (resetArrived || aborted) {
            return;
        }
        resetArrived = true;
        unsent.clear();
        unsentBytes = 0;
        application.readable();
        application.writable();
    }

    private int room() {
        return closed ? Integer.MAX_VALUE : wire.window() - receivedBytes;
    }

    private long latency() {
        return 1 + random.nextLong(wire.latency());
    }
}
