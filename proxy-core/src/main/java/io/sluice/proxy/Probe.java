package io.sluice.proxy;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import io.sluice.service.EndpointAddress;
import io.sluice.service.ProxyProtocol;
import java.net.ConnectException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Probes an endpoint: connects, and closes at once. On NIO a channel, else a {@link NativeProbe}. Lives on one event loop. */
final class Probe {

    private final EndpointAddress endpoint;
    private final ProxyProtocol proxyProtocol;
    private final Channel channel;
    private final CompletableFuture<ProbeResult> answer = new CompletableFuture<>();

    private Probe(EndpointAddress endpoint, ProxyProtocol proxyProtocol, Channel channel) {
        this.endpoint = endpoint;
        this.proxyProtocol = proxyProtocol;
        this.channel = channel;
    }

    /** Completes with the result; never fails. Any thread. */
    static CompletableFuture<ProbeResult> start(EndpointAddress endpoint, ProxyProtocol proxyProtocol,
            EventLoops loops, EventLoop loop, ProxySettings settings) {
        if (loops.transport() != Transport.NIO) {
            return NativeProbe.start(endpoint, proxyProtocol, (IoEventLoop) loop, settings);
        }
        Channel channel;
        try {
            channel = loops.socket().get();
        } catch (ChannelException e) {
            return CompletableFuture.completedFuture(ProbeResult.of(ConnectFailures.classify(e)));
        }
        Probe probe = new Probe(endpoint, proxyProtocol, channel);
        channel.config().setConnectTimeoutMillis(0);
        loop.register(channel).addListener((ChannelFuture registered) -> {
            if (registered.isSuccess()) {
                probe.connect(settings.connectTimeout());
            } else {
                channel.unsafe().closeForcibly();
                probe.answer.complete(ProbeResult.INCONCLUSIVE);
            }
        });
        return probe.answer;
    }

    private void connect(Duration timeout) {
        ScheduledFuture<?> timer = channel.eventLoop().schedule(() -> {
            if (answer.complete(ProbeResult.SILENT)) {
                channel.close();
            }
        }, timeout.toNanos(), TimeUnit.NANOSECONDS);
        channel.connect(endpoint.toSocketAddress()).addListener((ChannelFuture connected) -> {
            timer.cancel(false);
            if (connected.isSuccess() && ChannelConnection.metItself(channel)) {
                answer.complete(ProbeResult.of(ConnectFailures.classify(new ConnectException("nobody listens there"))));
                ChannelConnection.reset(channel);
                return;
            }
            if (!connected.isSuccess()) {
                answer.complete(ProbeResult.of(ConnectFailures.classify(connected.cause())));
                channel.close();
                return;
            }
            answer.complete(ProbeResult.ANSWERED);
            byte[] header = ProxyProtocolHeader.ofNobody(proxyProtocol);
            if (header.length > 0) {
                channel.writeAndFlush(Unpooled.wrappedBuffer(header)).addListener(ChannelFutureListener.CLOSE);
            } else {
                channel.close();
            }
        });
    }
}
