package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
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
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.util.ReferenceCountUtil;
import io.sluice.connection.PeerSilence;
import io.sluice.connection.Side;
import io.sluice.linux.TcpInfo;
import io.sluice.service.EndpointAddress;
import io.sluice.service.PeerTimeouts;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/**
 * A connection over two Netty channels with their pipelines: works everywhere, and is what {@link NativeConnection} is
 * compared with.
 *
 * <p>Each buffer that is read is written and flushed at once; it counts as delivered when the kernel has accepted it.
 */
final class ChannelConnection extends ProxiedConnection {

    private static final ChannelOption<Integer> KEEPALIVE_IDLE =
            NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPIDLE);
    private static final ChannelOption<Integer> KEEPALIVE_INTERVAL =
            NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPINTERVAL);
    private static final ChannelOption<Integer> KEEPALIVE_COUNT =
            NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPCOUNT);

    private final Channel client;
    private @Nullable Channel backend;
    /** The bytes that the client sent before an endpoint was connected. */
    private @Nullable Queue<ByteBuf> held;

    private boolean begun;
    /** The sides whose bytes are held while the {@link BufferBudget} is short; read again when these are delivered. */
    private final Set<Side> waiting = EnumSet.noneOf(Side.class);
    private final Set<Side> reading = EnumSet.noneOf(Side.class);
    /** The sides to which something has been sent that the peer may not have acknowledged yet. */
    private final Set<Side> unsettled = EnumSet.noneOf(Side.class);
    private final Map<Side, PeerSilence> silences = new EnumMap<>(Side.class);

    /**
     * Starts as soon as {@code client} is registered with the event loop.
     */
    ChannelConnection(AcceptedClient accepted, EventLoopContext owner, Channel client) {
        super(accepted, owner);
        this.client = client;
        bound(client);
        client.pipeline().addLast(new SideHandler(Side.CLIENT));
    }

    /** Whether the client was still connected when its channel was registered. On the event loop. */
    boolean begun() {
        return begun;
    }

    private final class SideHandler extends ChannelInboundHandlerAdapter {

        private final Side side;

        SideHandler(Side side) {
            this.side = side;
        }

        private boolean stale(ChannelHandlerContext ctx) {
            return side == Side.BACKEND && !ctx.channel().equals(backend);
        }

        @Override
        public void channelActive(ChannelHandlerContext ctx) {
            if (side == Side.CLIENT) {
                begun = true;
                owner.begin(ChannelConnection.this);
            }
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object msg) {
            ByteBuf bytes = (ByteBuf) msg;
            int length = bytes.readableBytes();
            if (stale(ctx) || !machine.received(side, length, owner.now())) {
                bytes.release();
                return;
            }
            owner.budget().take(bytes.capacity());
            if (!connected()) {
                hold(bytes);
            } else {
                write(side.other(), bytes, length);
            }
            if (owner.budget().isShort() && machine.buffered(side) > 0 && waiting.add(side)) {
                ctx.channel().config().setAutoRead(false);
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
            if (cause instanceof IOException) {
                // A reset has a class of its own; for whatever else the kernel says, the peer does not answer any more.
                if (!stale(ctx) && !(cause instanceof SocketException)) {
                    machine.dead(side);
                }
                socketFailed(ctx);
            } else {
                fault(cause);
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            socketFailed(ctx);
        }

        private void socketFailed(ChannelHandlerContext ctx) {
            if (!stale(ctx) && (side == Side.CLIENT || connected())) {
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
        Channel channel = channel(to);
        if (channel == null) {
            giveBack(bytes);
            return;
        }
        channel.writeAndFlush(bytes, new Delivery(channel, to, length, bytes.capacity()));
        sent(to);
    }

    private void giveBack(ByteBuf bytes) {
        owner.budget().giveBack(bytes.capacity());
        bytes.release();
    }

    /** Reports to the machine that the kernel has accepted one buffer; one object for each, as Netty's promises are. */
    private final class Delivery extends DefaultChannelPromise {

        private final Side to;
        private final int length;
        private final int capacity;

        Delivery(Channel channel, Side to, int length, int capacity) {
            super(channel);
            this.to = to;
            this.length = length;
            this.capacity = capacity;
        }

        @Override
        public boolean trySuccess(@Nullable Void nothing) {
            boolean first = super.trySuccess(null);
            if (first) {
                over(true);
            }
            return first;
        }

        @Override
        public boolean tryFailure(Throwable cause) {
            boolean first = super.tryFailure(cause);
            if (first) {
                over(false);
            }
            return first;
        }

        private void over(boolean taken) {
            owner.budget().giveBack(capacity);
            try {
                if (taken) {
                    delivered(to, length);
                } else {
                    machine.writeFailed(to, owner.now());
                }
                if (machine.buffered(to.other()) == 0 && waiting.remove(to.other())) {
                    read(to.other(), reading.contains(to.other()));
                }
                if (!taken) {
                    rearm();
                }
            } catch (RuntimeException | Error e) {
                fault(e);
            }
        }
    }

    @Override
    void open(EndpointAddress address) {
        Channel channel;
        try {
            channel = owner.loops().socket().get();
            backend = channel;
            configure(channel);
        } catch (ChannelException e) {
            backendFailed(e);
            return;
        }
        bound(channel);
        channel.pipeline().addLast(new SideHandler(Side.BACKEND));
        owner.eventLoop().register(channel);
        channel.connect(address.toSocketAddress()).addListener((ChannelFuture future) -> contain(() -> {
            if (!channel.equals(backend)) {
                channel.close();
            } else if (future.isSuccess() && metItself(channel)) {
                backend = null;
                reset(channel);
                backendFailed(new ConnectException("nobody listens there"));
            } else if (future.isSuccess()) {
                writeHeader(channel);
            } else {
                backend = null;
                channel.close();
                backendFailed(future.cause());
            }
        }));
    }

    /**
     * Whether a channel is connected to itself: where no socket listens on a port of this machine, the kernel may have
     * chosen that port for it (simultaneous open, RFC 9293 3.5).
     */
    static boolean metItself(Channel channel) {
        return channel.localAddress() != null && channel.localAddress().equals(channel.remoteAddress());
    }

    /** Sends the header of the PROXY protocol; the client's bytes are sent only after the kernel has accepted it. */
    private void writeHeader(Channel channel) {
        byte[] header = header();
        if (header.length == 0) {
            opened();
            return;
        }
        channel.writeAndFlush(Unpooled.wrappedBuffer(header)).addListener((ChannelFuture future) -> contain(() -> {
            if (!channel.equals(backend)) {
                channel.close();
            } else if (future.isSuccess()) {
                opened();
            } else {
                backend = null;
                channel.close();
                backendFailed(future.cause());
            }
        }));
    }

    private void opened() {
        backendConnected();
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
    void abandon() {
        Channel attempt = backend;
        backend = null;
        if (attempt != null) {
            // The kernel may have connected it by now: the endpoint must not take this for an empty stream.
            reset(attempt);
        }
    }

    private @Nullable Channel channel(Side side) {
        return side == Side.CLIENT ? client : backend;
    }

    @Override
    public void read(Side side, boolean enabled) {
        if (enabled) {
            reading.add(side);
        } else {
            reading.remove(side);
        }
        Channel channel = channel(side);
        if (channel != null) {
            channel.config().setAutoRead(enabled && !waiting.contains(side));
        }
    }

    @Override
    public void finish(Side side) {
        Channel channel = channel(side);
        if (channel != null) {
            ((DuplexChannel) channel).shutdownOutput();
            sent(side);
        }
    }

    private void sent(Side to) {
        if (owner.kernel().available()) {
            unsettled.add(to);
            watchPeers();
        }
    }

    @Override
    public void close(Side side) {
        Channel channel = channel(side);
        if (channel != null) {
            channel.close();
        }
    }

    @Override
    public void reset(Side side) {
        Channel channel = channel(side);
        if (channel != null) {
            reset(channel);
        }
    }

    @Override
    public void resetAfterDelivery(Side side) {
        Channel channel = channel(side);
        if (channel != null) {
            // The JDK's channels do not show their descriptor: what they have not delivered is unknown.
            reset(channel);
        }
    }

    /** Closes so that the peer sees a reset. */
    static void reset(Channel channel) {
        try {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
        } catch (ChannelException e) {
            LOG.debug("the socket is closed already: {}", e.getMessage());
        }
        channel.close();
    }

    /** What only connections that live on need: that a peer which dies is noticed. */
    @Override
    void settled() {
        PeerTimeouts peers = port().peers(owner.peers());
        if (peers.hasKeepalive()) {
            keepAlive(client, peers);
            Channel endpoint = backend;
            if (endpoint != null) {
                keepAlive(endpoint, peers);
            }
        }
        if (!unsettled.isEmpty()) {
            watchPeers();
        }
    }

    @Override
    void lookAtPeers() {
        for (Side side : Side.values()) {
            if (unsettled.contains(side)) {
                lookAtPeer(side);
            }
        }
        if (unsettled.isEmpty()) {
            owner.sweep().remove(this);
        }
    }

    /**
     * Asks the kernel, which knows the socket by its addresses: the JDK's channels do not show their descriptor. What a dead peer
     * sent before was read as it came, unless the other side is slow; that is lost here.
     */
    private void lookAtPeer(Side side) {
        Channel channel = channel(side);
        TcpInfo info = channel == null ? null : info(channel);
        if (info == null || info.isSettled()) {
            unsettled.remove(side);
            silences.remove(side);
        } else if (isTooLong(silences.computeIfAbsent(side, any -> new PeerSilence()), info,
                port().peers(owner.peers()).deadPeer().toNanos())) {
            machine.dead(side);
            machine.failed(side, owner.now());
            rearm();
        }
    }

    /** Null once it is closed. */
    private @Nullable TcpInfo info(Channel channel) {
        return channel.localAddress() instanceof InetSocketAddress local
                && channel.remoteAddress() instanceof InetSocketAddress remote
                        ? owner.kernel().info(local, remote).orElse(null)
                        : null;
    }

    private static void keepAlive(Channel channel, PeerTimeouts peers) {
        try {
            channel.config().setOption(KEEPALIVE_IDLE, Math.toIntExact(peers.keepaliveIdle().toSeconds()));
            channel.config().setOption(KEEPALIVE_INTERVAL, Math.toIntExact(peers.keepaliveInterval().toSeconds()));
            channel.config().setOption(KEEPALIVE_COUNT, peers.keepaliveCount());
        } catch (ChannelException e) {
            LOG.debug("the socket is closed already: {}", e.getMessage());
        }
    }

    @Override
    void release() {
        super.release();
        Queue<ByteBuf> early = held;
        held = null;
        if (early != null) {
            early.forEach(this::giveBack);
        }
    }

    /** Limits what is held for the peer that reads, here and in the kernel. */
    private void bound(Channel channel) {
        channel.config().setRecvByteBufAllocator(new BudgetedReads(owner.budget()));
        if (owner.receiveBufferBytes() > 0) {
            channel.config().setOption(ChannelOption.SO_RCVBUF, owner.receiveBufferBytes());
        }
    }

    @Override
    void buffersShort() {
        // The next reads are small: BudgetedReads.
    }

    /** Sets the options of both sockets of a connection. */
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
