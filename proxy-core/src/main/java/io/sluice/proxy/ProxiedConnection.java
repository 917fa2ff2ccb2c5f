package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.ReferenceCountUtil;
import io.sluice.connection.ConnectFailure;
import io.sluice.connection.ConnectionActions;
import io.sluice.connection.ConnectionMachine;
import io.sluice.connection.Side;
import io.sluice.connection.Termination;
import io.sluice.metrics.ClosedConnection;
import io.sluice.metrics.Ending;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.RefusalReason;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drives one {@link ConnectionMachine} with two Netty channels: reports what happens on them, does what it asks, and
 * carries the bytes. Lives on one event loop, which owns both channels.
 *
 * <p>Each buffer that is read is written and flushed at once; it counts as delivered when the kernel has taken it. No
 * more than the machine's bound and one read are ever held in one direction.
 */
final class ProxiedConnection implements ConnectionActions {

    private static final Logger LOG = LoggerFactory.getLogger(ProxiedConnection.class);

    private static final long DELIVERY_POLL_MILLIS = 5;

    private final long id;
    private final LoopConnections owner;
    private final PortProxy port;
    private final InetSocketAddress listener;
    private final AddressKind kind;
    private final Channel client;
    private final InetSocketAddress clientAddress;
    private final ConnectionMachine machine;
    private final long acceptedAt;
    private final Instant acceptedInstant = Instant.now();

    private @Nullable Channel backend;
    /** What the client sent before an endpoint was connected. */
    private @Nullable Queue<ByteBuf> held;
    private Set<EndpointAddress> tried = Set.of();
    private @Nullable EndpointAddress endpoint;
    private @Nullable EndpointMeters endpointMeters;
    private @Nullable ConnectFailure lastFailure;
    private boolean connected;
    private long connectNanos = -1;
    private @Nullable ScheduledFuture<?> timer;
    private long timerAt = Long.MAX_VALUE;

    ProxiedConnection(long id, LoopConnections owner, PortProxy port, InetSocketAddress listener, AddressKind kind,
            Channel client, InetSocketAddress clientAddress) {
        this.id = id;
        this.owner = owner;
        this.port = port;
        this.listener = listener;
        this.kind = kind;
        this.client = client;
        this.clientAddress = clientAddress;
        this.machine = new ConnectionMachine(owner.limits(), this);
        this.acceptedAt = owner.now();
    }

    /** Begins; the client channel is registered. */
    void start() {
        client.pipeline().addLast(new SideHandler(Side.CLIENT));
        machine.start(acceptedAt);
        rearm();
    }

    void drain(long deadline) {
        machine.drain(deadline);
        rearm();
    }

    void kill() {
        machine.kill();
    }

    ConnectionView view() {
        String state = switch (machine.phase()) {
            case CONNECTING -> "connecting";
            case ESTABLISHED -> "established";
            case HALF_CLOSED -> "half-closed (" + (machine.finishedSide() == Side.CLIENT ? "client" : "backend") + ")";
            case FLUSHING, CLOSED -> "closing";
        };
        return new ConnectionView(id, clientAddress, listener, port.name(), endpoint, state, acceptedInstant,
                machine.deliveredTo(Side.BACKEND), machine.deliveredTo(Side.CLIENT), machine.retries());
    }

    // Events from the channels.

    private final class SideHandler extends ChannelInboundHandlerAdapter {

        private final Side side;

        SideHandler(Side side) {
            this.side = side;
        }

        private boolean stale(ChannelHandlerContext ctx) {
            return side == Side.BACKEND && !ctx.channel().equals(backend);
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object msg) {
            ByteBuf bytes = (ByteBuf) msg;
            int length = bytes.readableBytes();
            if (stale(ctx) || !machine.received(side, length, owner.now())) {
                bytes.release();
            } else if (!connected) {
                hold(bytes);
            } else {
                write(side.other(), bytes, length);
            }
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
            if (event == ChannelInputShutdownEvent.INSTANCE && !stale(ctx)) {
                machine.finished(side, owner.now());
                rearm();
            }
            ReferenceCountUtil.release(event);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            if (!(cause instanceof IOException)) {
                LOG.error("connection {} to {} failed by a fault in the proxy; please report it", id, port.name(),
                        cause);
            }
            socketFailed(ctx);
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            socketFailed(ctx);
        }

        private void socketFailed(ChannelHandlerContext ctx) {
            if (!stale(ctx) && (side == Side.CLIENT || connected)) {
                machine.failed(side, owner.now());
                rearm();
            }
        }
    }

    private void hold(ByteBuf bytes) {
        if (held == null) {
            held = new ArrayDeque<>(2);
        }
        held.add(bytes);
    }

    private void write(Side to, ByteBuf bytes, int length) {
        Channel channel = to == Side.CLIENT ? client : backend;
        if (channel == null) {
            bytes.release();
            return;
        }
        channel.writeAndFlush(bytes, new Delivery(channel, to, length));
    }

    /** Tells the machine when the kernel has taken one buffer; an object of its own for each, as Netty's promises are. */
    private final class Delivery extends DefaultChannelPromise {

        private final Side to;
        private final int length;

        Delivery(Channel channel, Side to, int length) {
            super(channel);
            this.to = to;
            this.length = length;
        }

        @Override
        public boolean trySuccess(@Nullable Void nothing) {
            boolean first = super.trySuccess(null);
            if (first) {
                if (to == Side.BACKEND) {
                    port.meters().bytesFromClient(length);
                    meters().bytesFromClient(length);
                } else {
                    port.meters().bytesFromBackend(length);
                    meters().bytesFromBackend(length);
                }
                machine.delivered(to, length, owner.now());
            }
            return first;
        }

        @Override
        public boolean tryFailure(Throwable cause) {
            boolean first = super.tryFailure(cause);
            if (first) {
                machine.writeFailed(to, owner.now());
                rearm();
            }
            return first;
        }
    }

    private EndpointMeters meters() {
        if (endpointMeters == null) {
            throw new IllegalStateException("no endpoint is connected");
        }
        return endpointMeters;
    }

    // Actions of the machine.

    @Override
    public void connect() {
        PortProxy.Targets targets = port.targets(IpFamily.of(listener.getAddress()), kind);
        int index = targets.balancer().pick(tried);
        if (index < 0) {
            machine.noEndpoint(lastFailure);
            return;
        }
        EndpointAddress chosen = targets.balancer().endpoints().get(index).address();
        if (lastFailure != null) {
            port.meters().retried();
        }
        endpoint = chosen;
        endpointMeters = targets.meters().get(index);
        Channel channel;
        try {
            channel = owner.loops().socket().get();
        } catch (ChannelException e) {
            connectFailed(ConnectFailures.classify(e), e);
            return;
        }
        backend = channel;
        configure(channel);
        channel.pipeline().addLast(new SideHandler(Side.BACKEND));
        owner.eventLoop().register(channel);
        channel.connect(chosen.toSocketAddress()).addListener((ChannelFuture future) -> {
            if (!channel.equals(backend)) {
                channel.close();
            } else if (future.isSuccess()) {
                connected();
            } else {
                backend = null;
                channel.close();
                connectFailed(ConnectFailures.classify(future.cause()), future.cause());
            }
        });
        rearm();
    }

    private void connectFailed(ConnectFailure failure, Throwable cause) {
        LOG.debug("{} -> {} {}: {}", clientAddress, port.name(), endpoint, cause.getMessage());
        attemptFailed(failure);
        machine.connectFailed(failure, owner.now());
        rearm();
    }

    private void attemptFailed(ConnectFailure failure) {
        lastFailure = failure;
        meters().connectFailed();
        if (failure == ConnectFailure.NO_LOCAL_PORT || failure == ConnectFailure.LOCAL_RESOURCES) {
            owner.localFault(failure, endpoint);
        }
        if (tried.isEmpty()) {
            tried = new HashSet<>(4);
        }
        if (endpoint != null) {
            tried.add(endpoint);
        }
    }

    private void connected() {
        connected = true;
        connectNanos = owner.now() - acceptedAt;
        port.meters().connected(connectNanos);
        meters().opened();
        machine.connected(owner.now());
        Queue<ByteBuf> early = held;
        held = null;
        if (early != null) {
            for (ByteBuf bytes = early.poll(); bytes != null; bytes = early.poll()) {
                write(Side.BACKEND, bytes, bytes.readableBytes());
            }
        }
        rearm();
    }

    @Override
    public void cancelConnect() {
        if (machine.phase() == ConnectionMachine.Phase.CONNECTING) {
            attemptFailed(ConnectFailure.TIMED_OUT);
        }
        Channel attempt = backend;
        backend = null;
        if (attempt != null) {
            attempt.close();
        }
    }

    @Override
    public void read(Side side, boolean enabled) {
        Channel channel = side == Side.CLIENT ? client : backend;
        if (channel != null) {
            channel.config().setAutoRead(enabled);
        }
    }

    @Override
    public void finish(Side side) {
        Channel channel = side == Side.CLIENT ? client : backend;
        if (channel != null) {
            ((DuplexChannel) channel).shutdownOutput();
        }
    }

    @Override
    public void close(Side side) {
        Channel channel = side == Side.CLIENT ? client : backend;
        if (channel != null) {
            channel.close();
        }
    }

    @Override
    public void reset(Side side) {
        Channel channel = side == Side.CLIENT ? client : backend;
        if (channel != null) {
            reset(channel);
        }
    }

    @Override
    public void resetAfterDelivery(Side side) {
        Channel channel = side == Side.CLIENT ? client : backend;
        if (channel != null) {
            channel.config().setAutoRead(false);
            resetOnceDelivered(channel, owner.now() + owner.limits().flushTimeout());
        }
    }

    private void resetOnceDelivered(Channel channel, long deadline) {
        if (SendQueue.bytes(channel) == 0 || owner.now() >= deadline) {
            reset(channel);
        } else {
            owner.eventLoop().schedule(() -> resetOnceDelivered(channel, deadline), DELIVERY_POLL_MILLIS,
                    TimeUnit.MILLISECONDS);
        }
    }

    /** Closes so that the other end sees a reset. */
    static void reset(Channel channel) {
        try {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
        } catch (ChannelException e) {
            LOG.debug("the socket is closed already: {}", e.getMessage());
        }
        channel.close();
    }

    @Override
    public void ended(Termination termination) {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
        Queue<ByteBuf> early = held;
        held = null;
        if (early != null) {
            early.forEach(ByteBuf::release);
        }
        long total = owner.now() - acceptedAt;
        if (connected) {
            meters().closed();
        } else {
            countRefusal(termination);
        }
        port.meters().closed(ending(termination), total);
        owner.ended(this);
        if (owner.accessLog().enabled()) {
            owner.accessLog().log(new ClosedConnection(clientAddress, port.name(), listener, endpoint, connectNanos,
                    total, machine.deliveredTo(Side.BACKEND), machine.deliveredTo(Side.CLIENT), machine.retries(),
                    termination.code()));
        }
    }

    private static Ending ending(Termination termination) {
        return switch (termination) {
            case NORMAL -> Ending.COMPLETED;
            case CLIENT_ABORTED_CONNECTING, CLIENT_ABORTED, CLIENT_ABORTED_LAST -> Ending.CLIENT_ABORTED;
            default -> Ending.FAILED;
        };
    }

    private void countRefusal(Termination termination) {
        switch (termination) {
            case NO_ENDPOINT -> port.meters().refused(RefusalReason.NO_ENDPOINT);
            case BACKEND_REFUSED -> port.meters().refused(RefusalReason.CONNECT_FAILED);
            case BACKEND_CONNECT_TIMED_OUT -> port.meters().refused(RefusalReason.CONNECT_TIMEOUT);
            case LOCAL_RESOURCES -> port.meters().refused(RefusalReason.LOCAL_RESOURCES);
            default -> {
            }
        }
    }

    PortProxy port() {
        return port;
    }

    /** The machine's deadline may have come nearer: one timer task at the most, re-armed lazily when it moved away. */
    private void rearm() {
        long deadline = machine.deadline();
        if (deadline >= timerAt || machine.phase() == ConnectionMachine.Phase.CLOSED) {
            return;
        }
        if (timer != null) {
            timer.cancel(false);
        }
        timerAt = deadline;
        timer = owner.eventLoop().schedule(this::timerFired, Math.max(0, deadline - owner.now()), TimeUnit.NANOSECONDS);
    }

    private void timerFired() {
        timer = null;
        timerAt = Long.MAX_VALUE;
        machine.timer(owner.now());
        rearm();
    }

    /** What both sockets of a connection get. */
    static void configure(Channel channel) {
        ChannelConfig config = channel.config();
        config.setAutoRead(false);
        config.setAutoClose(false);
        config.setConnectTimeoutMillis(0);
        config.setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        config.setOption(ChannelOption.TCP_NODELAY, true);
        config.setOption(ChannelOption.SO_KEEPALIVE, true);
    }
}
