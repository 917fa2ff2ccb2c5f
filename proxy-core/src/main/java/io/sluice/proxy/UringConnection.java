package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.sluice.connection.Side;
import io.sluice.linux.Errno;
import java.io.IOException;

/**
 * A connection over two bare sockets on a {@link Ring}.
 *
 * <p>Each direction has asked for one read, as long as there is a place for what it brings. What was read is written to
 * the other socket from the same buffer, and the next read is asked for with it: one system call for all that happens in a
 * round of the event loop. A write that the kernel does not take as a whole goes on as with epoll.
 */
final class UringConnection extends BareConnection {

    private static final int READ = 1;
    private static final int CONNECTED = 2;
    private static final int WATCHED = 3;
    private static final int READABLE = 4;

    private static final int ENOBUFS = Errno.ENOBUFS.number();
    private static final int EAGAIN = Errno.EAGAIN.number();
    private static final int ECANCELED = Errno.ECANCELED.number();
    private static final int EINTR = Errno.EINTR.number();

    private final Ring ring;

    /** @param client the descriptor of a socket with TCP_NODELAY and SO_KEEPALIVE */
    UringConnection(Arrival arrival, LoopConnections owner, int client) {
        super(arrival, owner, client);
        this.ring = owner.ring();
    }

    @Override
    BareEnd end(Side side, int fd) {
        return new UringEnd(side, fd);
    }

    @Override
    void buffersShort() {
        ((UringEnd) client).cancelReceive();
        if (backend instanceof UringEnd end) {
            end.cancelReceive();
        }
    }

    private void goOn() {
        pump();
        rearm();
    }

    private final class UringEnd extends BareEnd {

        private final Answers answers = new Answers();
        private boolean asked;
        /** What was asked for is a read of the ring's. */
        private boolean receiving;
        private boolean watching;
        private boolean knownEmpty;
        /** What is under way to this socket, in a buffer of the ring's. */
        private int sendBuffer;
        private int sendLength;
        private int sendResult;

        UringEnd(Side side, int fd) {
            super(UringConnection.this, side, fd);
        }

        @Override
        boolean register() {
            ring.enter(answers);
            if (connecting) {
                ring.poll(answers, CONNECTED, fd, Ring.POLLOUT, false);
            }
            return true;
        }

        @Override
        void pump() {
            if (asked || connecting) {
                return;
            }
            if (!mayRead()) {
                if (!closed && (finished || !connected())) {
                    watch();
                }
                return;
            }
            if (!connected() || !splicing && !owner.budget().isShort()) {
                receive();
                return;
            }
            if (sendLength > 0 || end(side.other()) instanceof UringEnd sink && sink.sendLength > 0) {
                // What goes through a pipe must not overtake a write. And the kernel tells of a reset once: if a write to
                // this socket was told, what is read here looks like an end until that write is counted.
                ring.hurry();
                return;
            }
            for (int reads = 0; readable && mayRead() && reads < READS_IN_A_ROW; reads++) {
                readOnce();
            }
            if (mayRead()) {
                // Nothing there, or others have their turn.
                asked = true;
                ring.poll(answers, READABLE, fd, Ring.POLLIN, false);
            }
        }

        private void receive() {
            asked = true;
            receiving = true;
            ring.receive(answers, READ, fd, knownEmpty);
        }

        /** What was asked for would be held: from now on the socket is read when the other one takes what is read. */
        private void cancelReceive() {
            if (receiving && !closed) {
                ring.cancel(answers, READ);
            }
        }

        /** Errors, and room for what waits: told each time, from now on. */
        private void watch() {
            if (!watching) {
                watching = true;
                ring.poll(answers, WATCHED, fd, Ring.POLLOUT, true);
            }
        }

        @Override
        void awaitRoom() {
            watch();
        }

        @Override
        void shut() {
            ring.close(answers, fd);
        }

        private void received(int result, int flags) {
            asked = false;
            receiving = false;
            boolean filled = (flags & RingMemory.BUFFER) != 0;
            int buffer = flags >>> 16;
            if (result == -ENOBUFS && !closed) {
                asked = true;
                ring.starved(answers);
                return;
            }
            if (filled && (result <= 0 || closed)) {
                ring.giveBack(buffer);
            }
            if (closed) {
                return;
            }
            knownEmpty = false;
            if (result > 0) {
                knownEmpty = (flags & RingMemory.NOT_EMPTY) == 0;
                readable = true;
                count(result == RingMemory.BUFFER_BYTES);
                boolean inUse = false;
                try {
                    inUse = machine.received(side, result, owner.now()) && passFrom(buffer, result);
                } finally {
                    if (!inUse) {
                        ring.giveBack(buffer);
                    }
                }
            } else if (result == 0) {
                finished = true;
                machine.finished(side, owner.now());
            } else if (result != -EAGAIN && result != -EINTR && result != -ECANCELED) {
                machine.failed(side, owner.now());
            }
            goOn();
        }

        /** Whether the buffer is in use until it is {@link #sent}. */
        private boolean passFrom(int buffer, int length) {
            if (!connected()) {
                held = owner.copy(ring.bytes(buffer, length), 0, length);
                return false;
            }
            return end(side.other()) instanceof UringEnd sink && !sink.closed && sink.sendFrom(buffer, length);
        }

        private boolean sendFrom(int buffer, int length) {
            ByteBuf rest = pending;
            if (rest != null) {
                // Read before it was known that the write before it was not taken.
                pending = owner.join(rest, ring.bytes(buffer, length));
                return false;
            }
            try {
                beforeWrite();
            } catch (IOException e) {
                machine.writeFailed(side, owner.now());
                return false;
            }
            sendBuffer = buffer;
            sendLength = length;
            sendResult = length;
            ring.send(answers, fd, ring.address(buffer), length);
            return true;
        }

        private void sent() {
            int length = sendLength;
            int taken = sendResult == -EAGAIN || sendResult == -EINTR ? 0 : sendResult;
            sendLength = 0;
            try {
                if (taken >= 0 && taken < length && !closed) {
                    pending = owner.copy(ring.bytes(sendBuffer, length), taken, length);
                    writable = false;
                    awaitRoom();
                }
            } finally {
                ring.giveBack(sendBuffer);
            }
            if (closed) {
                return;
            }
            if (taken < 0) {
                machine.writeFailed(side, owner.now());
            } else if (taken > 0) {
                delivered(side, taken);
            }
            goOn();
        }

        private void watched(int events, boolean more) {
            watching = more;
            if (closed) {
                return;
            }
            if ((events & (Ring.POLLOUT | Ring.POLLERR)) != 0 && !connecting) {
                writable = true;
                flush();
            }
            if ((events & Ring.POLLERR) != 0 && !closed && (finished || !connected())) {
                machine.failed(side, owner.now());
            }
            goOn();
        }

        private final class Answers extends Ring.Asker {

            @Override
            void answered(int what, int result, int flags) {
                switch (what) {
                    case READ -> received(result, flags);
                    case CONNECTED -> {
                        if (!closed && finishConnect((result & (Ring.POLLERR | Ring.POLLHUP)) != 0)) {
                            goOn();
                        }
                    }
                    case WATCHED -> watched(result, (flags & RingMemory.MORE) != 0);
                    case READABLE -> {
                        asked = false;
                        readable = true;
                        mayHaveMore = true; // read on until there is nothing: the end itself announces nothing more
                        if (!closed) {
                            goOn();
                        }
                    }
                    default -> throw new IllegalStateException("unknown answer " + what);
                }
            }

            @Override
            void fault(Throwable fault) {
                UringConnection.this.fault(fault);
            }

            @Override
            void refused(int result) {
                sendResult = result;
            }

            @Override
            void sent() {
                UringEnd.this.sent();
            }

            @Override
            void fed() {
                asked = false;
                if (!closed) {
                    goOn();
                }
            }
        }
    }
}
