package io.sluice.dns.forward;

import io.netty.channel.Channel;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.sluice.service.IpFamily;
import java.util.function.Function;
import java.util.function.Supplier;

/** Makes sockets for the event loops of one transport. */
public record DnsSockets(Function<IpFamily, ? extends DatagramChannel> datagram,
        Supplier<? extends ServerChannel> server,
        Supplier<? extends Channel> stream) {

    /** For the transport of {@code loops}. */
    public static DnsSockets of(IoEventLoopGroup loops) {
        if (loops.isIoType(EpollIoHandler.class)) {
            return new DnsSockets(family -> new EpollDatagramChannel(protocol(family)), EpollServerSocketChannel::new,
                    EpollSocketChannel::new);
        }
        return new DnsSockets(family -> new NioDatagramChannel(protocol(family)), NioServerSocketChannel::new,
                NioSocketChannel::new);
    }

    private static SocketProtocolFamily protocol(IpFamily family) {
        return family == IpFamily.IPV4 ? SocketProtocolFamily.INET : SocketProtocolFamily.INET6;
    }
}
