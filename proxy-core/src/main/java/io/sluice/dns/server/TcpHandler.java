package io.sluice.dns.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.sluice.dns.server.ConnectionCaps.Slot;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Queries of one TCP connection (RFC 7766): many, one after the other or at once, each answered as soon as its answer is
 * there. Lives on its event loop.
 *
 * <p>It may have to give way to another connection: then it is closed once no query or reply is pending. Reading pauses while
 * too many queries wait for an upstream or too many replies for the client. A connection that brought no whole
 * query and took no reply for a while is closed, even if single octets arrive.
 */
final class TcpHandler extends SimpleChannelInboundHandler<ByteBuf> {

    /** The longest query that is accepted; longer ones do not occur. */
    static final int MAX_QUERY = 4_096;

    private static final Logger LOG = LoggerFactory.getLogger(TcpHandler.class);

    private final Dispatcher dispatcher;
    private final DnsLimits limits;
    private final InetSocketAddress client;
    private final Slot slot;
    private int outstanding;
    private int unwritten;
    private boolean givesWay;
    private long progressAt;

    TcpHandler(Dispatcher dispatcher, DnsLimits limits, InetSocketAddress client, Slot slot) {
        this.dispatcher = dispatcher;
        this.limits = limits;
        this.client = client;
        this.slot = slot;
    }

    /** Closes the connection as soon as it is idle. On its event loop. */
    void giveWay(ChannelHandlerContext ctx) {
        givesWay = true;
        idleOrBusy(ctx);
    }

    private void idleOrBusy(ChannelHandlerContext ctx) {
        if (outstanding > 0 || unwritten > 0) {
            slot.busy();
        } else if (givesWay) {
            ctx.close();
        } else {
            slot.idle(progressAt);
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        progressAt = System.nanoTime();
        idleOrBusy(ctx);
        checkIdle(ctx);
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, ByteBuf query) {
        progressAt = System.nanoTime();
        outstanding++;
        slot.busy();
        byte[] octets = ByteBufUtil.getBytes(query);
        if (!dispatcher.received(new Exchange(octets, true, client, ctx.channel().eventLoop(), progressAt,
                reply -> send(ctx, reply)))) {
            outstanding--;
            idleOrBusy(ctx);
        }
        readOrPause(ctx);
    }

    private void send(ChannelHandlerContext ctx, byte[] reply) {
        outstanding--;
        if (!ctx.channel().isActive()) {
            return;
        }
        ByteBuf message = ctx.alloc().buffer(reply.length + 2).writeShort(reply.length).writeBytes(reply);
        unwritten++;
        ctx.writeAndFlush(message).addListener(written -> {
            unwritten--;
            progressAt = System.nanoTime();
            idleOrBusy(ctx);
        });
        readOrPause(ctx);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        readOrPause(ctx);
    }

    private void readOrPause(ChannelHandlerContext ctx) {
        ctx.channel().config()
                .setAutoRead(!givesWay && outstanding < limits.pipelined() && ctx.channel().isWritable());
    }

    private void checkIdle(ChannelHandlerContext ctx) {
        long left = limits.tcpIdle().toNanos() - (System.nanoTime() - progressAt);
        if (left <= 0) {
            ctx.close();
        } else if (ctx.channel().isOpen()) {
            ctx.executor().schedule(() -> checkIdle(ctx), left, TimeUnit.NANOSECONDS);
        }
    }

    /** For example, a reset or a length that no query has. */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.debug("TCP from {}: {}", client, cause.toString());
        ctx.close();
    }
}
