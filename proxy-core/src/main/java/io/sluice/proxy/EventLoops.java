package io.sluice.proxy;

import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.EventExecutorGroup;
import io.sluice.uring.Ring;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The event loops of one transport, and how Netty's channels for them are made.
 *
 * @param transport the transport in use; never {@link Transport#AUTO}
 * @param group     for proxied connections
 * @param channels  for Netty channels; the same group, except with io_uring, whose loops have no channels
 * @param rings     the ring of each event loop, with io_uring
 */
record EventLoops(Transport transport, MultiThreadIoEventLoopGroup group, IoEventLoopGroup channels,
        Map<Object, Ring> rings, Supplier<? extends ServerChannel> serverSocket, Supplier<? extends Channel> socket) {

    /** Whether this machine has {@code transport}. */
    static boolean has(Transport transport) {
        try {
            require(transport);
            return true;
        } catch (UnsupportedOperationException e) {
            return false;
        }
    }

    /**
     * Starts {@code threads} event loops.
     *
     * @throws UnsupportedOperationException if this machine does not have {@code wanted}; the message says why
     */
    static EventLoops start(Transport wanted, int threads) {
        require(wanted);
        return switch (wanted) {
            case AUTO -> start(Stream.of(Transport.IO_URING, Transport.EPOLL).filter(EventLoops::has).findFirst()
                    .orElse(Transport.NIO), threads);
            case EPOLL -> {
                MultiThreadIoEventLoopGroup group = group("sluice-loop", threads, EpollIoHandler.newFactory());
                yield new EventLoops(wanted, group, group, Map.of(), EpollServerSocketChannel::new,
                        EpollSocketChannel::new);
            }
            case IO_URING -> {
                Map<Object, Ring> rings = new ConcurrentHashMap<>();
                yield new EventLoops(wanted,
                        group("sluice-loop", threads, loop -> rings.computeIfAbsent(loop, any -> new Ring(loop))),
                        group("sluice-channels", threads, EpollIoHandler.newFactory()), rings,
                        EpollServerSocketChannel::new, EpollSocketChannel::new);
            }
            case NIO -> {
                MultiThreadIoEventLoopGroup group = group("sluice-loop", threads, NioIoHandler.newFactory());
                yield new EventLoops(wanted, group, group, Map.of(), NioServerSocketChannel::new,
                        NioSocketChannel::new);
            }
        };
    }

    static MultiThreadIoEventLoopGroup group(String name, int threads, IoHandlerFactory factory) {
        return new MultiThreadIoEventLoopGroup(threads, new DefaultThreadFactory(name, true), factory) {
            @Override
            protected IoEventLoop newChild(Executor executor, IoHandlerFactory handlers, Object... nothing) {
                return new LastingEventLoop(this, executor, handlers);
            }
        };
    }

    private static void require(Transport transport) {
        if (transport == Transport.EPOLL || transport == Transport.IO_URING) {
            if (!Epoll.isAvailable()) {
                Throwable root = Epoll.unavailabilityCause();
                while (root.getCause() != null) {
                    root = root.getCause();
                }
                throw unavailable(transport, root);
            }
        }
        if (transport == Transport.IO_URING) {
            try {
                Ring.require();
            } catch (UnsupportedOperationException e) {
                throw unavailable(transport, e);
            }
        }
    }

    private static UnsupportedOperationException unavailable(Transport transport, Throwable cause) {
        return new UnsupportedOperationException("transport " + transport.name().toLowerCase(Locale.ROOT)
                + " is not available here: " + cause.getMessage(), cause);
    }

    /** The ring of an event loop; only with io_uring. */
    Ring ring(EventLoop loop) {
        Ring ring = rings.get(loop);
        if (ring == null) {
            throw new IllegalStateException("there are no rings without io_uring");
        }
        return ring;
    }

    /** The event loops of {@link #channels} that have a thread. */
    List<EventExecutor> begunChannels() {
        List<EventExecutor> begun = new ArrayList<>();
        for (EventExecutor loop : channels) {
            if (loop instanceof LastingEventLoop lasting && lasting.hasBegun()) {
                begun.add(loop);
            }
        }
        return begun;
    }

    /** Ends the event loops. Must not be called on one. */
    void close() {
        end(group);
        end(channels);
    }

    private static void end(EventExecutorGroup loops) {
        loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
    }
}
