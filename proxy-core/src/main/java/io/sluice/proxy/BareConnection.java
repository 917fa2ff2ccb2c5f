package io.sluice.proxy;

import io.sluice.connection.Side;
import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemError;
import io.sluice.linux.TcpCalls;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetAddress;
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
    /** So many ports of a client's address are tried for one connection. */
    private static final int SOURCE_PORTS = 16;

    final TcpCalls calls;
    final BareEnd client;
    @Nullable
    BareEnd backend;

    /** @param client the descriptor of a socket with TCP_NODELAY and SO_KEEPALIVE */
    BareConnection(Arrival arrival, LoopConnections owner, int client) {
        super(arrival, owner);
        this.calls = owner.calls();
        this.client = end(Side.CLIENT, client);
    }

    /** A socket of this engine's. */
    abstract BareEnd end(Side side, int fd);

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
        BareEnd end = backend;
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
        BareEnd end;
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
    final void opened() {
        BareEnd end = backend;
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
        BareEnd attempt = backend;
        backend = null;
        if (attempt != null) {
            // The kernel may have connected it by now: the endpoint must not take this for an empty stream.
            attempt.reset();
        }
    }

    /** Reads from both sides as long as there is something to read and it may be. */
    final void pump() {
        client.pump();
        BareEnd end = backend;
        if (end != null) {
            end.pump();
        }
    }

    final @Nullable BareEnd end(Side side) {
        return side == Side.CLIENT ? client : backend;
    }

    @Override
    public void read(Side side, boolean enabled) {
        BareEnd end = end(side);
        if (end != null) {
            end.reading = enabled;
        }
    }

    @Override
    public void finish(Side side) {
        BareEnd end = end(side);
        if (end != null) {
            end.finish();
        }
    }

    @Override
    public void close(Side side) {
        BareEnd end = end(side);
        if (end != null) {
            end.close();
        }
    }

    @Override
    public void reset(Side side) {
        BareEnd end = end(side);
        if (end != null) {
            end.reset();
        }
    }

    @Override
    public void resetAfterDelivery(Side side) {
        BareEnd end = end(side);
        if (end != null) {
            end.resetAfterDelivery();
        }
    }

    /** What only connections that live on need: the first probe is hours away, tcp(7). */
    @Override
    void settled() {
        BareEnd end = backend;
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
        BareEnd end = backend;
        if (end != null) {
            end.releaseBuffers();
        }
    }
}
