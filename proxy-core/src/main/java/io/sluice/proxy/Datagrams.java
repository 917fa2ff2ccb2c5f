package io.sluice.proxy;

import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.util.concurrent.EventExecutor;
import io.sluice.balance.ClientOrigins;
import io.sluice.connection.ConnectFailure;
import io.sluice.datagram.FlowBounds;
import io.sluice.datagram.FlowBounds.Bound;
import io.sluice.datagram.FlowPlaces;
import io.sluice.metrics.AccessLog;
import io.sluice.metrics.RefusalReason;
import io.sluice.service.EndpointAddress;
import io.sluice.service.ServiceName;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The data path of datagrams: listeners and flows on the event loops of the {@link DataPath}. All flows of a Service live on
 * one event loop. Listeners are opened and closed by the control thread; everything else happens on the event loops.
 */
public final class Datagrams {

    private static final Logger LOG = LoggerFactory.getLogger(Datagrams.class);

    /** Whoever asks has asked again by then. */
    private static final long REPLY_NANOS = 5_000_000_000L;

    private final DataPath dataPath;
    private final FlowSettings settings;
    private final FlowBounds bounds;
    private final FlowPlaces places;
    private final List<EventLoop> loops = new ArrayList<>();
    /** Made with the first listener on their event loops. */
    private final Map<EventLoop, FlowEngine> engines = new ConcurrentHashMap<>();
    /** Sockets of a predecessor by their address. */
    private final Map<InetSocketAddress, Integer> inheritance = new ConcurrentHashMap<>();
    /** A predecessor whose flows have not ended has others. */
    private final AtomicInteger sourcePorts = new AtomicInteger(ThreadLocalRandom.current().nextInt(1 << 16));
    private final RepeatedWarning boundReached = new RepeatedWarning(LOG);
    private final FlowPassing passing = new FlowPassing();
    private volatile @Nullable CompletableFuture<Void> whenIdle;
    /** Completes when listeners may receive. */
    private volatile CompletableFuture<Void> receiving = CompletableFuture.completedFuture(null);

    Datagrams(DataPath dataPath) {
        this.dataPath = dataPath;
        this.settings = dataPath.settings().flows();
        this.bounds = new FlowBounds(settings.perService(), settings.perClient());
        for (EventExecutor loop : dataPath.eventLoops()) {
            loops.add((EventLoop) loop);
        }
        // The portable engine has one event loop: its sockets cannot move to another.
        this.places = new FlowPlaces(settings.most(), dataPath.hasNativeSockets() ? loops.size() : 1);
    }

    /** How flows live unless their Service says otherwise. */
    public FlowSettings settings() {
        return settings;
    }

    /** Flows that there are now. Any thread. */
    public int flows() {
        return places.taken();
    }

    /**
     * Begins to receive; the stage fails with the kernel's exception if the address cannot be had. Control thread.
     *
     * @param freeBind whether the address need not be one of this machine yet (IP_FREEBIND, ip(7)); NIO does not know
     *                 this
     */
    public CompletionStage<DatagramListener> listen(InetSocketAddress address, AddressKind kind,
            ServicePortTargets port, boolean freeBind) {
        Destination destination = new Destination(address, port, kind);
        return dataPath.hasNativeSockets()
                ? passing.opening(
                        new NativeDatagramListener(this, destination, freeBind, false, inherited(address))).open()
                : new ChannelDatagramListener(this, destination, (ChannelFlowEngine) engine(loops.getFirst())).open();
    }

    /**
     * The same with a socket that another process has bound, for example in another network namespace. It is ours from now
     * on.
     *
     * @throws UnsupportedOperationException if the transport is NIO
     */
    public CompletionStage<DatagramListener> adopt(int bound, InetSocketAddress address, AddressKind kind,
            ServicePortTargets port) {
        if (!dataPath.hasNativeSockets()) {
            throw new UnsupportedOperationException("NIO does not take sockets of others");
        }
        return new NativeDatagramListener(this, new Destination(address, port, kind), false, false, bound).open();
    }

    /** A socket at the address of a Service, which need not be this machine's, for datagrams that were intercepted. */
    NativeDatagramListener transparent(Destination destination) {
        return passing
                .opening(new NativeDatagramListener(this, destination, true, true, inherited(destination.address())));
    }

    /**
     * Begins to receive the first datagrams to each address of {@code services}, which the kernel gives to a socket at a
     * loopback address (TPROXY). Control thread.
     *
     * @throws UnsupportedOperationException if the transport is NIO
     */
    public CompletionStage<DatagramInterceptor> intercept(InetSocketAddress loopback, InterceptedDatagrams services) {
        if (!dataPath.hasNativeSockets()) {
            throw new UnsupportedOperationException("NIO cannot take datagrams to addresses of others");
        }
        int inherited = inherited(loopback);
        return new DatagramInterceptor(this, (NativeFlowEngine) engine(loops.getFirst()), loopback, services,
                inherited).open();
    }

    /** Listeners that are opened from now on receive only after {@link #receive}: datagrams wait in the kernel's queue. */
    void hold() {
        if (receiving.isDone()) {
            receiving = new CompletableFuture<>();
        }
    }

    /** Lets all listeners receive. Any thread. */
    void receive() {
        receiving.complete(null);
    }

    /**
     * Gives flows to the next process, which has the listening sockets already. Nothing is received from clients when this
     * returns, which takes seconds at the most. Must not be called on an event loop.
     */
    public void passFlows(FlowPassing.Sink sink) {
        int passed = passing.pass(engines.values(), sink);
        if (passed > 0) {
            LOG.info("flows of datagrams that go on in the new process: {}", passed);
        }
    }

    /**
     * Goes on with flows of the process before this one, at the listeners that are open.
     *
     * @param descriptors their sockets, which are ours from now on
     * @throws IOException if the message is not understood
     */
    public void resumeFlows(byte[] message, List<Integer> descriptors) throws IOException {
        passing.resume(message, descriptors);
    }

    private int inherited(InetSocketAddress address) {
        Integer descriptor = inheritance.remove(address);
        return descriptor == null ? NativeListener.NOT_INHERITED : descriptor;
    }

    /** Uses a socket of a predecessor where its address is asked for. */
    void inherit(InetSocketAddress address, int descriptor) {
        Integer twin = inheritance.put(address, descriptor);
        if (twin != null) {
            discard(twin);
        }
    }

    /** Whether there is a socket of a predecessor at {@code address}. */
    boolean inherits(InetSocketAddress address) {
        return inheritance.containsKey(address);
    }

    /** Closes inherited sockets that no listener uses; returns their number. */
    int disinherit() {
        int left = inheritance.size();
        inheritance.values().forEach(Datagrams::discard);
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

    /** The engine of a Service: all its flows live there. Any thread. */
    FlowEngine engine(ServiceName service) {
        return engine(loops.get(Math.floorMod(service.hashCode(), loops.size())));
    }

    private FlowEngine engine(EventLoop loop) {
        return engines.computeIfAbsent(loop, made -> switch (dataPath.transport()) {
            case EPOLL -> new NativeFlowEngine(this, made, new EpollWait((IoEventLoop) made));
            case IO_URING -> new NativeFlowEngine(this, made, new UringWait(dataPath.loops().ring(made)));
            case NIO, AUTO -> new ChannelFlowEngine(this, made);
        });
    }

    /** The flows, at most {@code limit}; gathered from the event loops. Must not be called on one. */
    List<ConnectionView> views(int limit) {
        List<ConnectionView> all = new ArrayList<>();
        for (FlowEngine engine : engines.values()) {
            if (all.size() < limit) {
                all.addAll(engine.eventLoop.submit(() -> engine.views(limit - all.size())).syncUninterruptibly()
                        .getNow());
            }
        }
        return all;
    }

    /** A flow that is meant; empty for none. Must not be called on an event loop. */
    Optional<ConnectionDetail> find(ConnectionFilter filter) {
        for (FlowEngine engine : engines.values()) {
            ConnectionDetail found =
                    engine.eventLoop.submit(() -> engine.find(filter)).syncUninterruptibly().getNow();
            if (found != null) {
                return Optional.of(found);
            }
        }
        return Optional.empty();
    }

    /** Those who look at flows. */
    ConnectionTaps taps() {
        return dataPath.taps();
    }

    /** Ends the flows that are meant, because an operator ordered it; completes with their number. Any thread. */
    CompletableFuture<Integer> kill(ConnectionFilter filter) {
        CompletableFuture<Integer> all = CompletableFuture.completedFuture(0);
        for (FlowEngine engine : engines.values()) {
            CompletableFuture<Integer> ofEngine = new CompletableFuture<>();
            engine.eventLoop.execute(() -> ofEngine.complete(engine.killByOrder(filter)));
            all = all.thenCombine(ofEngine, Integer::sum);
        }
        return all;
    }

    /**
     * Lets the flows that wait for a reply go on until {@code deadline}, but no longer than a reply takes. No listener may
     * receive.
     *
     * @return completes when there is no flow any more
     */
    CompletionStage<Void> drain(long deadline) {
        CompletableFuture<Void> idle = new CompletableFuture<>();
        whenIdle = idle;
        for (FlowEngine engine : engines.values()) {
            engine.eventLoop.execute(engine::drain);
            engine.eventLoop.schedule(engine::close, Math.clamp(deadline - now(), 0, REPLY_NANOS),
                    TimeUnit.NANOSECONDS);
        }
        if (flows() == 0) {
            idle.complete(null);
        }
        return idle;
    }

    /** Ends all flows. Must not be called on an event loop. */
    void close() {
        engines.values().stream().map(engine -> engine.eventLoop.submit(engine::close)).toList()
                .forEach(closed -> closed.awaitUninterruptibly(5, TimeUnit.SECONDS));
    }

    // From engines, on event loops.

    void ended() {
        CompletableFuture<Void> idle = whenIdle;
        if (idle != null && flows() == 0) {
            idle.complete(null);
        }
    }

    void boundReached(ServicePortTargets port, Bound bound) {
        port.meters().refused(bound == Bound.OVERALL ? RefusalReason.LIMIT : RefusalReason.SERVICE_LIMIT);
        boundReached.warn(switch (bound) {
            case OVERALL ->
                    "the limit of " + settings.most() + " flows (--max-flows) is reached, and all of them go on:"
                            + " datagrams of new flows are dropped";
            case SERVICE -> port.name().service() + " has reached the limit of " + settings.perService()
                    + " flows (--max-flows-per-service), and all of them go on: datagrams of new flows are dropped";
            case CLIENT -> "a client of " + port.name().service() + " has reached the limit of " + settings.perClient()
                    + " flows (--max-flows-per-client), and all of them go on: datagrams of its new flows are dropped";
        }, now());
    }

    /** @param inNameOf the client whose address the flow was to have; null for this node's */
    void localFault(ConnectFailure failure, EndpointAddress endpoint, @Nullable InetAddress inNameOf) {
        dataPath.localFault(failure, endpoint, inNameOf);
    }

    void fault(String what, Throwable fault) {
        dataPath.fault(what, fault);
    }

    CompletableFuture<Void> accepting() {
        return receiving;
    }

    FlowPassing flowPassing() {
        return passing;
    }

    ClientOrigins origins() {
        return dataPath.origins();
    }

    AccessLog accessLog() {
        return dataPath.accessLog();
    }

    long nextId() {
        return dataPath.nextId();
    }

    /** The mark of all sockets; 0 for none. */
    int mark() {
        return dataPath.settings().connectionMark();
    }

    /** A port for a socket in a client's name; each in turn, so that one is not used again soon. */
    int sourcePort() {
        return sourcePort(sourcePorts.getAndIncrement());
    }

    private int sourcePort(int number) {
        return dataPath.settings().sourcePorts().port(number);
    }

    /** Any of those ports. */
    int randomSourcePort() {
        return sourcePort(ThreadLocalRandom.current().nextInt(1 << 16));
    }

    boolean isHere(InetAddress address) {
        return dataPath.origins().isHere(address);
    }

    FlowBounds bounds() {
        return bounds;
    }

    FlowPlaces places() {
        return places;
    }

    long now() {
        return dataPath.now();
    }

    /** The wall clock's time so many nanoseconds ago. */
    Instant instant(long ago) {
        return Instant.now().minusNanos(ago).truncatedTo(ChronoUnit.MILLIS);
    }
}
