package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.unix.FileDescriptor;
import io.sluice.connection.Side;
import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.LinuxCalls;
import io.sluice.linux.SocketOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One of the two sockets of a {@link BareConnection}: reads, writes, splices and closes it. An engine's own class waits for
 * what the kernel has to say of it. Lives on the connection's event loop.
 *
 * <p>What holds between its fields: {@code connecting} ends before {@code writable} begins. {@code pending} and a
 * {@code pipe} that holds something exclude each other, and with either this socket is not {@code writable} and the other
 * one is not read. {@code held} is the client's alone, and only until an endpoint is connected. After {@code finished}
 * nothing is read, after {@code closed} nothing is done.
 */
abstract class BareEnd {

    /** After so many reads in a row that filled the buffer a direction is spliced … */
    private static final int FULL_READS = 4;
    /** … until it has brought less than this … */
    private static final int SHORT_SPLICE = LoopConnections.READ_BYTES / 2;
    /** … so many times in a row. */
    private static final int SHORT_SPLICES = 4;
    /** A connection that was sent no more needs no bound for what the kernel keeps of it. */
    private static final int SHORT_BYTES = 64 * 1024;

    final BareConnection connection;
    final Side side;
    final int fd;
    final FileDescriptor socket;
    boolean connecting;
    /** The machine wants to read. */
    boolean reading;
    /** The kernel may have something for us: data, an end or an error. */
    boolean readable;
    /** The kernel takes what is written. */
    boolean writable;
    /** TCP_NODELAY is set: what the first write needs not, as nothing is under way that it could wait for. */
    private boolean undelayed;
    private boolean written;
    /** TCP_NOTSENT_LOWAT is set: it costs bulk a tenth of its CPU time, and is for many connections together. */
    private boolean unsentBounded;
    /** An end, an error or an urgent byte was announced: a short read does not mean that the kernel has no more. */
    boolean mayHaveMore;
    /** An end has been read. */
    boolean finished;
    boolean closed;
    /** What this socket has not taken yet, ready to be got; null for nothing. */
    @Nullable
    ByteBuf pending;
    /** For the client's end only: what it has sent before an endpoint is connected. */
    @Nullable
    ByteBuf held;
    /** Bulk: what is read here goes through a pipe. */
    boolean splicing;
    /** Reads in a row that speak for the other way. */
    private int streak;
    /** What comes to this socket through a pipe; null while nothing is under way. */
    @Nullable
    Pipe pipe;

    BareEnd(BareConnection connection, Side side, int fd) {
        this.connection = connection;
        this.side = side;
        this.fd = fd;
        this.socket = new FileDescriptor(fd);
        this.writable = side == Side.CLIENT;
        // The client's socket has from its listener what is set here.
        this.undelayed = side == Side.CLIENT;
    }

    /** Begins to wait for what the kernel has to say; whether it could, it may not for want of kernel memory. */
    abstract boolean register();

    /** Reads as long as there is something to read and it may be. */
    abstract void pump();

    /** The kernel takes no more: {@link #flush} is wanted when it does. */
    abstract void awaitRoom();

    /** Closes the descriptor, at the latest when this round of events is over. */
    abstract void shut();

    /** Whether there is a place for what would be read. */
    final boolean mayRead() {
        if (!reading || finished || closed) {
            return false;
        }
        if (connection.machine.discards(side)) {
            return true;
        }
        if (!connection.connected()) {
            return side == Side.CLIENT && held == null && !connection.owner.budget().isShort();
        }
        BareEnd sink = connection.end(side.other());
        return sink != null && sink.pending == null && (sink.pipe == null || sink.pipe.held() == 0)
                && (sink.writable || !connection.owner.budget().isShort());
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
        BareEnd sink = connection.end(side.other());
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
            connection.machine.failed(side, connection.owner.now());
            return;
        }
        if (n > 0) {
            // Less than there is room for: the kernel has no more, and says so when it has (epoll(7)).
            readable = mayHaveMore || n == buffer.capacity();
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
     * Takes from this socket what {@code sink} takes from us, and leaves the rest in the kernel: a system call more for
     * each read, and nothing is held.
     */
    private void relayOnce(BareEnd sink) {
        int room = connection.owner.readBuffer().capacity();
        int n;
        try {
            n = connection.calls.peek(fd, connection.owner.readAddress(), room);
        } catch (IOException e) {
            readable = false;
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

    /** Takes {@code bytes} that are there out of the socket; whether it could. */
    private boolean discard(int bytes) {
        try {
            for (int rest = bytes; rest > 0;) {
                int n = connection.calls.discard(fd, connection.owner.readAddress(), rest);
                if (n <= 0) {
                    throw new IOException("what was peeked at is not there");
                }
                rest -= n;
            }
            return true;
        } catch (IOException e) {
            readable = false;
            connection.machine.failed(side, connection.owner.now());
            return false;
        }
    }

    /** Reads that fill the buffer, one after the other, are bulk. */
    final void count(boolean full) {
        streak = full ? streak + 1 : 0;
        if (streak >= FULL_READS) {
            splicing = true;
            streak = 0;
        }
    }

    /** Whether something came; if not, only a read tells whether that is all for now or for ever. */
    private boolean spliceOnce(BareEnd sink) {
        Pipe through = sink.pipe;
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
            connection.machine.failed(side, connection.owner.now());
            return true;
        }
        if (n == 0) {
            sink.releasePipe();
            return false;
        }
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

    /** Gives this socket what is in its pipe. */
    final void drainPipe() {
        Pipe through = pipe;
        if (through == null || closed) {
            return;
        }
        int n = 0;
        if (writable) {
            try {
                boundUnsent();
                n = through.drain(socket);
            } catch (IOException e) {
                releasePipe();
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

    /** An empty pipe is for others to use; one that is not is closed, its bytes have nowhere to go. */
    private void releasePipe() {
        Pipe through = pipe;
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
        BareEnd sink = connection.end(side.other());
        if (sink != null) {
            sink.write(buffer, length);
        }
    }

    /** Writes the first {@code length} bytes of the event loop's buffer, and keeps what is not taken. */
    final void write(ByteBuffer buffer, int length) {
        int n = 0;
        if (writable && !closed) {
            try {
                n = send(connection.owner.readAddress(), length);
            } catch (IOException e) {
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
     * Tells the endpoint whom it speaks with. Whether it took that: if not, the attempt has failed, as nothing of
     * the client's has been sent. The send queue of a new socket has room for a header.
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

    /** Writes what is kept for this socket: from before it was connected, or from a write that was not taken. */
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
            try {
                connection.calls.shutdownOutput(fd);
            } catch (IOException e) {
                ProxiedConnection.LOG.debug("the end could not be told: {}", e.getMessage());
            }
        }
    }

    /** Ends its use: what was written before still goes out. */
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

    /** Closes with a reset when the other end has what was written, or is gone, or takes too long. */
    void resetAfterDelivery() {
        if (closed) {
            return;
        }
        reading = false;
        resetOnClose(); // from now on: this process may end before it is delivered
        connection.owner.delivering(this);
        resetOnceDelivered(connection.owner.now() + connection.owner.limits().flushTimeout());
    }

    private void resetOnceDelivered(long deadline) {
        if (closed) {
            return; // with the event loop
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

    /** A peer that writes before it reads on takes what is under way only when what it writes is taken. */
    private void discardReceived() {
        try {
            int reads = 0;
            while (reads < BareConnection.READS_IN_A_ROW
                    && connection.calls.discard(fd, connection.owner.readAddress(), LoopConnections.READ_BYTES) > 0) {
                reads++;
            }
        } catch (IOException e) {
            ProxiedConnection.LOG.debug("the socket is gone already: {}", e.getMessage());
        }
    }

    /** Whether something is under way that may still arrive. */
    private boolean deliverable() {
        try {
            return LinuxCalls.unacknowledged(fd) > 0 && !connection.calls.gone(fd);
        } catch (IOException e) {
            ProxiedConnection.LOG.debug("the socket cannot be asked: {}", e.getMessage());
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
