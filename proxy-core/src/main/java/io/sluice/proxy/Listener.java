package io.sluice.proxy;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One address that accepts connections for one Service port.
 *
 * <p>The control thread opens, re-targets and closes it; accepting happens on the event loop that it was given.
 */
public final class Listener {

    private static final int EMFILE_PAUSE_MILLIS = 100;

    private final DataPath dataPath;
    private final InetSocketAddress address;
    private final AddressKind kind;
    private final EventLoop eventLoop;
    private volatile PortProxy port;
    private volatile @Nullable Channel channel;

    Listener(DataPath dataPath, InetSocketAddress address, AddressKind kind, PortProxy port, EventLoop eventLoop) {
        this.dataPath = dataPath;
        this.address = address;
        this.kind = kind;
        this.port = port;
        this.eventLoop = eventLoop;
    }

    /** Where it was asked to listen. */
    public InetSocketAddress address() {
        return address;
    }

    /** Hands all further connections to another port without closing. */
    public void retarget(PortProxy newPort) {
        port = newPort;
    }

    /** Binds; fails with the kernel's {@link IOException} if the address cannot be had. */
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

    /** Stops to accept; connections that wait in the kernel's queue are reset, accepted ones go on. */
    public CompletionStage<Void> close() {
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

    private final class Acceptor extends ChannelInboundHandlerAdapter {

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object msg) {
            dataPath.accepted((Channel) msg, port, address, kind);
        }

        /** Out of file descriptors: the connection stays in the kernel's queue, and is tried again soon. */
        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            dataPath.acceptFailed(port, cause);
            Channel server = ctx.channel();
            if (server.config().isAutoRead()) {
                server.config().setAutoRead(false);
                ctx.executor().schedule(() -> server.config().setAutoRead(true), EMFILE_PAUSE_MILLIS,
                        TimeUnit.MILLISECONDS);
            }
        }
    }
}
