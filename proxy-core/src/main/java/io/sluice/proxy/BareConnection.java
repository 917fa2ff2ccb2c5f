package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.unix.FileDescriptor;
import io.sluice.connection.Side;
import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.LinuxCalls;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemError;
import io.sluice.linux.TcpCalls;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A connection over two bare sockets on an event loop, without channels and pipelines: what the engines for epoll and
 * io_uring have in common, which is all but how they wait.
 *
 * <p>What cannot be written at once is copied into a buffer of the connection's own, and nothing more is read in that
 * direction until it is gone. Bulk goes through a pipe.
 */
abstract sealed class BareConnection extends ProxiedConnection permits EpollConnection, UringConnection {

    /** After so many reads in a row other connections have their turn. */
    static final int READS_IN_A_ROW = 8;
    /** After so many reads in a row that filled the buffer a direction is spliced … */
    private static final int FULL_READS = 4;
    /** … until it has brought less than this … */
    private static final int SHORT_SPLICE = LoopConnections.READ_BYTES / 2;
    /** … so many times in a row. */
    private static final int SHORT_SPLICES = 4;
    /** A connection that was sent no more needs no bound for what the kernel keeps of it. */
    private static final int SHORT_BYTES = 64 * 1024;
    /** So many ports of a client's address are tried for one connection. */
    private static final int SOURCE_PORTS = 16;

    final TcpCalls calls;
    final End client;
    @Nullable
    End backend;

    /** @param client the descriptor of a socket with TCP_NODELAY and SO_KEEPALIVE */
    BareConnection(Arrival arrival, LoopConnections owner, int client) {
        super(arrival, owner);
        this.calls = owner.calls();
        this.client = end(Side.CLIENT, client);
    }

    /** A socket of this engine's. */
    abstract End end(Side side, int fd);

    @Override
    void start() {
        if (!client.register()) {
            machine.failed(Side.CLIENT, owner.now());
        }
        super.start();
        pump();
    }

    @Override
    void open(EndpointAddress address) {
        InetAddress source = source(address);
        IOException failure = open(address, source);
        for (int i = 1; i < SOURCE_PORTS && source != null && failure != null && portInUse(failure); i++) {
            failure = open(address, source);
        }
        End end = backend;
        if (failure != null || end == null) {
            backendFailed(failure == null ? new IOException("closed") : failure);
            return;
        }
        if (!end.register()) {
            backend = null;
            end.close();
            backendFailed(new ErrnoException("the event loop's registration", Errno.ENOMEM));
        } else if (!end.connecting) {
            opened();
        }
    }

    /** Sets {@link #backend} and begins to connect; why that failed, or null. */
    private @Nullable IOException open(EndpointAddress address, @Nullable InetAddress source) {
        End end;
        try {
            end = end(Side.BACKEND, calls.open(address.family() == IpFamily.IPV6));
        } catch (IOException e) {
            return e;
        }
        try {
            if (source != null) {
                calls.option(end.fd, SocketOptions.IPPROTO_IP, SocketOptions.IP_TRANSPARENT, 1);
                calls.option(end.fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_REUSEADDR, 1);
                calls.bind(end.fd, source, owner.sourcePort());
            }
            if (owner.receiveBufferBytes() > 0) {
                calls.option(end.fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVBUF, owner.receiveBufferBytes());
            }
            end.connecting = !calls.connect(end.fd, address.ip(), address.port());
        } catch (IOException e) {
            end.close();
            return e;
        }
        backend = end;
        return null;
    }

    private static boolean portInUse(IOException failure) {
        return failure instanceof SystemError error
                && (error.errno() == Errno.EADDRINUSE || error.errno() == Errno.EADDRNOTAVAIL);
    }

    /** The endpoint took it: what the client has sent by now goes out. */
    private void opened() {
        End end = backend;
        if (end != null) {
            end.writable = true;
            if (!end.writeHeader()) {
                return;
            }
        }
        backendConnected();
        if (end != null) {
            end.flush();
        }
        rearm();
        pump();
    }

    @Override
    void abandon() {
        End attempt = backend;
        backend = null;
        if (attempt != null) {
            // The kernel may have connected it by now: the endpoint must not take this for an empty stream.
            attempt.reset();
        }
    }

    /** Reads from both sides as long as there is something to read and it may be. */
    final void pump() {
        client.pump();
        End end = backend;
        if (end != null) {
            end.pump();
        }
    }

    final @Nullable End end(Side side) {
        return side == Side.CLIENT ? client : backend;
    }

    @Override
    public void read(Side side, boolean enabled) {
        End end = end(side);
        if (end != null) {
            end.reading = enabled;
        }
    }

    @Override
    public void finish(Side side) {
        End end = end(side);
        if (end != null) {
            end.finish();
        }
    }

    @Override
    public void close(Side side) {
        End end = end(side);
        if (end != null) {
            end.close();
        }
    }

    @Override
    public void reset(Side side) {
        End end = end(side);
        if (end != null) {
            end.reset();
        }
    }

    @Override
    public void resetAfterDelivery(Side side) {
        End end = end(side);
        if (end != null) {
            end.resetAfterDelivery();
        }
    }

    /** What only connections that live on need: the first probe is hours away, tcp(7). */
    @Override
    void settled() {
        End end = backend;
        if (end != null && !end.closed) {
            try {
                calls.option(end.fd, SocketOptions.SOL_SOCKET, SocketOptions.SO_KEEPALIVE, 1);
            } catch (IOException e) {
                LOG.debug("no keepalive towards the endpoint: {}", e.getMessage());
            }
        }
    }

    @Override
    void release() {
        client.releaseBuffers();
        End end = backend;
        if (end != null) {
            end.releaseBuffers();
        }
    }

    /** One of the two sockets. */
    abstract class End {

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
        /** An end or an error was announced: only reading on shows where it stands. */
        boolean ending;
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

        End(Side side, int fd) {
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
            if (machine.discards(side)) {
                return true;
            }
            if (!connected()) {
                return side == Side.CLIENT && held == null && !owner.budget().isShort();
            }
            End sink = BareConnection.this.end(side.other());
            return sink != null && sink.pending == null && (sink.pipe == null || sink.pipe.held() == 0)
                    && (sink.writable || !owner.budget().isShort());
        }

        final boolean finishConnect(boolean failed) {
            if (failed) {
                try {
                    calls.connected(fd);
                } catch (IOException e) {
                    backend = null;
                    close();
                    backendFailed(e);
                    return false;
                }
            }
            connecting = false;
            opened();
            return !closed;
        }

        final void readOnce() {
            End sink = end(side.other());
            if (sink != null && connected() && !machine.discards(side)) {
                if (owner.budget().isShort()) {
                    relayOnce(sink);
                    return;
                }
                if (splicing && spliceOnce(sink)) {
                    return;
                }
            }
            ByteBuffer buffer = owner.readBuffer();
            int n;
            try {
                n = calls.receive(fd, owner.readAddress(), buffer.capacity());
            } catch (IOException e) {
                readable = false;
                machine.failed(side, owner.now());
                return;
            }
            if (n > 0) {
                // Less than there is room for: the kernel has no more, and says so when it has (epoll(7)).
                readable = ending || n == buffer.capacity();
                count(n == buffer.capacity());
                if (machine.received(side, n, owner.now())) {
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
                machine.finished(side, owner.now());
            }
        }

        /**
         * Takes from this socket what {@code sink} takes from us, and leaves the rest in the kernel: a system call more for
         * each read, and nothing is held.
         */
        private void relayOnce(End sink) {
            int room = owner.readBuffer().capacity();
            int n;
            try {
                n = calls.peek(fd, owner.readAddress(), room);
            } catch (IOException e) {
                readable = false;
                machine.failed(side, owner.now());
                return;
            }
            if (n <= 0) {
                nothingRead(n < 0);
                return;
            }
            int taken;
            try {
                taken = sink.send(owner.readAddress(), n);
            } catch (IOException e) {
                machine.writeFailed(sink.side, owner.now());
                return;
            }
            if (taken < n) {
                sink.writable = false;
                sink.awaitRoom();
            } else {
                readable = ending || n == room;
            }
            if (taken > 0 && discard(taken) && machine.received(side, taken, owner.now())) {
                delivered(sink.side, taken);
            }
        }

        /** Takes {@code bytes} that are there out of the socket; whether it could. */
        private boolean discard(int bytes) {
            try {
                for (int rest = bytes; rest > 0;) {
                    int n = calls.discard(fd, owner.readAddress(), rest);
                    if (n <= 0) {
                        throw new IOException("what was peeked at is not there");
                    }
                    rest -= n;
                }
                return true;
            } catch (IOException e) {
                readable = false;
                machine.failed(side, owner.now());
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
        private boolean spliceOnce(End sink) {
            Pipe through = sink.pipe;
            if (through == null) {
                through = owner.pipe();
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
                machine.failed(side, owner.now());
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
            if (machine.received(side, n, owner.now())) {
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
                    machine.writeFailed(side, owner.now());
                    return;
                }
            }
            through.count();
            if (through.held() > 0) {
                writable = false;
                awaitRoom();
            }
            if (n > 0) {
                delivered(side, n);
            }
        }

        /** An empty pipe is for others to use; one that is not is closed, its bytes have nowhere to go. */
        private void releasePipe() {
            Pipe through = pipe;
            pipe = null;
            if (through != null) {
                owner.giveBack(through);
            }
        }

        final void pass(ByteBuffer buffer, int length) {
            if (!connected()) {
                held = owner.copy(buffer, 0, length);
                return;
            }
            End sink = end(side.other());
            if (sink != null) {
                sink.write(buffer, length);
            }
        }

        /** Writes the first {@code length} bytes of the event loop's buffer, and keeps what is not taken. */
        final void write(ByteBuffer buffer, int length) {
            int n = 0;
            if (writable && !closed) {
                try {
                    n = send(owner.readAddress(), length);
                } catch (IOException e) {
                    machine.writeFailed(side, owner.now());
                    return;
                }
            }
            if (n < length) {
                writable = false;
                pending = owner.copy(buffer, n, length);
                awaitRoom();
            }
            if (n > 0) {
                delivered(side, n);
            }
        }

        final int send(long address, int length) throws IOException {
            beforeWrite();
            return calls.send(fd, address, length);
        }

        final void beforeWrite() throws IOException {
            if (!undelayed && written) {
                calls.option(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_NODELAY, 1);
                undelayed = true;
            }
            written = true;
            if (machine.deliveredTo(side) >= SHORT_BYTES) {
                boundUnsent();
            }
        }

        private void boundUnsent() throws IOException {
            if (!unsentBounded && owner.isCrowded()) {
                unsentBounded = true;
                calls.option(fd, SocketOptions.IPPROTO_TCP, SocketOptions.TCP_NOTSENT_LOWAT, owner.unsentBytes());
            }
        }

        /**
         * Tells the endpoint whom it speaks with. Whether it took that: if not, the attempt has failed, as nothing of
         * the client's has been sent. The send queue of a new socket has room for a header.
         */
        boolean writeHeader() {
            byte[] header = header();
            if (header.length == 0) {
                return true;
            }
            owner.readBuffer().put(0, header);
            IOException failure;
            try {
                if (send(owner.readAddress(), header.length) == header.length) {
                    return true;
                }
                failure = new ErrnoException("the PROXY protocol header", Errno.ENOBUFS);
            } catch (IOException e) {
                failure = e;
            }
            backend = null;
            close();
            backendFailed(failure);
            return false;
        }

        /** Writes what is kept for this socket: from before it was connected, or from a write that was not taken. */
        void flush() {
            if (side == Side.BACKEND && client.held != null) {
                pending = client.held;
                client.held = null;
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
                machine.writeFailed(side, owner.now());
                return;
            }
            rest.skipBytes(n);
            if (rest.isReadable()) {
                writable = false;
                awaitRoom();
            } else {
                pending = null;
                owner.giveBack(rest);
            }
            if (n > 0) {
                delivered(side, n);
            }
        }

        void finish() {
            if (!closed) {
                try {
                    calls.shutdownOutput(fd);
                } catch (IOException e) {
                    LOG.debug("the end could not be told: {}", e.getMessage());
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
                calls.resetOnClose(fd);
            } catch (IOException e) {
                LOG.debug("the socket is gone already: {}", e.getMessage());
            }
        }

        /** Closes with a reset when the other end has what was written, or is gone, or takes too long. */
        void resetAfterDelivery() {
            if (closed) {
                return;
            }
            reading = false;
            resetOnClose(); // from now on: this process may end before it is delivered
            owner.delivering(this);
            resetOnceDelivered(owner.now() + owner.limits().flushTimeout());
        }

        private void resetOnceDelivered(long deadline) {
            if (closed) {
                return; // with the event loop
            }
            if (deliverable() && owner.now() < deadline) {
                discardReceived();
                owner.eventLoop().schedule(() -> contain(() -> resetOnceDelivered(deadline)), DELIVERY_POLL_MILLIS,
                        TimeUnit.MILLISECONDS);
            } else {
                owner.delivered(this);
                close();
            }
        }

        /** A peer that writes before it reads on takes what is under way only when what it writes is taken. */
        private void discardReceived() {
            try {
                int reads = 0;
                while (reads < READS_IN_A_ROW
                        && calls.discard(fd, owner.readAddress(), LoopConnections.READ_BYTES) > 0) {
                    reads++;
                }
            } catch (IOException e) {
                LOG.debug("the socket is gone already: {}", e.getMessage());
            }
        }

        /** Whether something is under way that may still arrive. */
        private boolean deliverable() {
            try {
                return LinuxCalls.unacknowledged(fd) > 0 && !calls.gone(fd);
            } catch (IOException e) {
                LOG.debug("the socket cannot be asked: {}", e.getMessage());
                return false;
            }
        }

        void releaseBuffers() {
            releasePipe();
            ByteBuf rest = pending;
            pending = null;
            if (rest != null) {
                owner.giveBack(rest);
            }
            ByteBuf early = held;
            held = null;
            if (early != null) {
                owner.giveBack(early);
            }
        }
    }
}
