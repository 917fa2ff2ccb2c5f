package io.sluice.proxy;

import io.netty.channel.Channel;
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
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.function.Supplier;

/**
 * The event loops of one transport, and how sockets for them are made.
 *
 * @param transport what {@link Transport#AUTO} came to; never {@code AUTO} itself
 */
record EventLoops(Transport transport, MultiThreadIoEventLoopGroup group,
        Supplier<? extends ServerChannel> serverSocket,
        Supplier<? extends Channel> socket) {

    /**
     * Starts {@code threads} event loops.
     *
     * @throws UnsupportedOperationException if this machine does not have {@code wanted}; the message says why
     */
    static EventLoops start(Transport wanted, int threads) {
        return switch (wanted) {
            case AUTO -> start(Epoll.isAvailable() ? Transport.EPOLL : Transport.NIO, threads);
            case EPOLL -> {
                require(Epoll.isAvailable(), "epoll", Epoll.unavailabilityCause());
                yield new EventLoops(wanted, group(threads, EpollIoHandler.newFactory()),
                        EpollServerSocketChannel::new, EpollSocketChannel::new);
            }
            case IO_URING -> {
                require(IoUring.isAvailable(), "io_uring", IoUring.unavailabilityCause());
                yield new EventLoops(wanted, group(threads, IoUringIoHandler.newFactory()),
                        IoUringServerSocketChannel::new, IoUringSocketChannel::new);
            }
            case NIO -> new EventLoops(wanted, group(threads, NioIoHandler.newFactory()), NioServerSocketChannel::new,
                    NioSocketChannel::new);
        };
    }

    private static MultiThreadIoEventLoopGroup group(int threads, IoHandlerFactory factory) {
        return new MultiThreadIoEventLoopGroup(threads, new DefaultThreadFactory("sluice-loop", true), factory);
    }

    private static void require(boolean available, String name, Throwable cause) {
        if (!available) {
            Throwable root = cause;
            while (root.getCause() != null) {
                root = root.getCause();
            }
            throw new UnsupportedOperationException(
                    "transport " + name + " is not available here: " + root.getMessage(), cause);
        }
    }
}
