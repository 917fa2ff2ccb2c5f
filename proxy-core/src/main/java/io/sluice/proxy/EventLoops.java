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
import io.netty.channel.uring.IoUringBufferRingConfig;
import io.netty.channel.uring.IoUringFixedBufferRingAllocator;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringIoHandlerConfig;
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

    static {
        // Read before IoUring's class is: a read that goes on by itself is none that can be paused.
        System.setProperty("io.netty.iouring.recvMultiShotEnabled", "false");
    }

    /** The group of buffers that sockets of io_uring read into. */
    static final short RING = 0;
    /** In each event loop; more are made while all are in use. */
    private static final short RING_BUFFERS = 64;
    private static final int RING_BUFFER_BYTES = 32 * 1024;

    /** Whether this machine has {@code transport}. */
    static boolean has(Transport transport) {
        return switch (transport) {
            case AUTO, NIO -> true;
            case EPOLL -> Epoll.isAvailable();
            case IO_URING -> IoUring.isAvailable() && IoUring.isRegisterBufferRingSupported();
        };
    }

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
                require(IoUring.isRegisterBufferRingSupported(), "io_uring",
                        new UnsupportedOperationException("it needs Linux 5.19 or newer"));
                yield new EventLoops(wanted,
                        group(threads,
                                IoUringIoHandler
                                        .newFactory(new IoUringIoHandlerConfig().setBufferRingConfig(buffers()))),
                        IoUringServerSocketChannel::new, IoUringSocketChannel::new);
            }
            case NIO -> new EventLoops(wanted, group(threads, NioIoHandler.newFactory()), NioServerSocketChannel::new,
                    NioSocketChannel::new);
        };
    }

    /**
     * Reads take a buffer when there is something, so they can be asked of a socket at once. Without such buffers Netty
     * 4.2.18 polls first, and loses changes: a connection that is reset while it has bytes to read may stand still.
     */
    private static IoUringBufferRingConfig buffers() {
        return IoUringBufferRingConfig.builder().bufferGroupId(RING).bufferRingSize(RING_BUFFERS)
                .batchSize(RING_BUFFERS / 4).incremental(false)
                .allocator(new IoUringFixedBufferRingAllocator(RING_BUFFER_BYTES)).build();
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
