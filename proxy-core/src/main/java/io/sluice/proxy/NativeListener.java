package io.sluice.proxy;

import io.netty.channel.IoEventLoop;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.channel.unix.NativeInetAddress;
import io.sluice.linux.SocketName;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.TcpCalls;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A listener over a native socket. Options of accepted sockets are set on it: they inherit them. */
abstract sealed class NativeListener extends Listener permits EpollListener, UringListener {

    private static final Logger LOG = LoggerFactory.getLogger(NativeListener.class);

    /** The most connections that are accepted in a row before others have their turn. */
    private static final int ACCEPTS_IN_A_ROW = 64;

    /** No descriptor of the old process: a socket is made. */
    static final int NOT_INHERITED = -1;

    /** How the socket is made, and which connections it accepts. */
    sealed interface Socket {

        /** The address that it is bound to. */
        InetSocketAddress address();

        /** A bound socket of the old process, or {@link #NOT_INHERITED}. */
        int inherited();

        /**
         * A socket for one Service port.
         *
         * @param freeBind whether the address need not be one of this machine yet (IP_FREEBIND, ip(7))
         */
        record Bound(Destination destination, boolean freeBind, int inherited) implements Socket {
            @Override
            public InetSocketAddress address() {
                return destination.address();
            }
        }

        /**
         * For connections to any address that the kernel gives it: at a loopback address by TPROXY (IP_TRANSPARENT, ip(7)), at
         * a wildcard address by destination NAT.
         */
        record Intercepting(InetSocketAddress address, InterceptedPorts ports, int inherited) implements Socket {

            boolean redirected() {
                return address.getAddress().isAnyLocalAddress();
            }
        }
    }

    final IoEventLoop eventLoop;
    private final Socket how;
    private final byte[] peer = new byte[26];
    /** Null where all connections have one destination. */
    private final @Nullable Lookup lookup;
    private volatile @Nullable LinuxSocket socket;
    private boolean closed;

    NativeListener(DataPath dataPath, Socket how, IoEventLoop eventLoop) {
        super(dataPath, how.address(), how instanceof Socket.Bound bound ? bound.destination() : null);
        this.eventLoop = eventLoop;
        this.how = how;
        this.lookup = how instanceof Socket.Intercepting intercepting ? new Lookup(intercepting) : null;
    }

    /** Finds destinations of intercepted connections; each lookup uses the same memory. */
    private record Lookup(InterceptedPorts ports, boolean redirected, boolean ipv6, TcpCalls calls, SocketName name) {

        Lookup(Socket.Intercepting how) {
            this(how.ports(), how.redirected(), IpFamily.of(how.address().getAddress()) == IpFamily.IPV6,
                    new TcpCalls(),
                    new SocketName());
        }

        @Nullable
        Destination destination(int fd) {
            try {
                if (redirected) {
                    calls.originalDestination(fd, ipv6, name);
                } else {
                    calls.localName(fd, name);
                }
                return ports.find(name);
            } catch (IOException e) {
                LOG.debug("an accepted socket has no address: {}", e.getMessage());
                return null;
            }
        }
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
        if (how.inherited() == NOT_INHERITED) {
            bind();
        } else {
            socket = LinuxSocket.newSocket(how.inherited());
            dataPath.keepAlive(socket());
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
                dataPath.acceptFailed(this, e);
            }
        }
    }

    /** Begins to call {@link #accept} when a connection waits. */
    abstract void listen() throws IOException;

    /** Stops calling it until {@link #resume} is called. */
    abstract void pause();

    abstract void resume();

    /** Cancels what was asked of the kernel and closes the socket, before it returns. */
    abstract void shut(LinuxSocket socket) throws IOException;

    private void bind() throws IOException {
        LinuxSocket created = LinuxSocket.newSocketStream(IpFamily.of(address.getAddress()) == IpFamily.IPV6);
        socket = created;
        created.setReuseAddress(true);
        created.setTcpNoDelay(true);
        dataPath.keepAlive(created);
        switch (how) {
            case Socket.Bound bound when bound.freeBind() ->
                    created.setIntOpt(SocketOptions.IPPROTO_IP, SocketOptions.IP_FREEBIND, 1);
            case Socket.Bound _ -> {
                // The kernel refuses an address that is not this machine's.
            }
            case Socket.Intercepting intercepting -> {
                if (intercepting.redirected()) {
                    onlyOneFamily(created);
                }
                created.setIntOpt(SocketOptions.IPPROTO_IP, SocketOptions.IP_TRANSPARENT, 1);
                created.setIntOpt(SocketOptions.SOL_SOCKET, SocketOptions.SO_MARK,
                        dataPath.settings().connectionMark());
            }
        }
        created.bind(address);
        created.listen(dataPath.settings().backlog());
    }

    private void onlyOneFamily(LinuxSocket created) throws IOException {
        if (IpFamily.of(address.getAddress()) == IpFamily.IPV6) {
            created.setIntOpt(SocketOptions.IPPROTO_IPV6, SocketOptions.IPV6_V6ONLY, 1);
        }
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

    /** Accepts the connections that wait. */
    final void accept() {
        if (!accept(ACCEPTS_IN_A_ROW)) {
            pauseAWhile();
        }
    }

    /** Accepts {@code most} of the connections that wait; false if that failed, which is logged. */
    private boolean accept(int most) {
        LinuxSocket server = socket;
        for (int i = 0; i < most && server != null && !closed; i++) {
            int fd;
            try {
                fd = server.accept(peer);
            } catch (IOException e) {
                dataPath.acceptFailed(this, e);
                return false;
            }
            if (fd < 0) {
                break;
            }
            Destination destination = destination(fd);
            if (destination == null) {
                DataPath.reset(fd);
            } else {
                dataPath.accepted(fd, NativeInetAddress.address(peer, 1, peer[0]), destination);
            }
        }
        return true;
    }

    /** Null if the Service port has gone since the client began to connect. */
    private @Nullable Destination destination(int fd) {
        return lookup == null ? destination() : lookup.destination(fd);
    }

    /** The address that the socket is bound to, with the port that the kernel chose; empty before. */
    @Override
    public Optional<InetSocketAddress> boundAddress() {
        LinuxSocket server = socket;
        return server == null ? Optional.empty() : Optional.ofNullable(server.localAddress());
    }

    /** Out of file descriptors: the connection stays in the kernel's queue until the next attempt. */
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
            // Closing would reset connections that the kernel has acknowledged and that wait in the queue.
            accept(dataPath.settings().backlog());
            shutDown();
            close();
        });
    }

    @Override
    public CompletionStage<Void> acceptWaiting() {
        return onEventLoop(() -> accept(dataPath.settings().backlog()));
    }

    /**
     * Ends the listening for every process that has the socket. A process that took part in a handover and hangs may have it:
     * the kernel would go on to complete connections that no thread accepts.
     */
    private void shutDown() {
        LinuxSocket server = socket;
        if (server != null && !closed) {
            try {
                server.shutdown(true, false);
            } catch (IOException e) {
                LOG.debug("{}: cannot listen: {}", address, e.getMessage());
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

    /** Removes the socket from the kernel's lists before it closes it: a socket that a new process has too would stay there. */
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
