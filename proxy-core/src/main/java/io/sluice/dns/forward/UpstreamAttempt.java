package io.sluice.dns.forward;

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
import io.sluice.dns.wire.Question;
import io.sluice.dns.wire.UpstreamMessage;
import io.sluice.metrics.DnsMetrics;
import io.sluice.service.IpFamily;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Rcode;

/**
 * One question to one upstream: over UDP from a socket of its own, so that the kernel chooses a new random port and
 * accepts datagrams from that upstream only (RFC 5452), and over TCP if the answer does not fit. Without an answer over TCP
 * the truncated one counts. An upstream that does not understand EDNS is asked again without it (RFC 6891 §6.2.2). Lives on
 * one event loop.
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
    private final long startedAt = System.nanoTime();
    private final Duration timeout;
    private final Edns mode;
    private boolean edns;
    private int id;
    private boolean stream;
    private boolean finished;
    private @Nullable UpstreamMessage truncated;
    private @Nullable Channel channel;
    private @Nullable ScheduledFuture<?> timer;

    /** Whether a question goes out with an OPT record. */
    enum Edns {
        /** With it if the upstream is known to understand it, else without. */
        AS_UNDERSTOOD,
        /** With it, to find out. */
        ALWAYS,
        /** Without it in any case; the answer says nothing about EDNS. */
        NEVER
    }

    private UpstreamAttempt(DnsSockets sockets, EventLoop eventLoop, DnsMetrics metrics, Upstream upstream,
            Question question, Edns mode, Duration timeout, Consumer<@Nullable UpstreamMessage> done) {
        this.sockets = sockets;
        this.eventLoop = eventLoop;
        this.metrics = metrics;
        this.upstream = upstream;
        this.question = question;
        this.mode = mode;
        this.edns = mode == Edns.ALWAYS || mode == Edns.AS_UNDERSTOOD && upstream.nextWithEdns();
        this.timeout = timeout;
        this.done = done;
    }

    /**
     * Asks. On {@code eventLoop}, on which {@code done} is called.
     *
     * @param timeout for UDP, and again for TCP
     * @param done    takes the answer, null if there is none
     */
    static void begin(DnsSockets sockets, EventLoop eventLoop, DnsMetrics metrics, Upstream upstream, Question question,
            Edns mode, Duration timeout, Consumer<@Nullable UpstreamMessage> done) {
        new UpstreamAttempt(sockets, eventLoop, metrics, upstream, question, mode, timeout, done).connect();
    }

    @Override
    public boolean isSharable() {
        return true; // of the UDP and, after it, the TCP channel
    }

    private void connect() {
        id = RANDOM.nextInt(0x10000);
        Bootstrap bootstrap = new Bootstrap().group(eventLoop).remoteAddress(upstream.address());
        if (stream) {
            bootstrap.channelFactory(sockets.stream()::get)
                    .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) timeout.toMillis()).handler(this);
        } else {
            IpFamily family = IpFamily.of(upstream.address().getAddress());
            bootstrap.channelFactory(() -> sockets.datagram().apply(family))
                    .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(4096)).handler(this);
        }
        timer = eventLoop.schedule(this::silence, timeout.toNanos(), TimeUnit.NANOSECONDS);
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
        byte[] query = question.toQuery(id, edns);
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
            if (message.refusesEdns() && edns && mode == Edns.AS_UNDERSTOOD) {
                edns = false;
                again(ctx);
            } else if (message.truncated() && !stream) {
                truncated = message;
                stream = true;
                again(ctx);
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

    /** For example, the upstream's host reports that its port is closed. */
    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (ctx.channel().equals(channel)) {
            finish(null, "error");
        }
    }

    private void silence() {
        if (edns && !stream && mode == Edns.AS_UNDERSTOOD) {
            upstream.silentToEdns();
        }
        finish(null, "timeout");
    }

    private void again(ChannelHandlerContext ctx) {
        if (timer != null) {
            timer.cancel(false);
        }
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
        UpstreamMessage best = message == null ? truncated : message;
        if (best != null && !edns && mode == Edns.AS_UNDERSTOOD && !best.refusesEdns()) {
            upstream.withoutEdns();
        }
        done.accept(best);
    }
}
