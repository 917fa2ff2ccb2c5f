package io.sluice.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.ServerSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.sluice.linux.SocketFailures;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One address of a {@link HttpServer}, or the attempts to get it. Any thread; works on the server's event loop.
 */
public final class HttpListener implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(HttpListener.class);
    private static final int BACKLOG = 1024;

    private final HttpServer server;
    private final EventLoop loop;
    private final InetSocketAddress address;
    private final Site site;
    private final Duration retryInterval;
    private final CompletableFuture<InetSocketAddress> firstAttempt = new CompletableFuture<>();
    private final CompletableFuture<InetSocketAddress> bound = new CompletableFuture<>();
    /** On the event loop. */
    private @Nullable Channel socket;
    private volatile boolean ended;

    HttpListener(HttpServer server, EventLoop loop, InetSocketAddress address, Site site, Duration retryInterval) {
        this.server = server;
        this.loop = loop;
        this.address = address;
        this.site = site;
        this.retryInterval = retryInterval;
    }

    /** The result of the first attempt: the address, or an {@link IOException} whose message is the reason. */
    public CompletableFuture<InetSocketAddress> firstAttempt() {
        return firstAttempt.copy();
    }

    /** Completes with the address when it listens; never if it is closed before. */
    public CompletableFuture<InetSocketAddress> bound() {
        return bound.copy();
    }

    /** The address that it listens on; empty while it cannot be bound, and after the end. */
    public Optional<InetSocketAddress> address() {
        return ended ? Optional.empty() : Optional.ofNullable(bound.getNow(null));
    }

    /** Stops listening and trying; open connections stay. Returns at once. */
    @Override
    public void close() {
        ended = true;
        if (!loop.isShuttingDown()) {
            loop.execute(() -> {
                if (socket != null) {
                    socket.close();
                }
            });
        }
    }

    Site site() {
        return site;
    }

    /** On the event loop. */
    void bind() {
        if (ended) {
            return;
        }
        ServerSocketChannel created;
        try {
            created = new NioServerSocketChannel();
        } catch (ChannelException e) {
            failed(e.getCause() == null ? e : e.getCause());
            return;
        }
        created.config().setOption(ChannelOption.SO_REUSEADDR, true);
        created.config().setOption(ChannelOption.SO_BACKLOG, BACKLOG);
        created.pipeline().addLast(new HttpAcceptor(server, this));
        loop.register(created).addListener((ChannelFuture registered) -> {
            if (!registered.isSuccess()) {
                created.unsafe().closeForcibly();
                failed(registered.cause());
                return;
            }
            created.bind(address).addListener((ChannelFuture attempt) -> {
                if (attempt.isSuccess()) {
                    listening(created);
                } else {
                    created.close();
                    failed(attempt.cause());
                }
            });
        });
    }

    private void listening(Channel listening) {
        if (ended) {
            listening.close();
            return;
        }
        socket = listening;
        InetSocketAddress local = (InetSocketAddress) listening.localAddress();
        bound.complete(local);
        firstAttempt.complete(local);
    }

    private void failed(Throwable cause) {
        String reason = SocketFailures.bindReason(cause, address);
        if (!firstAttempt.completeExceptionally(new IOException(reason, cause))) {
            LOG.debug("cannot listen on {}: {}; trying again", address, reason);
        }
        if (!ended) {
            loop.schedule(this::bind, retryInterval.toMillis(), TimeUnit.MILLISECONDS);
        }
    }
}
