package io.sluice.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.nio.AbstractNioChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpServerCodec;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;

/** Accepts the connections of one listening socket. Lives on the server's event loop. */
final class HttpAcceptor extends ChannelInboundHandlerAdapter {

    /** The bytes that the kernel holds for a client that does not read; it doubles the number (socket(7)). */
    private static final int SEND_BUFFER = 128 * 1024;
    private static final int READ_BYTES = 4 * 1024;
    private static final WriteBufferWaterMark WRITE_BYTES = new WriteBufferWaterMark(8 * 1024, 16 * 1024);
    private static final int PAUSE_MILLIS = 10;

    private final HttpServer server;
    private final HttpListener listener;
    /** Whether the read that goes on has brought a connection: that it ends with a failure says nothing of another. */
    private boolean accepted;

    HttpAcceptor(HttpServer server, HttpListener listener) {
        this.server = server;
        this.listener = listener;
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        Channel channel = (Channel) message;
        if (!(channel.remoteAddress() instanceof InetSocketAddress peer)
                || !(channel.localAddress() instanceof InetSocketAddress local)) {
            channel.unsafe().closeForcibly();
            return;
        }
        accepted = true;
        HttpConnection connection = new HttpConnection(server, listener.site(),
                Client.of(peer.getAddress(), local.getAddress()), channel);
        configure(channel, connection);
        server.admit(connection);
        channel.closeFuture().addListener(closed -> server.ended(connection));
        ctx.channel().eventLoop().register(channel).addListener((ChannelFuture registered) -> {
            if (!registered.isSuccess()) {
                channel.unsafe().closeForcibly();
            }
        });
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        ctx.executor().execute(() -> accepted = false);
    }

    private void configure(Channel channel, HttpConnection connection) {
        HttpLimits limits = server.limits();
        channel.config().setOption(ChannelOption.TCP_NODELAY, true);
        channel.config().setOption(ChannelOption.SO_SNDBUF, SEND_BUFFER);
        channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        channel.config().setOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WRITE_BYTES);
        channel.config().setOption(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(READ_BYTES));
        channel.pipeline().addLast(connection.octets(), new HttpServerCodec(new HttpDecoderConfig()
                .setMaxInitialLineLength(limits.headBytes()).setMaxHeaderSize(limits.headBytes())
                .setMaxChunkSize(READ_BYTES)), connection);
    }

    /**
     * Out of file descriptors: the connection waits in the kernel's queue. Retries soon, as others take free descriptors
     * too.
     */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        Channel socket = ctx.channel();
        if (!accepted && server.outOfDescriptors(socket, cause)) {
            ctx.executor().execute(() -> ((AbstractNioChannel.NioUnsafe) socket.unsafe()).read());
        } else if (socket.config().isAutoRead()) {
            socket.config().setAutoRead(false);
            ctx.executor().schedule(() -> socket.config().setAutoRead(true), PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        }
    }
}
