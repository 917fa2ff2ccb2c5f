package io.sluice.it.node;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.netty.channel.epoll.EpollSocketChannel;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import io.sluice.nftables.PacketMarks;
import io.sluice.service.IpAddresses;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Listens in a namespace as the proxy would for intercepted connections, and answers each line by where it was sent to. */
final class TransparentListener implements Closeable {

    private static final IntegerUnixChannelOption IPV6_ONLY = new IntegerUnixChannelOption("IPV6_V6ONLY",
            SocketOptions.IPPROTO_IPV6, SocketOptions.IPV6_V6ONLY);
    private static final IntegerUnixChannelOption SO_MARK = new IntegerUnixChannelOption("SO_MARK", 1, 36);

    private final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    private final List<Channel> listening = new ArrayList<>();

    TransparentListener(NetworkNamespace node, int port) throws Exception {
        loops.submit(() -> {}).sync(); // a thread that is started inside would stay inside
        for (String address : List.of("127.0.0.1", "::1", "0.0.0.0", "::")) {
            boolean redirected = InetAddress.ofLiteral(address).isAnyLocalAddress();
            listening.add(node.inside(() -> new ServerBootstrap().group(loops)
                    .channelFactory(() -> new EpollServerSocketChannel(address.contains(":")
                            ? SocketProtocolFamily.INET6
                            : SocketProtocolFamily.INET))
                    .option(EpollChannelOption.IP_TRANSPARENT, true).option(SO_MARK, PacketMarks.SLUICE.own())
                    .option(address.equals("::") ? IPV6_ONLY : SO_MARK,
                            address.equals("::") ? 1 : PacketMarks.SLUICE.own())
                    .childHandler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel channel) {
                            channel.pipeline().addLast(new Teller(redirected));
                        }
                    }).bind(new InetSocketAddress(InetAddress.ofLiteral(address), redirected ? port + 1 : port)).sync()
                    .channel()));
        }
    }

    /** Accepts nobody any more; connections go on. */
    void stopListening() throws InterruptedException {
        for (Channel channel : listening) {
            channel.close().sync();
        }
    }

    private static final class Teller extends SimpleChannelInboundHandler<ByteBuf> {

        private final boolean redirected;

        Teller(boolean redirected) {
            this.redirected = redirected;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf message) throws IOException {
            InetSocketAddress local = redirected
                    ? originalDestination((EpollSocketChannel) context.channel())
                    : (InetSocketAddress) context.channel().localAddress();
            context.writeAndFlush(context.alloc().buffer().writeBytes(
                    (IpAddresses.format(local.getAddress(), local.getPort()) + '\n')
                            .getBytes(StandardCharsets.US_ASCII)));
        }
    }

    private static InetSocketAddress originalDestination(EpollSocketChannel channel) throws IOException {
        boolean six = channel.localAddress().getAddress() instanceof Inet6Address;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(28, 8);
            SystemCalls.option(channel.fd().intValue(), six ? SocketOptions.IPPROTO_IPV6 : SocketOptions.IPPROTO_IP,
                    SocketOptions.SO_ORIGINAL_DST, address, arena.allocateFrom(ValueLayout.JAVA_INT, 28));
            byte[] octets = address.asSlice(six ? 8 : 4, six ? 16 : 4).toArray(ValueLayout.JAVA_BYTE);
            return new InetSocketAddress(InetAddress.getByAddress(octets),
                    Short.toUnsignedInt(address.get(ValueLayout.JAVA_SHORT.withOrder(ByteOrder.BIG_ENDIAN), 2)));
        }
    }

    @Override
    public void close() {
        loops.shutdownGracefully(0, 0, TimeUnit.SECONDS).syncUninterruptibly();
    }
}
