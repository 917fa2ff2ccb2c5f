package io.sluice.proxy;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.util.concurrent.EventExecutor;
import io.sluice.balance.ClientOrigins;
import io.sluice.connection.ConnectFailure;
import io.sluice.connection.ConnectionLimits;
import io.sluice.linux.SocketFailures;
import io.sluice.linux.SocketOptions;
import io.sluice.metrics.AccessLog;
import io.sluice.metrics.ConnectionOutcome;
import io.sluice.metrics.RefusalReason;
import io.sluice.proxy.ProxiedConnection.AcceptedClient;
import io.sluice.service.EndpointAddress;
import io.sluice.service.HandoffPolicy;
import io.sluice.service.IpAddresses;
import io.sluice.service.PeerTimeouts;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The data path as a whole: event loops, listeners, connections and their limits.
 *
 * <p>Ports and listeners are opened and closed by the control thread; everything else happens on the event loops.
 */
public final class DataPath implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DataPath.class);

    /** Bytes read and not delivered in one direction of one connection, above which reading pauses. */
    static final int BUFFER_BYTES = 64 * 1024;

    /** The time for bytes that were read before a reset to reach the other side. */
    private static final Duration FLUSH_TIMEOUT = Duration.ofSeconds(30);

    private final ProxySettings settings;
    private final AccessLog accessLog;
    private final EventLoops loops;
    private final ConnectionLimits limits;
    private final List<EventLoopContext> byLoop = new ArrayList<>();
    private final InheritedSockets inheritance = new InheritedSockets();
    private final long origin = System.nanoTime();
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicLong ids = new AtomicLong();
    private final AtomicInteger sourcePorts = new AtomicInteger();
    private final AtomicInteger active = new AtomicInteger();
    private final RepeatedWarning overallLimitReached = new RepeatedWarning(LOG);
    private final RepeatedWarning serviceLimitReached = new RepeatedWarning(LOG);
    private final RepeatedWarning acceptFailed = new RepeatedWarning(LOG);
    private final RepeatedWarning localFault = new RepeatedWarning(LOG);
    private final RepeatedWarning buffersShort = new RepeatedWarning(LOG);
    private final RepeatedWarning faults = new RepeatedWarning(LOG);
    private volatile ClientOrigins origins = ClientOrigins.NONE;
    private final Datagrams datagrams;
    private final KernelConnections kernelConnections;
    private volatile @Nullable CompletableFuture<Void> whenIdle;
    private final ConnectionTaps taps = new ConnectionTaps();
    /** Completes when listeners may accept. */
    private volatile CompletableFuture<Void> accepting = CompletableFuture.completedFuture(null);

    /**
     * Starts the event loops.
     *
     * @throws UnsupportedOperationException if the transport is not available; the message is for the user
     */
    public DataPath(ProxySettings settings, AccessLog accessLog) {
        this.settings = settings;
        this.accessLog = accessLog;
        this.loops = EventLoops.start(settings.transport(), settings.workerThreads());
        this.limits = new ConnectionLimits(settings.connectTimeout().toNanos(), settings.connectRetries(),
                settings.idleTimeout().isZero() ? Long.MAX_VALUE : settings.idleTimeout().toNanos(),
                settings.halfCloseTimeout().toNanos(), FLUSH_TIMEOUT.toNanos(), BUFFER_BYTES);
        this.kernelConnections = new KernelConnections(this, settings.handoff());
        for (EventExecutor loop : loops.group()) {
            byLoop.add(new EventLoopContext(this, (EventLoop) loop));
        }
        this.datagrams = new Datagrams(this);
        kernelConnections.start();
    }

    /** The connections that the kernel has. */
    public KernelConnections kernelConnections() {
        return kernelConnections;
    }

    /** Whether connections are handed to the kernel at all. Any thread. */
    public boolean handsOver() {
        return settings.handoff().policy() != HandoffPolicy.NEVER;
    }

    /** Whether connections to {@code port} are handed to the kernel as soon as an endpoint is connected. Any thread. */
    public boolean handsOverAtOnce(ServicePortTargets port) {
        return port.handoff(settings.handoff()) == HandoffPolicy.EAGER;
    }

    /** The data path of datagrams, on the same event loops. */
    public Datagrams datagrams() {
        return datagrams;
    }

    /** The transport in use; never {@link Transport#AUTO}. */
    public Transport transport() {
        return loops.transport();
    }

    /** The event loops, for a probe of their lag. */
    public Iterable<EventExecutor> eventLoops() {
        return loops.group();
    }

    /** The event loops of channels, if these have their own, that have begun to work: they do with their first channel. */
    public List<EventExecutor> otherEventLoops() {
        return loops.transport() == Transport.IO_URING ? loops.begunChannels() : List.of();
    }

    /** Event loops for other users' channels, which must be closed before them. */
    public IoEventLoopGroup eventLoopGroup() {
        return loops.channels();
    }

    /** Sets what is known about clients' addresses; takes effect with the next connection. Any thread. */
    public void origins(ClientOrigins now) {
        origins = now;
    }

    /** What is known about clients' addresses. Any thread. */
    public ClientOrigins origins() {
        return origins;
    }

    /**
     * Listens on an address; the stage fails with the kernel's exception if it cannot. Control thread.
     *
     * @param freeBind whether the address need not be one of this machine yet (IP_FREEBIND, ip(7)); NIO does not know
     *                 this
     */
    public CompletionStage<Listener> listen(InetSocketAddress address, AddressKind kind, ServicePortTargets port,
            boolean freeBind) {
        int inherited = inheritance.take(address);
        return loops.transport() == Transport.NIO
                ? new ChannelListener(this, new Destination(address, port, kind), nextLoop().eventLoop()).open()
                : nativeListener(new NativeListener.Socket.Bound(new Destination(address, port, kind), freeBind,
                        inherited)).open();
    }

    /**
     * Begins to accept connections to any address of {@code ports} that the kernel gives to a socket at {@code address}; a
     * socket of the old process if there is one, else a new one with a port that the kernel chooses. Control thread.
     *
     * @param address a loopback address for TPROXY, a wildcard address for destination NAT
     * @throws UnsupportedOperationException if not {@link #hasNativeSockets}
     */
    public CompletionStage<Listener> intercept(InetAddress address, InterceptedPorts ports) {
        if (!hasNativeSockets()) {
            throw new UnsupportedOperationException(
                    "NIO cannot accept connections to addresses that are not this machine's");
        }
        kernelConnections.ports(ports);
        Optional<InetSocketAddress> inherited = inheritance.intercepting(address);
        int descriptor = inherited.map(inheritance::take).orElse(NativeListener.NOT_INHERITED);
        return nativeListener(new NativeListener.Socket.Intercepting(
                inherited.orElseGet(() -> new InetSocketAddress(address, 0)), ports, descriptor)).open();
    }

    private NativeListener nativeListener(NativeListener.Socket socket) {
        IoEventLoop loop = (IoEventLoop) nextLoop().eventLoop();
        return loops.transport() == Transport.EPOLL
                ? new EpollListener(this, socket, loop)
                : new UringListener(this, socket, loop, loops.ring(loop));
    }

    /**
     * The same with a socket that another process has bound, for example in another network namespace. This object owns it
     * from now on.
     *
     * @throws UnsupportedOperationException if not {@link #hasNativeSockets}
     */
    public CompletionStage<Listener> adopt(LinuxSocket bound, InetSocketAddress address, AddressKind kind,
            ServicePortTargets port) {
        if (!hasNativeSockets()) {
            throw new UnsupportedOperationException("NIO cannot use sockets of another process");
        }
        try {
            bound.setTcpNoDelay(true);
            keepAlive(bound);
            bound.listen(settings.backlog());
        } catch (IOException e) {
            InheritedSockets.discard(bound.intValue());
            return CompletableFuture.failedFuture(e);
        }
        return nativeListener(
                new NativeListener.Socket.Bound(new Destination(address, port, kind), false, bound.intValue())).open();
    }

    /** Asks endpoints whether they are there and well. */
    public Probes probes() {
        return new Probes(loops, settings);
    }

    /**
     * Whether sockets are native ones, as on all transports but NIO. Then they can come from another process ({@link #inherit},
     * {@link #adopt}) and be given to another process ({@link Listener#descriptor}), and connections can have the client's
     * address as their source.
     */
    public boolean hasNativeSockets() {
        return loops.transport() != Transport.NIO;
    }

    /** Listeners that are opened from now on accept only after {@link #accept}: clients wait in the kernel's queue. */
    public void holdAccepts() {
        datagrams.hold();
        if (accepting.isDone()) {
            accepting = new CompletableFuture<>();
        }
    }

    /** Lets all listeners accept connections and receive datagrams. Any thread. */
    public void accept() {
        accepting.complete(null);
        datagrams.receive();
    }

    /** Lets all listeners accept connections. Any thread. */
    public void acceptConnections() {
        accepting.complete(null);
    }

    /** Completes, on any thread, when listeners may accept. */
    CompletableFuture<Void> accepting() {
        return accepting;
    }

    /** Listeners on the addresses of these sockets use them instead of new ones. */
    public void inherit(List<Integer> descriptors) {
        for (int descriptor : descriptors) {
            LinuxSocket socket = LinuxSocket.newSocket(descriptor);
            InetSocketAddress address = socket.localAddress();
            if (address != null && isDatagram(socket)) {
                datagrams.inherit(address, descriptor);
                continue;
            }
            if (address == null) {
                InheritedSockets.discard(descriptor);
            } else {
                inheritance.add(address, descriptor);
            }
        }
    }

    private static boolean isDatagram(LinuxSocket socket) {
        try {
            return socket.getIntOpt(SocketOptions.SOL_SOCKET, SocketOptions.SO_TYPE) == SocketOptions.SOCK_DGRAM;
        } catch (IOException e) {
            LOG.debug("an inherited socket does not show its type: {}", e.getMessage());
            return false;
        }
    }

    /** Closes inherited sockets that no listener uses; returns their number. */
    public int disinherit() {
        return inheritance.discardAll() + datagrams.disinherit();
    }

    /** Accepted sockets inherit it. A Service that has other times has them set for connections that live on. */
    void keepAlive(LinuxSocket listening) throws IOException {
        PeerTimeouts peers = settings.peers();
        listening.setKeepAlive(true);
        if (peers.hasKeepalive()) {
            listening.setIntOpt(SocketOptions.IPPROTO_TCP, SocketOptions.TCP_KEEPIDLE,
                    Math.toIntExact(peers.keepaliveIdle().toSeconds()));
            listening.setIntOpt(SocketOptions.IPPROTO_TCP, SocketOptions.TCP_KEEPINTVL,
                    Math.toIntExact(peers.keepaliveInterval().toSeconds()));
            listening.setIntOpt(SocketOptions.IPPROTO_TCP, SocketOptions.TCP_KEEPCNT, peers.keepaliveCount());
        }
    }

    /** Bytes that were read and not yet delivered, as far as this process holds them. Any thread. */
    public long bufferedBytes() {
        return byLoop.stream().mapToLong(loop -> loop.budget().used()).sum();
    }

    /** Connections that are open now. */
    public int activeConnections() {
        return active.get();
    }

    /** The open connections, at most {@code limit}; gathered from the event loops. Must not be called on one. */
    public List<ConnectionView> connections(int limit) {
        List<ConnectionView> all = new ArrayList<>();
        for (EventLoopContext loop : byLoop) {
            if (all.size() < limit) {
                all.addAll(
                        loop.eventLoop().submit(() -> loop.views(limit - all.size())).syncUninterruptibly().getNow());
            }
        }
        if (all.size() < limit) {
            all.addAll(kernelConnections.views(limit - all.size()));
        }
        if (all.size() < limit) {
            all.addAll(datagrams.views(limit - all.size()));
        }
        return all;
    }

    /** Shows connections as they open and close. Any thread. */
    public ConnectionTaps taps() {
        return taps;
    }

    /**
     * Everything about a connection or flow that is meant: an open one, else one of the last {@value RecentConnections#ALL}
     * connections that have ended. Must not be called on an event loop.
     */
    public Optional<ConnectionDetail> find(ConnectionFilter filter) {
        Optional<ConnectionDetail> best = datagrams.find(filter);
        ConnectionDetail kernel = kernelConnections.find(filter);
        if (kernel != null && (best.isEmpty() || isNewer(kernel, best.get()))) {
            best = Optional.of(kernel);
        }
        for (EventLoopContext loop : byLoop) {
            ConnectionDetail found =
                    loop.eventLoop().submit(() -> loop.find(filter)).syncUninterruptibly().getNow();
            if (found != null && (best.isEmpty() || isNewer(found, best.get()))) {
                best = Optional.of(found);
            }
        }
        return best;
    }

    private static boolean isNewer(ConnectionDetail found, ConnectionDetail other) {
        boolean open = found.termination() == null;
        return open == (other.termination() == null) ? found.view().id() > other.view().id() : open;
    }

    /**
     * Resets the connections that are meant and ends such flows, because an operator ordered it. Any thread.
     *
     * @return completes on an event loop, with their number
     */
    public CompletableFuture<Integer> kill(ConnectionFilter filter) {
        CompletableFuture<Integer> all = datagrams.kill(filter);
        if (kernelConnections.size() > 0) {
            all = all.thenCombine(CompletableFuture.supplyAsync(() -> kernelConnections.kill(filter),
                    kernelConnections.executor()), Integer::sum);
        }
        for (EventLoopContext loop : byLoop) {
            CompletableFuture<Integer> ofLoop = new CompletableFuture<>();
            loop.eventLoop().execute(() -> loop.killByOrder(filter, ofLoop::complete));
            all = all.thenCombine(ofLoop, Integer::sum);
        }
        return all;
    }

    /**
     * Lets the open connections go on for {@code timeout} and then resets the rest. No listener may be open.
     *
     * @return completes when no connection is open any more, with true if that was before the timeout
     */
    public CompletionStage<Boolean> drain(Duration timeout) {
        CompletableFuture<Void> idle = new CompletableFuture<>();
        whenIdle = idle;
        long deadline = now() + timeout.toNanos();
        byLoop.forEach(loop -> loop.eventLoop().execute(() -> loop.drain(deadline)));
        if (active.get() == 0) {
            idle.complete(null);
        }
        return idle.thenCombine(datagrams.drain(deadline), (connections, flows) -> now() < deadline);
    }

    /** Resets all connections and ends the event loops. Must not be called on one. */
    @Override
    public void close() {
        datagrams.close();
        kernelConnections.close();
        // An event loop that shuts down closes what is left on it, without a reset.
        byLoop.stream().map(loop -> loop.eventLoop().submit(loop::close)).toList()
                .forEach(closed -> closed.awaitUninterruptibly(5, TimeUnit.SECONDS));
        loops.close();
    }

    // From listeners and connections, on event loops.

    void accepted(Channel client, Destination destination) {
        if (!(client.remoteAddress() instanceof InetSocketAddress clientAddress)
                || !admit(clientAddress, destination)) {
            rejectUnregistered(client);
            return;
        }
        ServicePortTargets port = destination.port();
        port.meters().accepted();
        EventLoopContext loop = nextLoop();
        AcceptedClient accepted = accepted(clientAddress, destination);
        try {
            ChannelConnection.configure(client);
        } catch (ChannelException e) {
            LOG.debug("{} was gone before it was served: {}", clientAddress, e.getMessage());
            abandon(client, port);
            return;
        }
        ChannelConnection connection = new ChannelConnection(accepted, loop, client);
        // It starts right after the registration is reported; if not, the client was gone.
        loop.eventLoop().register(client).addListener(registered -> loop.eventLoop().execute(() -> {
            if (!connection.begun()) {
                abandon(client, port);
            }
        }));
    }

    private void abandon(Channel client, ServicePortTargets port) {
        client.unsafe().closeForcibly();
        port.meters().closed(ConnectionOutcome.CLIENT_ABORTED, 0);
        release(port);
    }

    void accepted(int fd, InetSocketAddress client, Destination destination) {
        if (!admit(client, destination)) {
            reset(fd);
            return;
        }
        destination.port().meters().accepted();
        EventLoopContext loop = nextLoop();
        AcceptedClient accepted = accepted(client, destination);
        if (loop.eventLoop().inEventLoop()) {
            // At once: with few descriptors left, endpoints have to be connected before more clients are accepted.
            begin(accepted, loop, fd);
        } else {
            loop.eventLoop().execute(() -> begin(accepted, loop, fd));
        }
    }

    /** Closes an accepted socket so that its client sees a reset. */
    static void reset(int fd) {
        LinuxSocket socket = LinuxSocket.newSocket(fd);
        try {
            socket.setSoLinger(0);
            socket.close();
        } catch (IOException e) {
            LOG.debug("the client is gone already: {}", e.getMessage());
        }
    }

    private void begin(AcceptedClient accepted, EventLoopContext loop, int fd) {
        NativeConnection connection;
        try {
            connection = connection(accepted, loop, fd);
        } catch (RuntimeException | Error e) {
            fault("a connection to " + accepted.port().name(), e);
            InheritedSockets.discard(fd);
            accepted.port().meters().closed(ConnectionOutcome.FAILED, 0);
            release(accepted.port());
            return;
        }
        loop.begin(connection);
    }

    private NativeConnection connection(AcceptedClient accepted, EventLoopContext loop, int fd) {
        return loops.transport() == Transport.EPOLL ? new EpollConnection(accepted, loop, fd)
                : new UringConnection(accepted, loop, fd);
    }

    private AcceptedClient accepted(InetSocketAddress client, Destination destination) {
        return new AcceptedClient(ids.incrementAndGet(), destination.port(), destination.address(),
                origins.traffic(destination.kind().external(), client.getAddress(),
                        destination.address().getAddress()),
                client);
    }

    private boolean admit(InetSocketAddress client, Destination destination) {
        ServicePortTargets port = destination.port();
        if (destination.kind() == AddressKind.LOAD_BALANCER && !origins.allows(port.sourceRanges(),
                client.getAddress(), destination.address().getAddress())) {
            port.meters().refused(RefusalReason.SOURCE_RANGE);
            return false;
        }
        if (active.incrementAndGet() > settings.maxConnections()) {
            active.decrementAndGet();
            port.meters().refused(RefusalReason.LIMIT);
            overallLimitReached.warn("the limit of " + settings.maxConnections()
                    + " connections (--max-connections) is reached: new connections are reset", now());
            return false;
        }
        int limit = settings.maxConnectionsPerService();
        if (port.serviceConnections().incrementAndGet() > limit && limit > 0) {
            port.serviceConnections().decrementAndGet();
            active.decrementAndGet();
            port.meters().refused(RefusalReason.SERVICE_LIMIT);
            serviceLimitReached.warn(port.name().service() + " has reached the limit of " + limit
                    + " connections (--max-connections-per-service): its new connections are reset", now());
            return false;
        }
        return true;
    }

    private static void rejectUnregistered(Channel client) {
        try {
            client.config().setOption(ChannelOption.SO_LINGER, 0);
        } catch (ChannelException e) {
            LOG.debug("the client is gone already: {}", e.getMessage());
        }
        client.unsafe().closeForcibly();
    }

    void release(ServicePortTargets port) {
        port.serviceConnections().decrementAndGet();
        CompletableFuture<Void> idle = whenIdle;
        if (active.decrementAndGet() == 0 && idle != null) {
            idle.complete(null);
        }
    }

    void acceptFailed(Listener listener, Throwable cause) {
        Destination destination = listener.destination();
        if (destination != null) {
            destination.port().meters().refused(RefusalReason.LOCAL_RESOURCES);
        }
        acceptFailed
                .warn("cannot accept a connection for " + listener.subject() + ": " + SocketFailures.acceptReason(cause)
                        + "; it waits in the kernel's queue. Raise the limit of open files (ulimit -n, LimitNOFILE=)"
                        + " or lower --max-connections", now());
    }

    /** @param inNameOf the client whose address the connection was to have; null for this node's */
    void localFault(ConnectFailure failure, @Nullable EndpointAddress endpoint, @Nullable InetAddress inNameOf) {
        if (failure != ConnectFailure.NO_LOCAL_PORT) {
            localFault.warn("cannot connect to " + endpoint + ": this node is out of file descriptors or memory for"
                    + " sockets; raise the limit of open files (ulimit -n, LimitNOFILE=) or lower --max-connections",
                    now());
        } else if (inNameOf == null) {
            localFault.warn("no free local port towards " + endpoint + ": widen net.ipv4.ip_local_port_range"
                    + " or set net.ipv4.tcp_tw_reuse=1", now());
        } else {
            localFault.warn("no free port in the name of " + IpAddresses.format(inNameOf) + " towards " + endpoint
                    + ", all " + settings.sourcePorts().size() + " are in use; sluice.io/preserve-source: \"false\""
                    + " takes ports of this node's", now());
        }
    }

    /** A fault of this program: it ends {@code what}, and nothing else. */
    void fault(String what, Throwable fault) {
        faults.error(what + " was ended by a fault in the proxy; please report it", fault, now());
    }

    void buffersShort() {
        buffersShort.warn("bytes that were read and not yet delivered have reached their limit of "
                + (settings.buffers().memory() >> 20)
                + " MiB (--buffer-memory): no more is kept for slow"
                + " readers, what they do not accept waits in the kernel", now());
    }

    long nextId() {
        return ids.incrementAndGet();
    }

    int sourcePort() {
        return settings.sourcePorts().port(sourcePorts.getAndIncrement());
    }

    ProxySettings settings() {
        return settings;
    }

    AccessLog accessLog() {
        return accessLog;
    }

    EventLoops loops() {
        return loops;
    }

    ConnectionLimits limits() {
        return limits;
    }

    long now() {
        return System.nanoTime() - origin;
    }

    private EventLoopContext nextLoop() {
        return byLoop.get(Math.floorMod(next.getAndIncrement(), byLoop.size()));
    }
}
