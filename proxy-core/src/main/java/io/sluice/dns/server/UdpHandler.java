package io.sluice.dns.server;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.socket.DatagramPacket;
import io.sluice.metrics.DnsMetrics;
import io.sluice.metrics.DnsMetrics.Drop;
import java.net.InetSocketAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Queries of one UDP socket. Lives on its event loop; no message closes it. */
final class UdpHandler extends SimpleChannelInboundHandler<DatagramPacket> {

    private static final Logger LOG = LoggerFactory.getLogger(UdpHandler.class);

    private final Dispatcher dispatcher;
    private final DnsMetrics metrics;
    private boolean reading;

    UdpHandler(Dispatcher dispatcher, DnsMetrics metrics) {
        this.dispatcher = dispatcher;
        this.metrics = metrics;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, DatagramPacket packet) {
        reading = true;
        InetSocketAddress client = packet.sender();
        if (client.getPort() == 0) {
            metrics.dropped(Drop.MALFORMED);
            return;
        }
        dispatcher.received(new Exchange(ByteBufUtil.getBytes(packet.content()), false, client,
                ctx.channel().eventLoop(), System.nanoTime(), reply -> send(ctx, reply, client)));
    }

    private void send(ChannelHandlerContext ctx, byte[] reply, InetSocketAddress client) {
        if (!ctx.channel().isWritable()) {
            metrics.dropped(Drop.CONGESTED);
            return;
        }
        DatagramPacket packet = new DatagramPacket(Unpooled.wrappedBuffer(reply), client);
        if (reading) {
            ctx.write(packet);
        } else {
            ctx.writeAndFlush(packet);
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        reading = false;
        ctx.flush();
    }

    /** An unreachable client is reported as an error of the whole socket. */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.debug("UDP at {}: {}", ctx.channel().localAddress(), cause.toString());
    }
}
