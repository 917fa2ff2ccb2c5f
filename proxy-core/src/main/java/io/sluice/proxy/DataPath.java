package io.sluice.proxy;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.util.concurrent.EventExecutor;
import io.sluice.balance.Sources;
import io.sluice.connection.ConnectFailure;
import io.sluice.connection.ConnectionLimits;
import io.sluice.linux.SocketFailures;
import io.sluice.metrics.AccessLog;
import io.sluice.metrics.Ending;
import io.sluice.metrics.RefusalReason;
import io.sluice.proxy.ProxiedConnection.Arrival;
import io.sluice.service.EndpointAddress;
import io.sluice.service.ProxyProtocol;
import io.sluice.service.SourcePortRange;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
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

    /** Read but not delivered in one direction of one connection, above which reading pauses. */
    static final int BUFFER_BYTES = 64 * 1024;

    /** For what was read before a reset to reach the other side. */
    private static final Duration FLUSH_TIMEOUT = Duration.ofSeconds(30);

    private final ProxySettings settings;
    private final AccessLog accessLog;
    private final EventLoops loops;
    private final ConnectionLimits limits;
    private final List<LoopConnections> byLoop = new ArrayList<>();
    /** Listening sockets of a predecessor by their address. */
    private final Map<InetSocketAddress, Integer> inheritance = new ConcurrentHashMap<>();
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
    private volatile Sources sources = Sources.NONE;
    private volatile @Nullable CompletableFuture<Void> whenIdle;
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
        for (EventExecutor loop : loops.group()) {
            byLoop.add(new LoopConnections(this, (EventLoop) loop));
        }
    }

    /** The transport in use; never {@link Transport#AUTO}. */
    public Transport transport() {
        return loops.transport();
    }

    /** The event loops, for a probe of their lag. */
    public Iterable<EventExecutor> eventLoops() {
        return loops.group();
    }

    /** Those of channels, if they are others. */
    public Iterable<EventExecutor> otherEventLoops() {
        return loops.transport() == Transport.IO_URING ? loops.channels() : List.of();
    }

    /** Event loops for channels of others, which live on them and must be closed before them. */
    public IoEventLoopGroup eventLoopGroup() {
        return loops.channels();
    }

    /** Tells where clients may come from, as far as it matters; takes effect with the next connection. Any thread. */
    public void sources(Sources now) {
        sources = now;
    }

    /** What is known of where clients come from. Any thread. */
    public Sources sources() {
        return sources;
    }

    /**
     * Begins to listen; the stage fails with the kernel's exception if the address cannot be had. Control thread.
     *
     * @param freeBind whether the address need not be one of this machine yet (IP_FREEBIND, ip(7)); NIO does not know
     *                 this
     */
    public CompletionStage<Listener> listen(InetSocketAddress address, AddressKind kind, PortProxy port,
            boolean freeBind) {
        Integer inherited = inheritance.remove(address);
        return loops.transport() == Transport.NIO
                ? new ChannelListener(this, address, kind, port, nextLoop().eventLoop()).open()
                : bareListener(address, kind, port, freeBind,
                        inherited == null ? BareListener.NOT_INHERITED : inherited).open();
    }

    private BareListener bareListener(InetSocketAddress address, AddressKind kind, PortProxy port, boolean freeBind,
            int inherited) {
        IoEventLoop loop = (IoEventLoop) nextLoop().eventLoop();
        return loops.transport() == Transport.EPOLL
                ? new EpollListener(this, address, kind, port, loop, freeBind, inherited)
                : new UringListener(this, address, kind, port, loop, loops.ring(loop), freeBind, inherited);
    }

    /**
     * The same with a socket that somebody else has bound, for example in another network namespace. It is ours from now
     * on.
     *
     * @throws UnsupportedOperationException if not {@link #hasBareSockets}
     */
    public CompletionStage<Listener> adopt(LinuxSocket bound, InetSocketAddress address, AddressKind kind,
            PortProxy port) {
        if (!hasBareSockets()) {
            throw new UnsupportedOperationException("NIO does not take sockets of others");
        }
        try {
            bound.setTcpNoDelay(true);
            bound.setKeepAlive(true);
            bound.listen(settings.backlog());
        } catch (IOException e) {
            discard(bound.intValue());
            return CompletableFuture.failedFuture(e);
        }
        return bareListener(address, kind, port, false, bound.intValue()).open();
    }

    /**
     * Knocks at an endpoint: connects and closes at once. Any thread.
     *
     * @return completes with what it came to; never fails
     */
    public CompletionStage<ProbeResult> probe(EndpointAddress endpoint, ProxyProtocol proxyProtocol) {
        return Probe.start(endpoint, proxyProtocol, loops, loops.channels().next(), settings.connectTimeout());
    }

    /**
     * Whether sockets are bare descriptors, which is so on all transports but NIO. Then they can come from another process:
     * {@link #inherit} and {@link #adopt} take them, {@link Listener#descriptor} gives some away; and connections can be
     * made in a client's name.
     */
    public boolean hasBareSockets() {
        return loops.transport() != Transport.NIO;
    }

    /** Listeners that are opened from now on accept nobody before {@link #accept}: who comes waits in the kernel's queue. */
    public void holdAccepts() {
        if (accepting.isDone()) {
            accepting = new CompletableFuture<>();
        }
    }

    /** Lets all listeners accept. Any thread. */
    public void accept() {
        accepting.complete(null);
    }

    /** Completes, on whatever thread, when listeners may accept. */
    CompletableFuture<Void> accepting() {
        return accepting;
    }

    /** Uses {@code descriptors} of listening sockets, instead of new ones, where their addresses are asked for. */
    public void inherit(List<Integer> descriptors) {
        for (int descriptor : descriptors) {
            LinuxSocket socket = LinuxSocket.newSocket(descriptor);
            InetSocketAddress address = socket.localAddress();
            Integer twin = address == null ? Integer.valueOf(descriptor) : inheritance.put(address, descriptor);
            if (twin != null) {
                discard(twin);
            }
        }
    }

    /** Closes what was inherited and nobody asked for; how many that were. */
    public int disinherit() {
        int left = inheritance.size();
        inheritance.values().forEach(DataPath::discard);
        inheritance.clear();
        return left;
    }

    private static void discard(int descriptor) {
        try {
            LinuxSocket.newSocket(descriptor).close();
        } catch (IOException e) {
            LOG.debug("closing an inherited socket: {}", e.getMessage());
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
        for (LoopConnections loop : byLoop) {
            if (all.size() < limit) {
                all.addAll(
                        loop.eventLoop().submit(() -> loop.views(limit - all.size())).syncUninterruptibly().getNow());
            }
        }
        return all;
    }

    /**
     * Lets the open connections go on for {@code timeout} and resets those that are left. No listener may be open.
     *
     * @return completes when no connection is open any more, with whether that was before the timeout
     */
    public CompletionStage<Boolean> drain(Duration timeout) {
        CompletableFuture<Void> idle = new CompletableFuture<>();
        whenIdle = idle;
        long deadline = now() + timeout.toNanos();
        byLoop.forEach(loop -> loop.eventLoop().execute(() -> loop.drain(deadline)));
        if (active.get() == 0) {
            idle.complete(null);
        }
        return idle.thenApply(nothing -> now() < deadline);
    }

    /** Resets all connections and ends the event loops. Must not be called on one. */
    @Override
    public void close() {
        // An event loop that shuts down closes what is left on it, and that is no reset.
        byLoop.stream().map(loop -> loop.eventLoop().submit(loop::close)).toList()
                .forEach(closed -> closed.awaitUninterruptibly(5, TimeUnit.SECONDS));
        loops.close();
    }

    // From listeners and connections, on event loops.

    void accepted(Channel client, PortProxy port, InetSocketAddress listener, AddressKind kind) {
        if (!(client.remoteAddress() instanceof InetSocketAddress clientAddress)
                || !admit(port, clientAddress, listener, kind)) {
            rejectUnregistered(client);
            return;
        }
        port.meters().accepted();
        LoopConnections loop = nextLoop();
        Arrival arrival = arrival(port, clientAddress, listener, kind);
        try {
            ChannelConnection.configure(client);
        } catch (ChannelException e) {
            LOG.debug("{} was gone before it was served: {}", clientAddress, e.getMessage());
            abandon(client, port);
            return;
        }
        ChannelConnection connection = new ChannelConnection(arrival, loop, client);
        // It begins right after the registration is told; if not, the client was gone.
        loop.eventLoop().register(client).addListener(registered -> loop.eventLoop().execute(() -> {
            if (!connection.begun()) {
                abandon(client, port);
            }
        }));
    }

    private void abandon(Channel client, PortProxy port) {
        client.unsafe().closeForcibly();
        port.meters().closed(Ending.CLIENT_ABORTED, 0);
        release(port);
    }

    void accepted(int fd, InetSocketAddress client, PortProxy port, InetSocketAddress listener, AddressKind kind) {
        if (!admit(port, client, listener, kind)) {
            LinuxSocket socket = LinuxSocket.newSocket(fd);
            try {
                socket.setSoLinger(0);
                socket.close();
            } catch (IOException e) {
                LOG.debug("the client is gone already: {}", e.getMessage());
            }
            return;
        }
        port.meters().accepted();
        LoopConnections loop = nextLoop();
        Arrival arrival = arrival(port, client, listener, kind);
        if (loop.eventLoop().inEventLoop()) {
            // At once: with few descriptors left, endpoints have to be connected before more clients are accepted.
            begin(arrival, loop, fd);
        } else {
            loop.eventLoop().execute(() -> begin(arrival, loop, fd));
        }
    }

    private void begin(Arrival arrival, LoopConnections loop, int fd) {
        BareConnection connection;
        try {
            connection = connection(arrival, loop, fd);
        } catch (RuntimeException | Error e) {
            fault("a connection to " + arrival.port().name(), e);
            discard(fd);
            arrival.port().meters().closed(Ending.FAILED, 0);
            release(arrival.port());
            return;
        }
        loop.begin(connection);
    }

    private BareConnection connection(Arrival arrival, LoopConnections loop, int fd) {
        return loops.transport() == Transport.EPOLL ? new EpollConnection(arrival, loop, fd)
                : new UringConnection(arrival, loop, fd);
    }

    private Arrival arrival(PortProxy port, InetSocketAddress client, InetSocketAddress listener, AddressKind kind) {
        return new Arrival(ids.incrementAndGet(), port, listener,
                sources.traffic(kind.external(), client.getAddress(), listener.getAddress()), client);
    }

    private boolean admit(PortProxy port, InetSocketAddress client, InetSocketAddress listener, AddressKind kind) {
        if (kind == AddressKind.LOAD_BALANCER
                && !sources.allows(port.sourceRanges(), client.getAddress(), listener.getAddress())) {
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

    void release(PortProxy port) {
        port.serviceConnections().decrementAndGet();
        CompletableFuture<Void> idle = whenIdle;
        if (active.decrementAndGet() == 0 && idle != null) {
            idle.complete(null);
        }
    }

    void acceptFailed(PortProxy port, Throwable cause) {
        port.meters().refused(RefusalReason.LOCAL_RESOURCES);
        acceptFailed.warn("cannot accept a connection for " + port.name() + ": " + SocketFailures.acceptReason(cause)
                + "; it waits in the kernel's queue. Raise the limit of open files (ulimit -n, LimitNOFILE=)"
                + " or lower --max-connections", now());
    }

    void localFault(ConnectFailure failure, @Nullable EndpointAddress endpoint) {
        localFault.warn(failure == ConnectFailure.NO_LOCAL_PORT
                ? "no free local port towards " + endpoint + ": widen net.ipv4.ip_local_port_range"
                        + " or set net.ipv4.tcp_tw_reuse=1"
                : "cannot connect to " + endpoint + ": this node is out of file descriptors or memory for sockets;"
                        + " raise the limit of open files (ulimit -n, LimitNOFILE=) or lower --max-connections",
                now());
    }

    /** Something was thrown that nothing should throw: it ends {@code what}, and nothing else. */
    void fault(String what, Throwable fault) {
        faults.error(what + " was ended by a fault in the proxy; please report it", fault, now());
    }

    void buffersShort() {
        buffersShort.warn("bytes that were read and not yet delivered have reached their limit of "
                + (settings.buffers().memory() >> 20)
                + " MiB (--buffer-memory): slow readers have no more of them here, what"
                + " they do not take waits in the kernel", now());
    }

    int sourcePort() {
        return SourcePortRange.PRESERVED.port(sourcePorts.getAndIncrement());
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

    private LoopConnections nextLoop() {
        return byLoop.get(Math.floorMod(next.getAndIncrement(), byLoop.size()));
    }
}
