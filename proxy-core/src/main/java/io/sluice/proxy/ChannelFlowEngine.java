package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.socket.DatagramPacket;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.util.ReferenceCountUtil;
import io.sluice.balance.Traffic;
import io.sluice.connection.ConnectFailure;
import io.sluice.datagram.FlowEnd;
import io.sluice.linux.SocketFailures;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.PortUnreachableException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Flows over Netty channels on the JDK's selectors: portable, and the reference for the native engine. */
final class ChannelFlowEngine extends FlowEngine {

    private static final int DATAGRAM_BYTES = 65_536;
    private static final long MAPPED = 0xFFFF_0000_0000L;

    /** A flow and its socket to the endpoint. */
    static final class ChannelFlow extends ProxiedFlow {
        @Nullable
        Channel upstream;

        ChannelFlow(ChannelFlowEngine engine, long id, DatagramListener listener, Destination destination,
                Traffic traffic, int scope, long now) {
            super(id, engine.key, listener, destination, traffic, scope, now);
        }
    }

    ChannelFlowEngine(Datagrams datagrams, EventLoop eventLoop) {
        super(datagrams, eventLoop);
    }

    /** A socket that is not bound yet. */
    static Channel channel(IpFamily family) {
        Channel made = new NioDatagramChannel(
                family == IpFamily.IPV4 ? SocketProtocolFamily.INET : SocketProtocolFamily.INET6);
        made.config().setOption(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(DATAGRAM_BYTES));
        return made;
    }

    /** Passes on what a client has sent. */
    void fromClient(ChannelDatagramListener listener, DatagramPacket packet) {
        InetSocketAddress client = packet.sender();
        ByteBuffer octets = ByteBuffer.wrap(client.getAddress().getAddress());
        if (client.getAddress() instanceof Inet4Address) {
            key.client(0, MAPPED | Integer.toUnsignedLong(octets.getInt()), client.getPort());
        } else {
            key.client(octets.getLong(), octets.getLong(), client.getPort());
        }
        listener.fill(key);
        int scope = client.getAddress() instanceof Inet6Address ipv6 ? ipv6.getScopeId() : 0;
        long now = datagrams.now();
        if (route(listener, scope, now) instanceof ChannelFlow flow && flow.upstream != null) {
            ByteBuf datagram = packet.content();
            int length = datagram.readableBytes();
            ChannelFuture sent = flow.upstream.writeAndFlush(datagram.retainedSlice());
            if (sent.isDone() && sent.cause() instanceof PortUnreachableException) {
                // The error is that of an earlier datagram, which the kernel tells now.
                refused(flow, ConnectFailure.REFUSED);
                if (move(flow) && flow.upstream != null) {
                    sent = flow.upstream.writeAndFlush(datagram.retainedSlice());
                }
            }
            if (!sent.isDone() || sent.isSuccess()) {
                asked(flow, length, now);
            }
        }
    }

    @Override
    ProxiedFlow flow(long id, DatagramListener listener, Destination destination, Traffic traffic, int scope,
            long now) {
        return new ChannelFlow(this, id, listener, destination, traffic, scope, now);
    }

    @Override
    void open(ProxiedFlow any, EndpointAddress endpoint, @Nullable InetAddress source) throws IOException {
        if (!(any instanceof ChannelFlow flow)) {
            throw new IllegalStateException("not a flow of this engine");
        }
        Channel channel = channel(endpoint.family());
        channel.pipeline().addLast(new Endpoint(flow));
        ChannelFuture registered = eventLoop.register(channel);
        ChannelFuture connected =
                registered.isSuccess() ? channel.connect(endpoint.toSocketAddress()) : registered;
        if (!connected.isSuccess()) {
            channel.unsafe().closeForcibly();
            throw new IOException("connect: " + connected.cause(), connected.cause());
        }
        flow.upstream = channel;
    }

    @Override
    void shut(ProxiedFlow any) {
        if (any instanceof ChannelFlow flow && flow.upstream != null) {
            Channel channel = flow.upstream;
            flow.upstream = null;
            channel.close();
        }
    }

    /** What an endpoint sends. */
    private final class Endpoint extends ChannelInboundHandlerAdapter {

        private final ChannelFlow flow;

        Endpoint(ChannelFlow flow) {
            this.flow = flow;
        }

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            if (!ctx.channel().equals(flow.upstream) || !(message instanceof DatagramPacket packet)
                    || !(flow.listener instanceof ChannelDatagramListener listener)) {
                ReferenceCountUtil.release(message);
                return;
            }
            ByteBuf datagram = packet.content();
            boolean last = answered(flow, datagram.readableBytes(), datagrams.now());
            listener.send(new DatagramPacket(datagram, flow.client()));
            if (last) {
                table.end(flow, FlowEnd.ANSWERED);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            if (ctx.channel().equals(flow.upstream) && cause instanceof IOException) {
                refused(flow, SocketFailures.ofConnect(cause) == null ? ConnectFailure.UNREACHABLE
                        : ConnectFailures.classify(cause));
            } else if (!(cause instanceof IOException)) {
                datagrams.fault("a reply to a datagram", cause);
            }
        }
    }
}
