package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import io.sluice.service.EndpointAddress;
import java.net.ConnectException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Probes an endpoint: connects, asks a {@link ProbeQuestion}, and closes. On NIO a channel, else a {@link NativeProbe}. Lives on
 * one event loop.
 */
final class Probe {

    private final EndpointAddress endpoint;
    private final ProbeQuestion question;
    private final Channel channel;
    private final CompletableFuture<ProbeAnswer> answer = new CompletableFuture<>();

    private Probe(EndpointAddress endpoint, ProbeQuestion question, Channel channel) {
        this.endpoint = endpoint;
        this.question = question;
        this.channel = channel;
    }

    /** Completes with the result; never fails. Any thread. */
    static CompletableFuture<ProbeAnswer> start(EndpointAddress endpoint, ProbeQuestion question,
            EventLoops loops, EventLoop loop, ProxySettings settings) {
        if (loops.transport() != Transport.NIO) {
            return NativeProbe.start(endpoint, question, (IoEventLoop) loop, settings);
        }
        Channel channel;
        try {
            channel = loops.socket().get();
        } catch (ChannelException e) {
            return CompletableFuture.completedFuture(ProbeAnswer.of(ConnectFailures.classify(e)));
        }
        Probe probe = new Probe(endpoint, question, channel);
        channel.config().setConnectTimeoutMillis(0);
        loop.register(channel).addListener((ChannelFuture registered) -> {
            if (registered.isSuccess()) {
                probe.connect();
            } else {
                channel.unsafe().closeForcibly();
                probe.answer.complete(ProbeAnswer.IMPOSSIBLE);
            }
        });
        return probe.answer;
    }

    private void connect() {
        ScheduledFuture<?> timer = channel.eventLoop().schedule(() -> {
            if (answer.complete(question.tooLate(channel.isActive()))) {
                channel.close();
            }
        }, question.timeout().toNanos(), TimeUnit.NANOSECONDS);
        answer.thenRun(() -> timer.cancel(false));
        if (question.awaitsAnswer()) {
            channel.config().setOption(ChannelOption.RECVBUF_ALLOCATOR,
                    new FixedRecvByteBufAllocator(ProbeQuestion.MOST_BYTES));
            channel.pipeline().addLast(new Answer());
        }
        channel.connect(endpoint.toSocketAddress()).addListener((ChannelFuture connected) -> {
            if (connected.isSuccess() && ChannelConnection.metItself(channel)) {
                answer.complete(ProbeAnswer.of(ConnectFailures.classify(new ConnectException("nobody listens there"))));
                ChannelConnection.reset(channel);
                return;
            }
            if (!connected.isSuccess()) {
                answer.complete(ProbeAnswer.of(ConnectFailures.classify(connected.cause())));
                channel.close();
                return;
            }
            if (question.awaitsAnswer()) {
                channel.writeAndFlush(Unpooled.wrappedBuffer(question.bytes()));
                return;
            }
            answer.complete(ProbeAnswer.CONNECTED);
            if (question.bytes().length > 0) {
                channel.writeAndFlush(Unpooled.wrappedBuffer(question.bytes()))
                        .addListener(ChannelFutureListener.CLOSE);
            } else {
                channel.close();
            }
        });
    }

    /** Reads until the answer is known. */
    private final class Answer extends SimpleChannelInboundHandler<ByteBuf> {

        private final byte[] received = new byte[ProbeQuestion.MOST_BYTES];
        private int length;

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf bytes) {
            int read = Math.min(bytes.readableBytes(), received.length - length);
            bytes.readBytes(received, length, read);
            length += read;
            judge(false);
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            judge(true);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            // A reset: what came before it may be enough.
            judge(true);
        }

        private void judge(boolean ended) {
            ProbeAnswer known = question.answer(received, length, ended);
            if (known != null) {
                answer.complete(known);
                channel.close();
            }
        }
    }
}
