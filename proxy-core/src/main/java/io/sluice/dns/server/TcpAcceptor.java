package io.sluice.dns.server;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.sluice.dns.server.ConnectionCaps.Slot;
import io.sluice.linux.SocketFailures;
import io.sluice.metrics.DnsMetrics.Drop;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Accepts the connections of one listening socket and deals them to the event loops. Lives on that socket's loop. */
final class TcpAcceptor extends ChannelInboundHandlerAdapter {

    private static final Logger LOG = LoggerFactory.getLogger(TcpAcceptor.class);
    private static final int PAUSE_MILLIS = 100;

    private final Dispatcher dispatcher;
    private final DnsLimits limits;
    private final ConnectionCaps caps;
    private final EventLoopGroup loops;
    private final Set<Channel> open;

    /** @param open takes the connections while they are open, so that they can be closed */
    TcpAcceptor(Dispatcher dispatcher, DnsLimits limits, ConnectionCaps caps, EventLoopGroup loops,
            Set<Channel> open) {
        this.dispatcher = dispatcher;
        this.limits = limits;
        this.caps = caps;
        this.loops = loops;
        this.open = open;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object msg) {
        Channel connection = (Channel) msg;
        if (!(connection.remoteAddress() instanceof InetSocketAddress client)) {
            connection.unsafe().closeForcibly();
        } else if (!dispatcher.allowed(client.getAddress())) {
            dispatcher.dropped(Drop.NOT_ALLOWED, client.getAddress());
            connection.unsafe().closeForcibly();
        } else {
            Slot slot = caps.admit(client.getAddress(), dispatcher.own(client.getAddress()), () -> giveWay(connection));
            if (slot == null) {
                dispatcher.dropped(Drop.CONNECTION_LIMIT, client.getAddress());
                connection.unsafe().closeForcibly();
            } else {
                serve(connection, client, slot);
            }
        }
    }

    /** Called only for a connection that has been idle, which therefore has an event loop. Any thread. */
    private static void giveWay(Channel connection) {
        connection.eventLoop().execute(() -> {
            TcpHandler handler = connection.pipeline().get(TcpHandler.class);
            ChannelHandlerContext context = connection.pipeline().context(TcpHandler.class);
            if (handler != null && context != null) {
                handler.giveWay(context);
            }
        });
    }

    private void serve(Channel connection, InetSocketAddress client, Slot slot) {
        connection.config().setOption(ChannelOption.TCP_NODELAY, true);
        connection.pipeline().addLast(new LengthFieldBasedFrameDecoder(TcpHandler.MAX_QUERY + 2, 0, 2, 0, 2),
                new TcpHandler(dispatcher, limits, client, slot));
        EventLoop eventLoop = loops.next();
        eventLoop.register(connection).addListener((ChannelFuture registered) -> {
            if (registered.isSuccess()) {
                open.add(connection);
                connection.closeFuture().addListener(closed -> {
                    open.remove(connection);
                    slot.release();
                });
            } else {
                connection.unsafe().closeForcibly();
                slot.release();
            }
        });
    }

    /** Out of file descriptors: the connection waits in the kernel's queue until the next attempt. */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        Channel server = ctx.channel();
        if (server.config().isAutoRead()) {
            LOG.warn("Cannot accept a DNS connection: {}", SocketFailures.acceptReason(cause));
            server.config().setAutoRead(false);
            ctx.executor().schedule(() -> server.config().setAutoRead(true), PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        }
    }
}
