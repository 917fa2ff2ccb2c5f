package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.sluice.connection.Side;
import io.sluice.linux.Errno;
import io.sluice.uring.Ring;
import io.sluice.uring.Submitter;
import java.io.IOException;

/**
 * A connection over two native sockets on a {@link Ring}.
 *
 * <p>Each direction has one receive in flight, as long as there is room for its bytes. What was received is sent to
 * the other socket from the same buffer, and the next receive is submitted with the send: one system call for all that
 * happens in a round of the event loop. A send that the kernel does not accept as a whole goes on as with epoll.
 */
final class UringConnection extends NativeConnection {

    private static final int READ = 1;
    private static final int CONNECTED = 2;
    private static final int WATCHED = 3;
    private static final int READABLE = 4;

    private static final int ENOBUFS = Errno.ENOBUFS.number();
    private static final int EAGAIN = Errno.EAGAIN.number();
    private static final int ECANCELED = Errno.ECANCELED.number();
    private static final int EINTR = Errno.EINTR.number();

    private final Ring ring;
    /** Nothing is received, so that the connection can be handed to the kernel. */
    private boolean quiescing;

    /** @param client the descriptor of a socket with TCP_NODELAY and SO_KEEPALIVE */
    UringConnection(AcceptedClient accepted, EventLoopContext owner, int client) {
        super(accepted, owner, client);
        this.ring = owner.ring();
    }

    @Override
    NativeEnd end(Side side, int fd) {
        return new UringEnd(side, fd);
    }

    @Override
    boolean quiesce() {
        quiescing = true;
        boolean quiet = ((UringEnd) client).stopReceiving();
        return (!(backend instanceof UringEnd end) || end.stopReceiving()) && quiet;
    }

    @Override
    void resume() {
        quiescing = false;
        goOn();
    }

    /** A receive has ended: if it was the last one, all is quiet. */
    private boolean isQuietNow() {
        return quiescing && !((UringEnd) client).awaiting && !(backend instanceof UringEnd end && end.awaiting);
    }

    @Override
    void buffersShort() {
        ((UringEnd) client).cancelReceive();
        if (backend instanceof UringEnd end) {
            end.cancelReceive();
        }
    }

    private void goOn() {
        if (isQuietNow()) {
            handOff();
            return;
        }
        pump();
        rearm();
    }

    private final class UringEnd extends NativeEnd {

        private final Operations operations = new Operations();
        /** A receive or a poll is in flight, or the ring is out of buffers: do not submit another. */
        private boolean awaiting;
        /** The operation in flight is a receive. */
        private boolean receiving;
        private boolean watching;
        private boolean knownEmpty;
        /** The send in flight to this socket: a provided buffer, how much of it, and how much the kernel accepted. */
        private int sendBuffer;
        private int sendLength;
        private int sendResult;

        UringEnd(Side side, int fd) {
            super(UringConnection.this, side, fd);
        }

        @Override
        boolean register() {
            ring.register(operations);
            if (connecting) {
                ring.poll(operations, CONNECTED, fd, Ring.POLLOUT, false);
            }
            return true;
        }

        @Override
        void pump() {
            if (awaiting || connecting || quiescing) {
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
                // Bytes through a pipe must not overtake a send. And the kernel reports a reset only once: if a send to
                // this socket got it, a read looks like an end until that send is accounted for.
                ring.doNotBlock();
                return;
            }
            for (int reads = 0; readable && mayRead() && reads < READS_IN_A_ROW; reads++) {
                readOnce();
            }
            if (mayRead()) {
                // Nothing to read, or others have their turn.
                awaiting = true;
                ring.poll(operations, READABLE, fd, Ring.POLLIN, false);
            }
        }

        private void receive() {
            awaiting = true;
            receiving = true;
            ring.receive(operations, READ, fd, knownEmpty);
        }

        /** Whether nothing is in flight. */
        private boolean stopReceiving() {
            if (awaiting && !closed) {
                ring.cancel(operations, receiving ? READ : READABLE);
            }
            return !awaiting;
        }

        /** Its bytes would have to be held: from now on the socket is read only when the other one accepts what is read. */
        private void cancelReceive() {
            if (receiving && !closed) {
                ring.cancel(operations, READ);
            }
        }

        /** Submits a multishot poll for errors, and for room for what waits. */
        private void watch() {
            if (!watching) {
                watching = true;
                ring.poll(operations, WATCHED, fd, Ring.POLLOUT, true);
            }
        }

        @Override
        void awaitRoom() {
            watch();
        }

        @Override
        void shut() {
            ring.close(operations, fd);
        }

        private void received(int result, int flags) {
            awaiting = false;
            receiving = false;
            boolean filled = (flags & Ring.CQE_F_BUFFER) != 0;
            int buffer = flags >>> 16;
            if (result == -ENOBUFS && !closed) {
                awaiting = true;
                ring.awaitBuffers(operations);
                return;
            }
            if (filled && (result <= 0 || closed)) {
                ring.recycle(buffer);
            }
            if (closed) {
                return;
            }
            knownEmpty = false;
            if (result > 0) {
                knownEmpty = (flags & Ring.CQE_F_SOCK_NONEMPTY) == 0;
                readable = true;
                heard = true;
                count(result == Ring.BUFFER_BYTES);
                boolean inUse = false;
                try {
                    inUse = machine.received(side, result, owner.now()) && passFrom(buffer, result);
                } finally {
                    if (!inUse) {
                        ring.recycle(buffer);
                    }
                }
            } else if (result == 0) {
                finished = true;
                machine.finished(side, owner.now());
            } else if (result != -EAGAIN && result != -EINTR && result != -ECANCELED) {
                noteCause(Errno.of(-result));
                machine.failed(side, owner.now());
            }
            goOn();
        }

        /** Passes bytes on from a buffer; whether the buffer is in use until it is {@link #sent}. */
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
                // Read before it was known that the previous write was not accepted.
                pending = owner.join(rest, ring.bytes(buffer, length));
                return false;
            }
            try {
                beforeWrite();
            } catch (IOException e) {
                noteCause(e);
                machine.writeFailed(side, owner.now());
                return false;
            }
            sendBuffer = buffer;
            sendLength = length;
            sendResult = length;
            ring.send(operations, fd, ring.address(buffer), length);
            return true;
        }

        private void sendCompleted() {
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
                ring.recycle(sendBuffer);
            }
            if (closed) {
                return;
            }
            sent(); // the kernel may have been asked between the submission and now
            if (taken < 0) {
                noteCause(Errno.of(-taken));
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
                noteCause();
                machine.failed(side, owner.now());
            }
            goOn();
        }

        private final class Operations extends Submitter {

            @Override
            protected void onCompletion(int kind, int result, int flags) {
                switch (kind) {
                    case READ -> received(result, flags);
                    case CONNECTED -> {
                        if (!closed && finishConnect((result & (Ring.POLLERR | Ring.POLLHUP)) != 0)) {
                            goOn();
                        }
                    }
                    case WATCHED -> watched(result, (flags & Ring.CQE_F_MORE) != 0);
                    case READABLE -> {
                        awaiting = false;
                        readable = true;
                        mayHaveMore = true; // read on until nothing is left: after the end nothing more is reported
                        if (!closed) {
                            goOn();
                        }
                    }
                    default -> throw new IllegalStateException("unknown kind of operation " + kind);
                }
            }

            @Override
            protected void onFault(Throwable fault) {
                UringConnection.this.fault(fault);
            }

            @Override
            protected void onShortSend(int result) {
                sendResult = result;
            }

            @Override
            protected void onSent() {
                UringEnd.this.sendCompleted();
            }

            @Override
            protected void onBuffersAvailable() {
                awaiting = false;
                if (!closed) {
                    goOn();
                }
            }
        }
    }
}
