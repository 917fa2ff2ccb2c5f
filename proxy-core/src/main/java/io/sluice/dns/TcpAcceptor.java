package io.sluice.dns;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.sluice.linux.SocketFailures;
import io.sluice.metrics.DnsMetrics;
import io.sluice.metrics.DnsMetrics.Drop;
import java.net.InetSocketAddress;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Takes the connections of one listening socket and deals them to the event loops. Lives on that socket's loop. */
final class TcpAcceptor extends ChannelInboundHandlerAdapter {

    private static final Logger LOG = LoggerFactory.getLogger(TcpAcceptor.class);
    private static final int PAUSE_MILLIS = 100;

    private final Dispatcher dispatcher;
    private final DnsLimits limits;
    private final ConnectionCaps caps;
    private final DnsMetrics metrics;
    private final EventLoopGroup loops;
    private final Set<Channel> open;

    /** @param open takes the connections while they are open, so that they can be closed */
    TcpAcceptor(Dispatcher dispatcher, DnsLimits limits, ConnectionCaps caps, DnsMetrics metrics, EventLoopGroup loops,
            Set<Channel> open) {
        this.dispatcher = dispatcher;
        this.limits = limits;
        this.caps = caps;
        this.metrics = metrics;
        this.loops = loops;
        this.open = open;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object msg) {
        Channel connection = (Channel) msg;
        if (!(connection.remoteAddress() instanceof InetSocketAddress client)) {
            connection.unsafe().closeForcibly();
        } else if (!dispatcher.allowed(client.getAddress())) {
            metrics.dropped(Drop.NOT_ALLOWED);
            connection.unsafe().closeForcibly();
        } else if (!caps.admit(client.getAddress())) {
            metrics.dropped(Drop.CONNECTION_LIMIT);
            connection.unsafe().closeForcibly();
        } else {
            serve(connection, client);
        }
    }

    private void serve(Channel connection, InetSocketAddress client) {
        connection.config().setOption(ChannelOption.TCP_NODELAY, true);
        connection.pipeline().addLast(new LengthFieldBasedFrameDecoder(TcpHandler.MAX_QUERY + 2, 0, 2, 0, 2),
                new TcpHandler(dispatcher, limits, client));
        EventLoop eventLoop = loops.next();
        eventLoop.register(connection).addListener((ChannelFuture registered) -> {
            if (registered.isSuccess()) {
                open.add(connection);
                connection.closeFuture().addListener(closed -> {
                    open.remove(connection);
                    caps.release(client.getAddress());
                });
            } else {
                connection.unsafe().closeForcibly();
                caps.release(client.getAddress());
            }
        });
    }

    /** Out of file descriptors: the connection waits in the kernel's queue, and is tried again soon. */
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
