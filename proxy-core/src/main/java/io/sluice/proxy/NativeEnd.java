package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.unix.FileDescriptor;
import io.sluice.connection.PeerSilence;
import io.sluice.connection.Side;
import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.LinuxCalls;
import io.sluice.linux.SocketFailures;
import io.sluice.linux.SocketOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One of the two sockets of a {@link NativeConnection}: reads, writes, splices and closes it. A subclass of each engine
 * waits for events of the kernel. Lives on the connection's event loop.
 *
 * <p>Invariants of its fields: {@code connecting} ends before {@code writable} begins. {@code pending} and a
 * {@code pipe} that holds something exclude each other, and with either this socket is not {@code writable} and the other
 * one is not read. Only the client's socket has {@code held}, and only until an endpoint is connected. After {@code finished}
 * nothing is read, after {@code closed} nothing is done.
 */
abstract class NativeEnd {

    /** After this many reads in a row that fill the buffer a direction is spliced … */
    private static final int FULL_READS = 4;
    /** … until a splice has moved less than this … */
    private static final int SHORT_SPLICE = EventLoopContext.READ_BYTES / 2;
    /** … this many times in a row. */
    private static final int SHORT_SPLICES = 4;
    /** A connection that has sent no more needs no limit for what the kernel keeps for it. */
    private static final int SHORT_BYTES = 64 * 1024;

    final NativeConnection connection;
    final Side side;
    final int fd;
    final FileDescriptor socket;
    boolean connecting;
    /** The machine wants to read. */
    boolean reading;
    /** The kernel may have something to read: data, an end or an error. */
    boolean readable;
    /** The kernel accepts what is written. */
    boolean writable;
    /** TCP_NODELAY is set. The first write does not need it: nothing is in flight that it could wait for. */
    private boolean undelayed;
    private boolean written;
    /** Something came from the peer since {@link #isInDoubt} was last asked. */
    boolean heard;
    /** Something may be under way to the peer; if so, the {@link DeadPeerSweep} looks at it once it has lived for a while. */
    boolean unsettled;
    /** Null as long as nothing was seen to wait for the peer's answer. */
    @Nullable
    PeerSilence silence;
    /** TCP_NOTSENT_LOWAT is set: it costs bulk a tenth of its CPU time, and is for many connections together. */
    private boolean unsentBounded;
    /** The kernel has reported an end, an error or an urgent byte: a short read does not mean that it has no more. */
    boolean mayHaveMore;
    /** An end has been read. */
    boolean finished;
    boolean closed;
    /** Bytes that this socket has not accepted yet; null for none. */
    @Nullable
    ByteBuf pending;
    /** The client's end only: bytes that it has sent before an endpoint is connected. */
    @Nullable
    ByteBuf held;
    /** Bulk: bytes that are read here go through a pipe. */
    boolean splicing;
    /** Reads in a row that call for a change between reading and splicing. */
    private int streak;
    /** The pipe to this socket; null while it is not in use. */
    @Nullable
    SplicePipe pipe;

    NativeEnd(NativeConnection connection, Side side, int fd) {
        this.connection = connection;
        this.side = side;
        this.fd = fd;
        this.socket = new FileDescriptor(fd);
        this.writable = side == Side.CLIENT;
        // The client's socket inherits from its listener what is set here.
        this.undelayed = side == Side.CLIENT;
    }

    /** Begins to wait for events; false if the kernel has no memory for it. */
    abstract boolean register();

    /** Reads as long as there is something to read and reading is allowed. */
    abstract void pump();

    /** The kernel accepts no more: {@link #flush} has to be called when it does. */
    abstract void awaitRoom();

    /** Closes the descriptor, at the latest when this round of events is over. */
    abstract void shut();

    /** Whether there is room for what would be read. */
    final boolean mayRead() {
        if (!reading || finished || closed) {
            return false;
        }
        if (connection.machine.discards(side)) {
            return true;
        }
        if (!connection.connected()) {
            return side == Side.CLIENT && held == null && !connection.isHeld() && !connection.owner.budget().isShort();
        }
        NativeEnd sink = connection.end(side.other());
        return sink != null && sink.pending == null && (sink.pipe == null || sink.pipe.held() == 0)
                && (sink.writable || !connection.owner.budget().isShort());
    }

    /** Something goes to the peer now. */
    final void sent() {
        if (!unsettled) {
            unsettled = true;
            connection.watchPeers();
        }
    }

    /** Whether something may be under way to the peer. */
    final boolean mayAwait() {
        return unsettled && !closed;
    }

    /**
     * Whether the kernel is to be asked for the peer: something may be under way to it, and nothing came from it since the
     * last time.
     */
    final boolean isInDoubt() {
        boolean doubted = mayAwait() && !heard;
        if (heard) {
            heard = false;
            silence = null;
        }
        return doubted;
    }

    /** Takes note of why the socket has failed: the kernel may have given up a dead peer. */
    final void noteCause(IOException failure) {
        noteCause(SocketFailures.ofConnection(failure));
    }

    final void noteCause(@Nullable Errno errno) {
        if (errno != null && SocketFailures.isDeadPeer(errno)) {
            connection.machine.dead(side);
        }
    }

    /** The same where no read or write has shown why. */
    final void noteCause() {
        try {
            if (!closed) {
                noteCause(connection.calls.error(fd));
            }
        } catch (IOException e) {
            ProxiedConnection.LOG.debug("the socket cannot be asked for its error: {}", e.getMessage());
        }
    }

    final boolean finishConnect(boolean failed) {
        if (failed) {
            try {
                connection.calls.connected(fd);
            } catch (IOException e) {
                connection.backend = null;
                close();
                connection.backendFailed(e);
                return false;
            }
        }
        connecting = false;
        connection.opened();
        return !closed;
    }

    final void readOnce() {
        NativeEnd sink = connection.end(side.other());
        if (sink != null && connection.connected() && !connection.machine.discards(side)) {
            if (connection.owner.budget().isShort()) {
                relayOnce(sink);
                return;
            }
            if (splicing && spliceOnce(sink)) {
                return;
            }
        }
        ByteBuffer buffer = connection.owner.readBuffer();
        int n;
        try {
            n = connection.calls.receive(fd, connection.owner.readAddress(), buffer.capacity());
        } catch (IOException e) {
            readable = false;
            noteCause(e);
            connection.machine.failed(side, connection.owner.now());
            return;
        }
        if (n > 0) {
            // Less than there is room for: the kernel has no more, and reports new data (epoll(7)).
            readable = mayHaveMore || n == buffer.capacity();
            heard = true;
            count(n == buffer.capacity());
            if (connection.machine.received(side, n, connection.owner.now())) {
                pass(buffer, n);
            }
        } else {
            nothingRead(n < 0);
        }
    }

    private void nothingRead(boolean end) {
        readable = false;
        if (end) {
            finished = true;
            connection.machine.finished(side, connection.owner.now());
        }
    }

    /**
     * Reads from this socket only what {@code sink} accepts, and leaves the rest in the kernel: this costs one more system
     * call for each read, and nothing is held.
     */
    private void relayOnce(NativeEnd sink) {
        int room = connection.owner.readBuffer().capacity();
        int n;
        try {
            n = connection.calls.peek(fd, connection.owner.readAddress(), room);
        } catch (IOException e) {
            readable = false;
            noteCause(e);
            connection.machine.failed(side, connection.owner.now());
            return;
        }
        if (n <= 0) {
            nothingRead(n < 0);
            return;
        }
        int taken;
        try {
            taken = sink.send(connection.owner.readAddress(), n);
        } catch (IOException e) {
            sink.noteCause(e);
            connection.machine.writeFailed(sink.side, connection.owner.now());
            return;
        }
        if (taken < n) {
            sink.writable = false;
            sink.awaitRoom();
        } else {
            readable = mayHaveMore || n == room;
        }
        if (taken > 0 && discard(taken) && connection.machine.received(side, taken, connection.owner.now())) {
            connection.delivered(sink.side, taken);
        }
    }

    /** Reads {@code bytes} that the socket has and discards them; false if that failed. */
    private boolean discard(int bytes) {
        try {
            for (int rest = bytes; rest > 0;) {
                int n = connection.calls.discard(fd, connection.owner.readAddress(), rest);
                if (n <= 0) {
                    throw new IOException("what was peeked at is not there");
                }
                rest -= n;
            }
            heard = true;
            return true;
        } catch (IOException e) {
            readable = false;
            noteCause(e);
            connection.machine.failed(side, connection.owner.now());
            return false;
        }
    }

    /** Counts reads that fill the buffer: several in a row are bulk. */
    final void count(boolean full) {
        streak = full ? streak + 1 : 0;
        if (streak >= FULL_READS) {
            splicing = true;
            streak = 0;
        }
    }

    /** Splices once; whether anything came. If not, only a read shows whether the socket is empty or has ended. */
    private boolean spliceOnce(NativeEnd sink) {
        SplicePipe through = sink.pipe;
        if (through == null) {
            through = connection.owner.pipe();
            if (through == null) {
                splicing = false;
                return false;
            }
            sink.pipe = through;
        }
        int n;
        try {
            n = through.fill(socket);
        } catch (IOException e) {
            sink.releasePipe();
            readable = false;
            noteCause(e);
            connection.machine.failed(side, connection.owner.now());
            return true;
        }
        if (n == 0) {
            sink.releasePipe();
            return false;
        }
        heard = true;
        streak = n < SHORT_SPLICE ? streak + 1 : 0;
        if (streak >= SHORT_SPLICES) {
            splicing = false;
            streak = 0;
        }
        if (connection.machine.received(side, n, connection.owner.now())) {
            sink.drainPipe();
        } else {
            sink.releasePipe();
        }
        return true;
    }

    /** Moves what is in its pipe to this socket. */
    final void drainPipe() {
        SplicePipe through = pipe;
        if (through == null || closed) {
            return;
        }
        int n = 0;
        if (writable) {
            try {
                boundUnsent();
                sent();
                n = through.drain(socket);
            } catch (IOException e) {
                releasePipe();
                noteCause(e);
                connection.machine.writeFailed(side, connection.owner.now());
                return;
            }
        }
        through.count();
        if (through.held() > 0) {
            writable = false;
            awaitRoom();
        }
        if (n > 0) {
            connection.delivered(side, n);
        }
    }

    /** Gives an empty pipe back for reuse; closes one that is not empty, as its bytes have no destination. */
    private void releasePipe() {
        SplicePipe through = pipe;
        pipe = null;
        if (through != null) {
            connection.owner.giveBack(through);
        }
    }

    final void pass(ByteBuffer buffer, int length) {
        if (!connection.connected()) {
            held = connection.owner.copy(buffer, 0, length);
            return;
        }
        NativeEnd sink = connection.end(side.other());
        if (sink != null) {
            sink.write(buffer, length);
        }
    }

    /** Writes the first {@code length} bytes of the event loop's buffer, and keeps what the kernel does not accept. */
    final void write(ByteBuffer buffer, int length) {
        int n = 0;
        if (writable && !closed) {
            try {
                n = send(connection.owner.readAddress(), length);
            } catch (IOException e) {
                noteCause(e);
                connection.machine.writeFailed(side, connection.owner.now());
                return;
            }
        }
        if (n < length) {
            writable = false;
            pending = connection.owner.copy(buffer, n, length);
            awaitRoom();
        }
        if (n > 0) {
            connection.delivered(side, n);
        }
    }

    final int send(long address, int length) throws IOException {
        beforeWrite();
        return connection.calls.send(fd, address, length);
    }

    final void beforeWrite() throws IOException {
        if (!undelayed && written) {
            connection.calls.option(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_NODELAY, 1);
            undelayed = true;
        }
        written = true;
        sent();
        if (connection.machine.deliveredTo(side) >= SHORT_BYTES) {
            boundUnsent();
        }
    }

    private void boundUnsent() throws IOException {
        if (!unsentBounded && connection.owner.isCrowded()) {
            unsentBounded = true;
            connection.calls.option(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_NOTSENT_LOWAT,
                    connection.owner.unsentBytes());
        }
    }

    /**
     * Sends the header of the PROXY protocol; false if the kernel did not accept it. Then the attempt has failed, as none of
     * the client's bytes have been sent. The send queue of a new socket has room for a header.
     */
    boolean writeHeader() {
        byte[] header = connection.header();
        if (header.length == 0) {
            return true;
        }
        connection.owner.readBuffer().put(0, header);
        IOException failure;
        try {
            if (send(connection.owner.readAddress(), header.length) == header.length) {
                return true;
            }
            failure = new ErrnoException("the PROXY protocol header", Errno.ENOBUFS);
        } catch (IOException e) {
            failure = e;
        }
        connection.backend = null;
        close();
        connection.backendFailed(failure);
        return false;
    }

    /** Writes what is kept for this socket: from before it was connected, or from a write that was not accepted. */
    void flush() {
        if (side == Side.BACKEND && connection.client.held != null) {
            pending = connection.client.held;
            connection.client.held = null;
        }
        drainPipe();
        ByteBuf rest = pending;
        if (rest == null || closed) {
            return;
        }
        int n;
        try {
            n = send(rest.memoryAddress() + rest.readerIndex(), rest.readableBytes());
        } catch (IOException e) {
            releaseBuffers();
            noteCause(e);
            connection.machine.writeFailed(side, connection.owner.now());
            return;
        }
        rest.skipBytes(n);
        if (rest.isReadable()) {
            writable = false;
            awaitRoom();
        } else {
            pending = null;
            connection.owner.giveBack(rest);
        }
        if (n > 0) {
            connection.delivered(side, n);
        }
    }

    void finish() {
        if (!closed) {
            sent();
            try {
                connection.calls.shutdownOutput(fd);
            } catch (IOException e) {
                ProxiedConnection.LOG.debug("the end could not be sent: {}", e.getMessage());
            }
        }
    }

    /** Closes this socket: what was written before still goes out. */
    public final void close() {
        if (!closed) {
            closed = true;
            releaseBuffers();
            shut();
        }
    }

    void reset() {
        if (!closed) {
            resetOnClose();
            close();
        }
    }

    private void resetOnClose() {
        try {
            connection.calls.resetOnClose(fd);
        } catch (IOException e) {
            ProxiedConnection.LOG.debug("the socket is gone already: {}", e.getMessage());
        }
    }

    /** Closes with a reset when the peer has acknowledged what was written, or is gone, or takes too long. */
    void resetAfterDelivery() {
        if (closed) {
            return;
        }
        reading = false;
        resetOnClose(); // already now: this process may end before it is delivered
        connection.owner.delivering(this);
        resetOnceDelivered(connection.owner.now() + connection.owner.limits().flushTimeout());
    }

    private void resetOnceDelivered(long deadline) {
        if (closed) {
            return; // the event loop ends
        }
        if (deliverable() && connection.owner.now() < deadline) {
            discardReceived();
            connection.owner.eventLoop().schedule(() -> connection.contain(() -> resetOnceDelivered(deadline)),
                    ProxiedConnection.DELIVERY_POLL_MILLIS,
                    TimeUnit.MILLISECONDS);
        } else {
            connection.owner.delivered(this);
            close();
        }
    }

    /** A peer that writes before it reads on accepts what is in flight only after its own bytes are read. */
    private void discardReceived() {
        try {
            int reads = 0;
            while (reads < NativeConnection.READS_IN_A_ROW
                    && connection.calls.discard(fd, connection.owner.readAddress(), EventLoopContext.READ_BYTES) > 0) {
                reads++;
            }
        } catch (IOException e) {
            ProxiedConnection.LOG.debug("the socket is gone already: {}", e.getMessage());
        }
    }

    /** Whether bytes are in flight that may still arrive. */
    private boolean deliverable() {
        try {
            return LinuxCalls.unacknowledged(fd) > 0 && !connection.calls.gone(fd);
        } catch (IOException e) {
            ProxiedConnection.LOG.debug("the state of the socket cannot be read: {}", e.getMessage());
            return false;
        }
    }

    void releaseBuffers() {
        releasePipe();
        ByteBuf rest = pending;
        pending = null;
        if (rest != null) {
            connection.owner.giveBack(rest);
        }
        ByteBuf early = held;
        held = null;
        if (early != null) {
            connection.owner.giveBack(early);
        }
    }
}
