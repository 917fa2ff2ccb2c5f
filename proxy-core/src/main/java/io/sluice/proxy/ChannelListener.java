package io.sluice.proxy;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A listener over a Netty server channel. */
final class ChannelListener extends Listener {

    private final EventLoop eventLoop;
    private volatile @Nullable Channel channel;

    ChannelListener(DataPath dataPath, Destination destination, EventLoop eventLoop) {
        super(dataPath, destination.address(), destination);
        this.eventLoop = eventLoop;
    }

    @Override
    CompletionStage<Listener> open() {
        CompletableFuture<Listener> opened = new CompletableFuture<>();
        Channel server;
        try {
            server = dataPath.loops().serverSocket().get();
        } catch (ChannelException e) {
            opened.completeExceptionally(e.getCause() == null ? e : e.getCause());
            return opened;
        }
        server.config().setOption(ChannelOption.SO_REUSEADDR, true);
        server.config().setOption(ChannelOption.SO_BACKLOG, dataPath.settings().backlog());
        server.pipeline().addLast(new Acceptor());
        eventLoop.register(server).addListener((ChannelFuture registered) -> {
            if (!registered.isSuccess()) {
                opened.completeExceptionally(registered.cause());
                return;
            }
            server.bind(address).addListener((ChannelFuture bound) -> {
                if (bound.isSuccess()) {
                    channel = server;
                    opened.complete(this);
                } else {
                    server.close();
                    opened.completeExceptionally(bound.cause());
                }
            });
        });
        return opened;
    }

    @Override
    public CompletionStage<Void> stop() {
        CompletableFuture<Void> closed = new CompletableFuture<>();
        Channel server = channel;
        channel = null;
        if (server == null) {
            closed.complete(null);
        } else {
            server.close().addListener(future -> closed.complete(null));
        }
        return closed;
    }

    /** Nothing to do: the event loop accepts them anyway. */
    @Override
    public CompletionStage<Void> acceptWaiting() {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public CompletionStage<Void> release() {
        return stop();
    }

    @Override
    public OptionalInt descriptor() {
        return OptionalInt.empty();
    }

    @Override
    public Optional<InetSocketAddress> boundAddress() {
        return Optional.empty();
    }

    private final class Acceptor extends ChannelInboundHandlerAdapter {

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object msg) {
            dataPath.accepted((Channel) msg, Objects.requireNonNull(destination()));
        }

        /** Out of file descriptors: the connection stays in the kernel's queue until the next attempt. */
        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            dataPath.acceptFailed(ChannelListener.this, cause);
            Channel server = ctx.channel();
            if (server.config().isAutoRead()) {
                server.config().setAutoRead(false);
                ctx.executor().schedule(() -> server.config().setAutoRead(true), ACCEPT_PAUSE_MILLIS,
                        TimeUnit.MILLISECONDS);
            }
        }
    }
}
