package io.sluice.dns;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Queries of one TCP connection (RFC 7766): many, one after the other or at once, answered as the answers come. Lives on
 * its event loop.
 *
 * <p>Reading pauses while too many queries wait for an upstream or too many replies for the client. A connection on which
 * neither a whole query came nor a reply went for a while is closed, however many octets trickle in.
 */
final class TcpHandler extends SimpleChannelInboundHandler<ByteBuf> {

    /** Longer queries do not occur. */
    static final int MAX_QUERY = 4_096;

    private static final Logger LOG = LoggerFactory.getLogger(TcpHandler.class);

    private final Dispatcher dispatcher;
    private final DnsLimits limits;
    private final InetSocketAddress client;
    private int outstanding;
    private long progressAt;

    TcpHandler(Dispatcher dispatcher, DnsLimits limits, InetSocketAddress client) {
        this.dispatcher = dispatcher;
        this.limits = limits;
        this.client = client;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        progressAt = System.nanoTime();
        checkIdle(ctx);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, ByteBuf query) {
        progressAt = System.nanoTime();
        outstanding++;
        byte[] octets = ByteBufUtil.getBytes(query);
        if (!dispatcher.received(new Exchange(octets, true, client, ctx.channel().eventLoop(), progressAt,
                reply -> send(ctx, reply)))) {
            outstanding--;
        }
        readOrPause(ctx);
    }

    private void send(ChannelHandlerContext ctx, byte[] reply) {
        outstanding--;
        if (!ctx.channel().isActive()) {
            return;
        }
        ByteBuf message = ctx.alloc().buffer(reply.length + 2).writeShort(reply.length).writeBytes(reply);
        ctx.writeAndFlush(message).addListener(written -> progressAt = System.nanoTime());
        readOrPause(ctx);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        readOrPause(ctx);
    }

    private void readOrPause(ChannelHandlerContext ctx) {
        ctx.channel().config().setAutoRead(outstanding < limits.pipelined() && ctx.channel().isWritable());
    }

    private void checkIdle(ChannelHandlerContext ctx) {
        long left = limits.tcpIdle().toNanos() - (System.nanoTime() - progressAt);
        if (left <= 0) {
            ctx.close();
        } else if (ctx.channel().isOpen()) {
            ctx.executor().schedule(() -> checkIdle(ctx), left, TimeUnit.NANOSECONDS);
        }
    }

    /** A reset, or a length that no query has. */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.debug("TCP from {}: {}", client, cause.toString());
        ctx.close();
    }
}
