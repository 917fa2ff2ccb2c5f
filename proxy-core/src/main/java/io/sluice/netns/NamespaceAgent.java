package io.sluice.netns;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.sluice.linux.SocketFailures;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The part that runs inside a network namespace: binds each socket that the daemon requests and hands it over. It keeps
 * none.
 */
public final class NamespaceAgent implements AutoCloseable {

    /** Makes an address local here before a socket is bound to it. */
    @FunctionalInterface
    public interface Addresses {

        /** Called on the agent's thread, once or more for an address. */
        void provide(InetAddress address) throws IOException;
    }

    private static final int BACKLOG = 128;

    private static final Logger LOG = LoggerFactory.getLogger(NamespaceAgent.class);

    private final MultiThreadIoEventLoopGroup loops;
    private final CompletableFuture<Void> ready;
    private final Channel channel;

    private NamespaceAgent(MultiThreadIoEventLoopGroup loops, CompletableFuture<Void> ready, Channel channel) {
        this.loops = loops;
        this.ready = ready;
        this.channel = channel;
    }

    /**
     * Connects to the daemon's socket.
     *
     * @throws IOException if the daemon refuses it; the message is for the user
     */
    public static NamespaceAgent connect(Path socket, Addresses addresses) throws IOException {
        MultiThreadIoEventLoopGroup loops = new MultiThreadIoEventLoopGroup(1,
                new DefaultThreadFactory("sluice-netns", true), EpollIoHandler.newFactory());
        CompletableFuture<Void> ready = new CompletableFuture<>();
        var connected = new Bootstrap().group(loops).channel(EpollDomainSocketChannel.class)
                .handler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel ch) {
                        ch.pipeline().addLast(new LineBasedFrameDecoder(SocketRequest.MAX_LINE),
                                new Handler(addresses, ready));
                    }
                }).connect(new DomainSocketAddress(socket.toFile())).awaitUninterruptibly();
        if (!connected.isSuccess()) {
            loops.shutdownGracefully(0, 0, TimeUnit.SECONDS);
            Path folder = socket.getParent();
            boolean closed = folder != null && Files.exists(folder) && !Files.isReadable(folder);
            throw new IOException("the daemon's socket " + socket + (closed || Files.exists(socket)
                    ? " is for the daemon's own user and root: run sluice exec as one of them"
                    : " is not there any more: the daemon has ended, or was started anew"), connected.cause());
        }
        return new NamespaceAgent(loops, ready, connected.channel());
    }

    /**
     * Waits until all listeners are open.
     *
     * @throws IOException if they are not open in time; the message is for the user
     */
    public void awaitReady(Duration patience) throws IOException, InterruptedException {
        try {
            ready.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new IOException(String.valueOf(e.getCause() == null ? e.getMessage() : e.getCause().getMessage()), e);
        } catch (TimeoutException e) {
            throw new IOException("the daemon did not listen within " + patience.toSeconds() + " s", e);
        }
    }

    /**
     * Listens at a port of 127.0.0.1 in this process's network, for a program that replaces this one and enters another.
     *
     * @return the descriptor of the socket, which stays open across exec(2)
     * @throws IOException if the port cannot be had; the message is for the user
     */
    public static int listen(int port) throws IOException {
        Epoll.ensureAvailability();
        InetSocketAddress address = new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port);
        LinuxSocket socket = LinuxSocket.newSocketStream(false);
        try {
            socket.setReuseAddress(true);
            socket.bind(address);
            socket.listen(BACKLOG);
            SystemCalls.inherit(socket.intValue());
            return socket.intValue();
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw new IOException("127.0.0.1:" + port + switch (SocketFailures.ofBind(e, address)) {
                case EADDRINUSE -> " is already in use by another program";
                case EACCES -> " needs a privilege, as all ports below 1024 do";
                case null, default -> " cannot be listened on: " + SocketFailures.bindReason(e, address);
            }, e);
        }
    }

    /**
     * Leads the connections of a socket of another network to a port of 127.0.0.1 in this one, until this agent ends.
     *
     * @param socket a descriptor of {@link #listen}
     */
    public void publish(int socket, int port) {
        Relay.to(socket, loops, new InetSocketAddress(InetAddress.ofLiteral("127.0.0.1"), port));
    }

    /** Runs {@code action} when the daemon has gone; not after {@link #close}. */
    public void whenGone(Runnable action) {
        channel.closeFuture().addListener(closed -> {
            if (!loops.isShuttingDown()) {
                action.run();
            }
        });
    }

    @Override
    public void close() {
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
        channel.close();
    }

    private static final class Handler extends SimpleChannelInboundHandler<ByteBuf> {

        private final Addresses addresses;
        private final CompletableFuture<Void> ready;

        Handler(Addresses addresses, CompletableFuture<Void> ready) {
            this.addresses = addresses;
            this.ready = ready;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext ctx, ByteBuf message) throws IOException {
            String line = message.toString(StandardCharsets.US_ASCII);
            if (line.equals(SocketRequest.READY)) {
                ready.complete(null);
                return;
            }
            LinuxSocket socket = bound(SocketRequest.parse(line));
            ctx.write(socket).addListener(sent -> {
                try {
                    socket.close();
                } catch (IOException e) {
                    LOG.debug("{}: {}", line, e.getMessage());
                }
            });
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext ctx) {
            ctx.flush();
        }

        /** At an address of the loopback network the command may listen itself: a socket without an address says so. */
        private LinuxSocket bound(SocketRequest request) throws IOException {
            try {
                return bind(request);
            } catch (IOException e) {
                if (request.address().getAddress().isLoopbackAddress()
                        && request.protocol() == Protocol.TCP) {
                    return LinuxSocket.newSocketStream(false);
                }
                throw e;
            }
        }

        private LinuxSocket bind(SocketRequest request) throws IOException {
            InetSocketAddress address = request.address();
            addresses.provide(address.getAddress());
            boolean ipv6 = IpFamily.of(address.getAddress()) == IpFamily.IPV6;
            LinuxSocket socket = request.protocol() == Protocol.UDP
                    ? LinuxSocket.newSocketDgram(ipv6)
                    : LinuxSocket.newSocketStream(ipv6);
            try {
                socket.setReuseAddress(true);
                socket.setIntOpt(SocketOptions.IPPROTO_IP, SocketOptions.IP_FREEBIND, 1);
                socket.bind(address);
                return socket;
            } catch (IOException | RuntimeException e) {
                socket.close();
                throw new IOException("cannot bind " + request.line() + ": " + SocketFailures.bindReason(e, address),
                        e);
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            ready.completeExceptionally(
                    new IOException("the daemon has gone, or has sent us away: its socket is for its"
                            + " own user and root"));
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            ready.completeExceptionally(cause);
            LOG.error("{}", cause.getMessage());
            ctx.close();
        }
    }
}
