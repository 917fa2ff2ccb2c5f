package io.sluice.guest;

import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.channel.unix.FileDescriptor;
import io.sluice.dns.DnsListener;
import io.sluice.guest.Guests.Target;
import io.sluice.guest.Guests.Wanted;
import io.sluice.linux.SocketOptions;
import io.sluice.proxy.Listener;
import io.sluice.service.Protocol;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One network namespace: asks for sockets line by line and takes what comes. Lives on its connection's event loop; what it
 * holds goes with the connection.
 */
final class Guest extends SimpleChannelInboundHandler<FileDescriptor> {

    private static final Logger LOG = LoggerFactory.getLogger(Guest.class);
    private static final int DNS_BACKLOG = 128;

    /** A socket of the namespace that is in use here. */
    private sealed interface Held {

        /** For a Service. */
        record Proxied(Listener listener, Target target) implements Held {}

        /** For DNS. */
        record Names(DnsListener listener) implements Held {}
    }

    private final Guests guests;
    private final Channel channel;
    private final Map<Wish, Held> held = new HashMap<>();
    private final Set<Wish> asked = new HashSet<>();
    private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
    private boolean ready;
    private boolean gone;

    Guest(Guests guests, Channel channel) {
        this.guests = guests;
        this.channel = channel;
    }

    /** Does what is wanted now. Any thread; completes when everything is listened at, or the guest is gone. */
    CompletableFuture<Void> follow() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        channel.eventLoop().execute(() -> {
            waiting.add(done);
            if (!gone) {
                followNow();
            }
            settle();
        });
        return done;
    }

    /** Ends the connection. Any thread. */
    void leave() {
        channel.close();
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        guests.arrived(this);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        gone = true;
        guests.left(this);
        held.values().forEach(Guest::close);
        held.clear();
        asked.clear();
        settle();
        LOG.debug("a network namespace has gone");
    }

    private void followNow() {
        Wanted wanted = guests.wanted();
        Map<Wish, @Nullable Target> wishes = wishes(wanted);
        held.entrySet().removeIf(entry -> {
            boolean surplus = !wishes.containsKey(entry.getKey());
            if (surplus) {
                close(entry.getValue());
            }
            return surplus;
        });
        Set<Wish> missing = new LinkedHashSet<>();
        wishes.forEach((wish, target) -> {
            switch (held.get(wish)) {
                case null -> {
                    if (asked.add(wish)) {
                        missing.add(wish);
                    }
                }
                case Held.Proxied proxied -> {
                    if (target == null) {
                        close(proxied);
                        held.remove(wish);
                        asked.add(wish);
                        missing.add(wish);
                    } else if (!proxied.target().equals(target)) {
                        proxied.listener().retarget(target.port(), target.kind());
                        held.put(wish, new Held.Proxied(proxied.listener(), target));
                    }
                }
                case Held.Names names -> {
                    if (target != null) {
                        close(names);
                        held.remove(wish);
                        asked.add(wish);
                        missing.add(wish);
                    }
                }
            }
        });
        if (!missing.isEmpty()) {
            StringBuilder lines = new StringBuilder();
            missing.forEach(wish -> lines.append(wish.line()).append('\n'));
            channel.writeAndFlush(ByteBufUtil.writeAscii(channel.alloc(), lines));
        }
    }

    /** By what is to be bound; null as the target stands for DNS, which has precedence. */
    private static Map<Wish, @Nullable Target> wishes(Wanted wanted) {
        Map<Wish, @Nullable Target> wishes = new LinkedHashMap<>();
        for (InetSocketAddress name : wanted.names()) {
            wishes.put(new Wish(Protocol.UDP, name), null);
            wishes.put(new Wish(Protocol.TCP, name), null);
        }
        wanted.targets().forEach((address, target) -> {
            Wish wish = new Wish(Protocol.TCP, address);
            if (!wishes.containsKey(wish)) {
                wishes.put(wish, target);
            }
        });
        return wishes;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FileDescriptor descriptor) throws IOException {
        LinuxSocket socket = LinuxSocket.newSocket(descriptor.intValue());
        Wish wish = identify(socket);
        Map<Wish, @Nullable Target> wishes = wishes(guests.wanted());
        if (wish == null || !asked.contains(wish) || !wishes.containsKey(wish)) {
            socket.close();
            asked.remove(wish);
            settle();
            return;
        }
        adopt(wish, wishes.get(wish), socket).whenComplete((mine, failure) -> ctx.executor().execute(() -> {
            asked.remove(wish);
            if (failure != null) {
                LOG.warn("a network namespace cannot have {}: {}", wish.line(), failure.getMessage());
            } else if (gone) {
                close(mine);
            } else {
                held.put(wish, mine);
                if (!wishes(guests.wanted()).containsKey(wish)) {
                    followNow();
                }
            }
            settle();
        }));
    }

    /** What was sent, if it is a socket that nobody listens at yet; else null. */
    private static @Nullable Wish identify(LinuxSocket socket) {
        try {
            int type = socket.getIntOpt(SocketOptions.SOL_SOCKET, SocketOptions.SO_TYPE);
            InetSocketAddress address = socket.localAddress();
            if (address != null && (type == SocketOptions.SOCK_DGRAM
                    || type == SocketOptions.SOCK_STREAM
                            && socket.getIntOpt(SocketOptions.SOL_SOCKET, SocketOptions.SO_ACCEPTCONN) == 0)) {
                return new Wish(type == SocketOptions.SOCK_STREAM ? Protocol.TCP : Protocol.UDP, address);
            }
        } catch (IOException e) {
            LOG.debug("no socket: {}", e.getMessage());
        }
        return null;
    }

    private CompletionStage<Held> adopt(Wish wish, @Nullable Target target, LinuxSocket socket) throws IOException {
        if (target != null) {
            return guests.dataPath().adopt(socket, wish.address(), target.kind(), target.port())
                    .thenApply(listener -> new Held.Proxied(listener, target));
        }
        if (wish.protocol() == Protocol.UDP) {
            return guests.dns().adopt(new EpollDatagramChannel(socket.intValue())).thenApply(Held.Names::new);
        }
        socket.listen(DNS_BACKLOG);
        return guests.dns().adopt(new EpollServerSocketChannel(socket.intValue())).thenApply(Held.Names::new);
    }

    private void settle() {
        if (!gone && !asked.isEmpty()) {
            return;
        }
        if (!ready && !gone) {
            ready = true;
            channel.writeAndFlush(ByteBufUtil.writeAscii(channel.alloc(), Wish.READY + '\n'));
        }
        waiting.forEach(done -> done.complete(null));
        waiting.clear();
    }

    private static void close(Held held) {
        switch (held) {
            case Held.Proxied proxied -> proxied.listener().stop();
            case Held.Names names -> names.listener().close();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.debug("a network namespace is let go: {}", cause.toString());
        ctx.close();
    }
}
