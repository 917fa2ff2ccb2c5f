package io.sluice.netns;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.unix.RawUnixChannelOption;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.sluice.linux.SocketOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes connections at a socket of one network namespace and connects to somewhere in that of this process, byte by byte and
 * end by end; neither side is read faster than the other takes it. A connection that cannot be made is reset. Any thread.
 */
public final class Relay implements AutoCloseable {

    /** Of one socket; more are reset. */
    static final int MAX_CONNECTIONS = 1_024;

    private static final Logger LOG = LoggerFactory.getLogger(Relay.class);
    private static final int CONNECT_MILLIS = 10_000;
    private static final int ADDRESS_BYTES = 16;
    private static final RawUnixChannelOption ORIGINAL_DESTINATION = new RawUnixChannelOption("SO_ORIGINAL_DST",
            SocketOptions.IPPROTO_IP, SocketOptions.SO_ORIGINAL_DST, ADDRESS_BYTES);

    private final Function<EpollSocketChannel, Optional<InetSocketAddress>> destination;
    private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
    private final EpollServerSocketChannel listening;

    private Relay(int socket, Function<EpollSocketChannel, Optional<InetSocketAddress>> destination) {
        this.destination = destination;
        this.listening = new EpollServerSocketChannel(socket);
    }

    /**
     * Begins.
     *
     * @param socket that listens, closed with this; a listening TCP socket of any namespace
     * @param loops  that run epoll
     * @param to     where each connection goes
     */
    public static Relay to(int socket, EventLoopGroup loops, InetSocketAddress to) {
        return new Relay(socket, client -> Optional.of(to)).begin(loops);
    }

    /** The same to where each connection was going before nf_tables led it here (IPv4). */
    static Relay outside(LinuxSocket socket, EventLoopGroup loops) {
        return new Relay(socket.intValue(), Relay::originalDestination).begin(loops);
    }

    private Relay begin(EventLoopGroup loops) {
        listening.pipeline().addLast(new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object accepted) {
                accepted((EpollSocketChannel) accepted, loops);
            }

            @Override
            public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
                LOG.debug("a connection was not accepted: {}", cause.getMessage());
            }
        });
        loops.register(listening);
        return this;
    }

    private void accepted(EpollSocketChannel client, EventLoopGroup loops) {
        client.config().setAutoRead(false).setOption(ChannelOption.ALLOW_HALF_CLOSURE, true);
        open.add(client);
        Optional<InetSocketAddress> to =
                open.size() > MAX_CONNECTIONS ? Optional.empty() : destination.apply(client);
        loops.register(client).addListener((ChannelFutureListener) registered -> {
            if (to.isEmpty()) {
                reset(client);
                return;
            }
            connect(client, to.get());
        });
    }

    private static void connect(EpollSocketChannel client, InetSocketAddress to) {
        ChannelFuture connected = new Bootstrap().group(client.eventLoop()).channel(EpollSocketChannel.class)
                .option(ChannelOption.AUTO_READ, false).option(ChannelOption.ALLOW_HALF_CLOSURE, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
                .handler(new ChannelInboundHandlerAdapter()).connect(to);
        connected.addListener((ChannelFutureListener) done -> {
            if (done.isSuccess() && client.isActive()) {
                SocketChannel server = (SocketChannel) done.channel();
                client.pipeline().addLast(new Side(server));
                server.pipeline().addLast(new Side(client));
                client.read();
                server.read();
            } else {
                LOG.debug("no connection to {}: {}", to, String.valueOf(done.cause()));
                done.channel().close();
                reset(client);
            }
        });
    }

    private static void reset(SocketChannel channel) {
        if (channel.isOpen()) {
            channel.config().setSoLinger(0);
            channel.close();
        }
    }

    /** Where nf_tables found it going (netfilter, {@code SO_ORIGINAL_DST}); empty if it came here by itself. */
    private static Optional<InetSocketAddress> originalDestination(EpollSocketChannel client) {
        try {
            ByteBuffer address = client.config().getOption(ORIGINAL_DESTINATION);
            byte[] octets = new byte[4];
            address.get(4, octets);
            InetSocketAddress to = new InetSocketAddress(InetAddress.getByAddress(octets),
                    Short.toUnsignedInt(address.getShort(2)));
            return to.getAddress().isLoopbackAddress() ? Optional.empty() : Optional.of(to);
        } catch (io.netty.channel.ChannelException | UnknownHostException e) {
            LOG.debug("a connection that goes nowhere: {}", e.getMessage());
            return Optional.empty();
        }
    }

    /** Takes no connections any more, and resets those that are open. */
    @Override
    public void close() {
        listening.close();
        open.close();
    }

    /** What comes from one side goes to the other. */
    private static final class Side extends ChannelInboundHandlerAdapter {

        private final SocketChannel other;

        Side(SocketChannel other) {
            this.other = other;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object bytes) {
            other.writeAndFlush(bytes).addListener(written -> {
                if (written.isSuccess()) {
                    ctx.channel().read();
                } else {
                    ctx.channel().close();
                }
            });
        }

        @Override
        public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
            if (event instanceof ChannelInputShutdownEvent) {
                other.shutdownOutput().addListener(done -> {
                    if (other.isInputShutdown() || !done.isSuccess()) {
                        ctx.channel().close();
                        other.close();
                    }
                });
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext ctx) {
            other.close();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            if (cause instanceof IOException) {
                reset(other); // as this side was
            } else {
                LOG.warn("a connection ends: {}", cause.toString());
            }
            ctx.channel().close();
        }
    }
}
