package io.sluice.connection;

import java.util.Iterator;
import java.util.List;
import java.util.SplittableRandom;

/** A client or a backend that plays a script and, beside it, reads what arrives at its own pace. */
final class ScriptedPeer implements TcpEnd.Application {

    /** One thing that a peer does. */
    sealed interface Step {
        record Send(int bytes) implements Step {}

        /** Shuts down sending and goes on reading. */
        record Finish() implements Step {}

        record Reset() implements Step {}

        /** Closes both ways at once. */
        record Close() implements Step {}

        record Pause(long nanos) implements Step {}

        /** Goes on once the other's end was read: a server that answers when the question is complete. */
        record AwaitEnd() implements Step {}

        /** Goes on once so many bytes were read in all. */
        record AwaitBytes(long total) implements Step {}

        /** Goes on once the other's kernel has all that was sent. */
        record AwaitDelivery() implements Step {}

        /** Reads nothing for a while, or never again. */
        record StopReading(long nanos) implements Step {}
    }

    /** Never again, for {@link Step.StopReading}. */
    static final long FOR_EVER = Long.MAX_VALUE;

    private final Side side;
    private final VirtualTime time;
    private final SplittableRandom random;
    private final Iterator<Step> script;
    private final int readSize;
    private final long pace;
    private final boolean writesFirst;
    private final TcpEnd socket;
    private long sent;
    private long got;
    private boolean finished;
    private boolean sawEnd;
    private boolean awaiting;
    private long awaitedBytes;
    private boolean awaitsDelivery;
    private boolean left;
    private boolean readPlanned;
    private long stoppedUntil;

    /** @param writesFirst reads nothing while something it sent is still under way, as a program with one thread */
    ScriptedPeer(Side side, VirtualTime time, SplittableRandom random, List<Step> script, TcpEnd.Wire wire,
            int readSize, long pace, boolean writesFirst) {
        this.side = side;
        this.time = time;
        this.random = random;
        this.script = script.iterator();
        this.readSize = readSize;
        this.pace = pace;
        this.writesFirst = writesFirst;
        this.socket = new TcpEnd(time, random, wire, this);
    }

    TcpEnd socket() {
        return socket;
    }

    void start() {
        time.after(delay(), this::next);
    }

    /** Its host vanishes without a FIN or a reset. */
    void die() {
        time.log(() -> side + " dies");
        left = true;
        socket.vanish();
    }

    private void next() {
        if (left || socket.resetArrived() || !script.hasNext()) {
            return;
        }
        Step step = script.next();
        time.log(() -> side + " plays " + step);
        long wait = delay();
        switch (step) {
            case Step.Send(int bytes) -> {
                socket.write(new TcpEnd.Chunk(sent, bytes));
                sent += bytes;
            }
            case Step.Finish() -> {
                finished = true;
                socket.finish();
            }
            case Step.Reset() -> {
                left = true;
                socket.reset();
            }
            case Step.Close() -> {
                left = true;
                finished = true;
                socket.close();
            }
            case Step.AwaitEnd() -> {
                if (!sawEnd) {
                    awaiting = true;
                    return;
                }
            }
            case Step.AwaitBytes(long total) -> {
                if (got < total) {
                    awaitedBytes = total;
                    return;
                }
            }
            case Step.AwaitDelivery() -> {
                if (!socket.allDelivered()) {
                    awaitsDelivery = true;
                    return;
                }
            }
            case Step.Pause(long nanos) -> wait = nanos;
            case Step.StopReading(long nanos) -> {
                stoppedUntil = nanos == FOR_EVER ? FOR_EVER : time.now() + nanos;
                if (nanos != FOR_EVER) {
                    time.at(stoppedUntil, this::readable);
                }
            }
        }
        time.after(wait, this::next);
    }

    @Override
    public void readable() {
        if (!readPlanned) {
            readPlanned = true;
            time.after(delay(), this::readOnce);
        }
    }

    @Override
    public void writable() {
        if (writesFirst) {
            readable();
        }
        if (awaitsDelivery && socket.allDelivered()) {
            awaitsDelivery = false;
            time.after(delay(), this::next);
        }
    }

    private void readOnce() {
        readPlanned = false;
        if (left || time.now() < stoppedUntil || writesFirst && !socket.allDelivered()) {
            return;
        }
        TcpEnd.Chunk chunk = socket.read(readSize);
        if (chunk != null) {
            if (chunk.start() != got) {
                throw new AssertionError(
                        "the " + side + " got byte " + chunk.start() + " where byte " + got + " was due");
            }
            got += chunk.length();
            if (awaitedBytes > 0 && got >= awaitedBytes) {
                awaitedBytes = 0;
                time.after(delay(), this::next);
            }
            readable();
        } else if (socket.finishArrived()) {
            sawEnd = true;
            if (awaiting) {
                awaiting = false;
                next();
            }
        }
    }

    private long delay() {
        return 1 + random.nextLong(pace);
    }

    /** Bytes sent, or still on their way. */
    long sent() {
        return sent;
    }

    /** Bytes read, each the one that was due. */
    long got() {
        return got;
    }

    boolean finished() {
        return finished;
    }

    boolean sawEnd() {
        return sawEnd;
    }

    /** Whether it is closed, reset or dead, and receives nothing any more. */
    boolean left() {
        return left;
    }

    boolean stoppedForEver() {
        return stoppedUntil == FOR_EVER;
    }
}
