package io.sluice.proxy;

import io.netty.channel.IoEventLoop;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.channel.unix.NativeInetAddress;
import io.sluice.linux.SocketOptions;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A listener over a bare socket. What accepted sockets should have set is set here: they inherit it. */
abstract sealed class BareListener extends Listener permits EpollListener, UringListener {

    private static final Logger LOG = LoggerFactory.getLogger(BareListener.class);

    /** So many connections at once before others have their turn. */
    private static final int ACCEPTS_IN_A_ROW = 64;

    /** No descriptor of a predecessor: the socket is to be made. */
    static final int NOT_INHERITED = -1;

    final IoEventLoop eventLoop;
    private final boolean freeBind;
    private final int inherited;
    private final byte[] peer = new byte[26];
    private volatile @Nullable LinuxSocket socket;
    private boolean closed;

    BareListener(DataPath dataPath, InetSocketAddress address, AddressKind kind, PortProxy port,
            IoEventLoop eventLoop, boolean freeBind, int inherited) {
        super(dataPath, address, kind, port);
        this.eventLoop = eventLoop;
        this.freeBind = freeBind;
        this.inherited = inherited;
    }

    @Override
    CompletionStage<Listener> open() {
        CompletableFuture<Listener> opened = new CompletableFuture<>();
        eventLoop.execute(() -> {
            try {
                bindAndRegister();
                opened.complete(this);
            } catch (IOException | RuntimeException | Error e) {
                close();
                opened.completeExceptionally(e);
            }
        });
        return opened;
    }

    private void bindAndRegister() throws IOException {
        if (inherited == NOT_INHERITED) {
            bind();
        } else {
            socket = LinuxSocket.newSocket(inherited);
        }
        boundReceiveBuffer(socket());
        CompletableFuture<Void> accepting = dataPath.accepting();
        if (accepting.isDone()) {
            listen();
        } else {
            accepting.thenRun(() -> eventLoop.execute(this::listenLater));
        }
    }

    private void listenLater() {
        if (!closed) {
            try {
                listen();
            } catch (IOException e) {
                dataPath.acceptFailed(port(), e);
            }
        }
    }

    /** Begins to call {@link #accept} when somebody waits. */
    abstract void listen() throws IOException;

    /** Stops to call it, for as long as {@link #resume} is not called. */
    abstract void pause();

    abstract void resume();

    /** Nothing is asked of the kernel any more, and the socket is closed when this returns. */
    abstract void shut(LinuxSocket socket) throws IOException;

    private void bind() throws IOException {
        LinuxSocket created = LinuxSocket.newSocketStream(IpFamily.of(address.getAddress()) == IpFamily.IPV6);
        socket = created;
        created.setReuseAddress(true);
        created.setTcpNoDelay(true);
        created.setKeepAlive(true);
        if (freeBind) {
            created.setIntOpt(SocketOptions.IPPROTO_IP, SocketOptions.IP_FREEBIND, 1);
        }
        created.bind(address);
        created.listen(dataPath.settings().backlog());
    }

    /** Accepted sockets inherit it. */
    private void boundReceiveBuffer(LinuxSocket listening) throws IOException {
        int bytes = dataPath.settings().buffers().receiveBytes();
        if (bytes > 0) {
            listening.setIntOpt(SocketOptions.SOL_SOCKET, SocketOptions.SO_RCVBUF, bytes);
        }
    }

    @Override
    public OptionalInt descriptor() {
        LinuxSocket server = socket;
        return server == null ? OptionalInt.empty() : OptionalInt.of(server.intValue());
    }

    final LinuxSocket socket() {
        LinuxSocket server = socket;
        if (server == null) {
            throw new IllegalStateException("not open");
        }
        return server;
    }

    /** Takes those who wait. */
    final void accept() {
        if (!accept(ACCEPTS_IN_A_ROW)) {
            pauseAWhile();
        }
    }

    /** Takes {@code most} of those who wait; false if that failed, which the log has been told. */
    private boolean accept(int most) {
        LinuxSocket server = socket;
        for (int i = 0; i < most && server != null && !closed; i++) {
            int fd;
            try {
                fd = server.accept(peer);
            } catch (IOException e) {
                dataPath.acceptFailed(port(), e);
                return false;
            }
            if (fd < 0) {
                break;
            }
            dataPath.accepted(fd, NativeInetAddress.address(peer, 1, peer[0]), port(), address, kind());
        }
        return true;
    }

    /** Out of file descriptors: the connection stays in the kernel's queue, and is tried again soon. */
    private void pauseAWhile() {
        pause();
        eventLoop.schedule(() -> {
            if (!closed) {
                resume();
            }
        }, ACCEPT_PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    }

    @Override
    public CompletionStage<Void> stop() {
        return onEventLoop(() -> {
            // What has been acknowledged to a client and waits in the queue would be reset by closing.
            accept(dataPath.settings().backlog());
            shutDown();
            close();
        });
    }

    /**
     * Ends the listening of every process that has the socket. One that took part in a handover, and hangs, may have it: as
     * long as it did, the kernel would go on to take connections that nobody accepts.
     */
    private void shutDown() {
        LinuxSocket server = socket;
        if (server != null && !closed) {
            try {
                server.shutdown(true, false);
            } catch (IOException e) {
                LOG.debug("{} was not listened at: {}", address, e.getMessage());
            }
        }
    }

    @Override
    public CompletionStage<Void> release() {
        return onEventLoop(this::close);
    }

    private CompletionStage<Void> onEventLoop(Runnable action) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        eventLoop.execute(() -> {
            try {
                action.run();
                done.complete(null);
            } catch (RuntimeException | Error e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    final boolean isClosed() {
        return closed;
    }

    /** Leaves the kernel's lists before the descriptor is closed: a socket that a successor has as well would stay there. */
    public final void close() {
        if (closed) {
            return;
        }
        closed = true;
        LinuxSocket server = socket;
        if (server != null) {
            try {
                shut(server);
            } catch (IOException e) {
                throw new IllegalStateException("a listening socket cannot be closed", e);
            }
        }
    }
}
