package io.sluice.dns;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.DatagramPacket;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import io.sluice.metrics.DnsMetrics;
import io.sluice.service.IpFamily;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Rcode;

/**
 * One question to one upstream: over UDP from a socket of its own, so that the kernel chooses a new random port and takes
 * datagrams from that upstream only (RFC 5452), and over TCP if the answer does not fit. Lives on one event loop.
 */
final class UpstreamAttempt extends ChannelInboundHandlerAdapter {

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int MAX_MESSAGE = 65_535;

    private final DnsSockets sockets;
    private final EventLoop eventLoop;
    private final DnsMetrics metrics;
    private final Upstream upstream;
    private final Question question;
    private final Consumer<@Nullable UpstreamMessage> done;
    private final int id = RANDOM.nextInt(0x10000);
    private final long startedAt = System.nanoTime();
    private final Duration timeout;
    private boolean stream;
    private boolean finished;
    private @Nullable Channel channel;
    private @Nullable ScheduledFuture<?> timer;

    private UpstreamAttempt(DnsSockets sockets, EventLoop eventLoop, DnsMetrics metrics, Upstream upstream,
            Question question, Duration timeout, Consumer<@Nullable UpstreamMessage> done) {
        this.sockets = sockets;
        this.eventLoop = eventLoop;
        this.metrics = metrics;
        this.upstream = upstream;
        this.question = question;
        this.timeout = timeout;
        this.done = done;
    }

    /**
     * Asks. On {@code eventLoop}, as is the call of {@code done}.
     *
     * @param timeout for UDP, and again for TCP
     * @param done    takes the answer, null if there is none
     */
    static void begin(DnsSockets sockets, EventLoop eventLoop, DnsMetrics metrics, Upstream upstream, Question question,
            Duration timeout, Consumer<@Nullable UpstreamMessage> done) {
        new UpstreamAttempt(sockets, eventLoop, metrics, upstream, question, timeout, done).connect();
    }

    @Override
    public boolean isSharable() {
        return true; // of the UDP and, after it, the TCP channel
    }

    private void connect() {
        Bootstrap bootstrap = new Bootstrap().group(eventLoop).remoteAddress(upstream.address());
        if (stream) {
            bootstrap.channelFactory(sockets.stream()::get)
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) timeout.toMillis()).handler(this);
        } else {
            IpFamily family = IpFamily.of(upstream.address().getAddress());
            bootstrap.channelFactory(() -> sockets.datagram().apply(family))
                    .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(4096)).handler(this);
        }
        timer = eventLoop.schedule(() -> finish(null, "timeout"), timeout.toNanos(), TimeUnit.NANOSECONDS);
        bootstrap.connect().addListener((ChannelFuture connected) -> {
            if (!connected.isSuccess()) {
                finish(null, "error");
            }
        });
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        channel = ctx.channel();
        if (stream) {
            ctx.pipeline().addBefore(ctx.name(), null, new LengthFieldBasedFrameDecoder(MAX_MESSAGE + 2, 0, 2, 0, 2));
        }
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        byte[] query = question.toQuery(id);
        ByteBuf message = stream
                ? ctx.alloc().buffer(query.length + 2).writeShort(query.length).writeBytes(query)
                : Unpooled.wrappedBuffer(query);
        ctx.writeAndFlush(message).addListener(written -> {
            if (!written.isSuccess()) {
                finish(null, "error");
            }
        });
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object msg) {
        try {
            ByteBuf content = msg instanceof DatagramPacket packet ? packet.content() : (ByteBuf) msg;
            UpstreamMessage message = UpstreamMessage.read(ByteBufUtil.getBytes(content), id, question);
            if (message == null || !ctx.channel().equals(channel)) {
                return;
            }
            if (message.truncated() && !stream) {
                overStream(ctx);
            } else {
                finish(message, Rcode.string(message.rcode()));
            }
        } finally {
            ReferenceCountUtil.release(msg);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        if (ctx.channel().equals(channel)) {
            finish(null, "error");
        }
    }

    /** The upstream's host says that nobody listens, for example. */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (ctx.channel().equals(channel)) {
            finish(null, "error");
        }
    }

    private void overStream(ChannelHandlerContext ctx) {
        if (timer != null) {
            timer.cancel(false);
        }
        stream = true;
        channel = null;
        ctx.close();
        connect();
    }

    private void finish(@Nullable UpstreamMessage message, String outcome) {
        if (finished) {
            return;
        }
        finished = true;
        if (timer != null) {
            timer.cancel(false);
        }
        if (channel != null) {
            channel.close();
        }
        metrics.upstream(upstream.toString(), outcome, System.nanoTime() - startedAt);
        done.accept(message);
    }
}
