package io.sluice.netns;

import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.epoll.EpollDatagramChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.LinuxSocket;
import io.netty.channel.unix.FileDescriptor;
import io.sluice.dns.server.DnsListener;
import io.sluice.linux.SocketOptions;
import io.sluice.netns.NamespaceSessions.Purpose;
import io.sluice.netns.NamespaceSessions.Target;
import io.sluice.netns.NamespaceSessions.Wanted;
import io.sluice.proxy.DatagramListener;
import io.sluice.proxy.Listener;
import io.sluice.service.Protocol;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
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
 * The session with one network namespace: requests sockets line by line and adopts those that come. Lives on its
 * connection's event loop; it closes the adopted sockets when the connection ends.
 */
final class NamespaceSession extends SimpleChannelInboundHandler<FileDescriptor> {

    private static final Logger LOG = LoggerFactory.getLogger(NamespaceSession.class);
    private static final int BACKLOG = 128;

    /** A socket of the namespace that is in use here. */
    private sealed interface Adopted {

        /** For a Service. */
        record Proxied(Listener listener, Target target) implements Adopted {}

        /** For datagrams of a Service. */
        record Flows(DatagramListener listener, Target target) implements Adopted {}

        /** For DNS. */
        record Names(DnsListener listener) implements Adopted {}

        /** For a Pod, or for the world outside. */
        record Relayed(Relay relay, Purpose purpose) implements Adopted {}
    }

    private final NamespaceSessions sessions;
    private final Channel channel;
    private final Map<SocketRequest, Adopted> adopted = new HashMap<>();
    private final Set<SocketRequest> requested = new HashSet<>();
    /** In the order in which they were sent, which is that of the answers. */
    private final Deque<SocketRequest> unanswered = new ArrayDeque<>();
    /** What the namespace has no socket for, as the command listens there itself. */
    private final Set<SocketRequest> declined = new HashSet<>();
    private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
    private boolean ready;
    private boolean gone;

    NamespaceSession(NamespaceSessions sessions, Channel channel) {
        this.sessions = sessions;
        this.channel = channel;
    }

    /** Opens and closes listeners as wanted now. Any thread; completes when all are open, or the namespace is gone. */
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
        sessions.started(this);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        gone = true;
        sessions.ended(this);
        adopted.values().forEach(NamespaceSession::close);
        adopted.clear();
        requested.clear();
        settle();
        LOG.debug("a network namespace has gone");
    }

    private void followNow() {
        Wanted wanted = sessions.wanted();
        Map<SocketRequest, Purpose> purposes = wanted.purposes();
        adopted.entrySet().removeIf(entry -> {
            boolean surplus = !purposes.containsKey(entry.getKey());
            if (surplus) {
                close(entry.getValue());
            }
            return surplus;
        });
        declined.retainAll(purposes.keySet());
        Set<SocketRequest> missing = new LinkedHashSet<>();
        purposes.forEach((request, purpose) -> {
            Adopted mine = adopted.get(request);
            Adopted kept = mine == null ? null : kept(mine, purpose);
            if (kept != null) {
                adopted.put(request, kept);
                return;
            }
            if (mine != null) {
                close(mine);
                adopted.remove(request);
            }
            if (!declined.contains(request) && requested.add(request)) {
                missing.add(request);
            }
        });
        if (!missing.isEmpty()) {
            StringBuilder lines = new StringBuilder();
            missing.forEach(request -> lines.append(request.line()).append('\n'));
            unanswered.addAll(missing);
            channel.writeAndFlush(ByteBufUtil.writeAscii(channel.alloc(), lines));
        }
    }

    /** What serves {@code purpose} with the socket of {@code mine}; null if that cannot. */
    private static @Nullable Adopted kept(Adopted mine, Purpose purpose) {
        return switch (mine) {
            case Adopted.Proxied proxied -> {
                if (!(purpose instanceof Purpose.ForService(Target target))) {
                    yield null;
                }
                if (proxied.target().equals(target)) {
                    yield proxied;
                }
                proxied.listener().retarget(target.port(), target.kind());
                yield new Adopted.Proxied(proxied.listener(), target);
            }
            case Adopted.Flows flows -> {
                if (!(purpose instanceof Purpose.ForService(Target target))) {
                    yield null;
                }
                if (flows.target().equals(target)) {
                    yield flows;
                }
                flows.listener().retarget(target.port(), target.kind());
                yield new Adopted.Flows(flows.listener(), target);
            }
            case Adopted.Names names -> purpose instanceof Purpose.ForNames ? names : null;
            case Adopted.Relayed relayed -> relayed.purpose().equals(purpose) ? relayed : null;
        };
    }

    @Override
    protected void channelRead0(ChannelHandlerContext ctx, FileDescriptor descriptor) throws IOException {
        LinuxSocket socket = LinuxSocket.newSocket(descriptor.intValue());
        SocketRequest request = identify(socket);
        SocketRequest answered = unanswered.poll();
        Purpose purpose = request == null ? null : sessions.wanted().purposes().get(request);
        if (request == null || !requested.contains(request) || purpose == null) {
            socket.close();
            if (answered != null && !answered.equals(request)) {
                LOG.debug("a network namespace cannot have {}", answered.line());
                declined.add(answered);
                requested.remove(answered);
            }
            requested.remove(request);
            settle();
            return;
        }
        adopt(request, purpose, socket).whenComplete((mine, failure) -> ctx.executor().execute(() -> {
            requested.remove(request);
            if (failure != null) {
                LOG.warn("a network namespace cannot have {}: {}", request.line(), failure.getMessage());
            } else if (gone) {
                close(mine);
            } else {
                adopted.put(request, mine);
                if (!sessions.wanted().purposes().containsKey(request)) {
                    followNow();
                }
            }
            settle();
        }));
    }

    /** The request that the received socket fulfils, if this session has no listener for it yet; else null. */
    private static @Nullable SocketRequest identify(LinuxSocket socket) {
        try {
            int type = socket.getIntOpt(SocketOptions.SOL_SOCKET, SocketOptions.SO_TYPE);
            InetSocketAddress address = socket.localAddress();
            if (address != null && (type == SocketOptions.SOCK_DGRAM
                    || type == SocketOptions.SOCK_STREAM
                            && socket.getIntOpt(SocketOptions.SOL_SOCKET, SocketOptions.SO_ACCEPTCONN) == 0)) {
                return new SocketRequest(type == SocketOptions.SOCK_STREAM ? Protocol.TCP : Protocol.UDP, address);
            }
        } catch (IOException e) {
            LOG.debug("no socket: {}", e.getMessage());
        }
        return null;
    }

    private CompletionStage<Adopted> adopt(SocketRequest request, Purpose purpose, LinuxSocket socket)
            throws IOException {
        return switch (purpose) {
            case Purpose.ForService(Target target) when request.protocol() == Protocol.UDP ->
                    sessions.dataPath().datagrams()
                            .adopt(socket.intValue(), request.address(), target.kind(), target.port())
                            .thenApply(listener -> new Adopted.Flows(listener, target));
            case Purpose.ForService(Target target) ->
                    sessions.dataPath().adopt(socket, request.address(), target.kind(), target.port())
                            .thenApply(listener -> new Adopted.Proxied(listener, target));
            case Purpose.ForNames _ when request.protocol() == Protocol.UDP ->
                    sessions.dns().adopt(new EpollDatagramChannel(socket.intValue())).thenApply(Adopted.Names::new);
            case Purpose.ForNames _ -> {
                socket.listen(BACKLOG);
                yield sessions.dns().adopt(new EpollServerSocketChannel(socket.intValue()))
                        .thenApply(Adopted.Names::new);
            }
            case Purpose.ForPod(InetSocketAddress address) -> {
                socket.listen(BACKLOG);
                yield CompletableFuture.completedFuture(new Adopted.Relayed(
                        Relay.to(socket.intValue(), sessions.dataPath().eventLoopGroup(), address), purpose));
            }
            case Purpose.ForOutside _ -> {
                socket.listen(BACKLOG);
                yield CompletableFuture.completedFuture(new Adopted.Relayed(
                        Relay.outside(socket, sessions.dataPath().eventLoopGroup()), purpose));
            }
        };
    }

    private void settle() {
        if (!gone && !requested.isEmpty()) {
            return;
        }
        if (!ready && !gone) {
            ready = true;
            channel.writeAndFlush(ByteBufUtil.writeAscii(channel.alloc(), SocketRequest.READY + '\n'));
        }
        waiting.forEach(done -> done.complete(null));
        waiting.clear();
    }

    private static void close(Adopted adopted) {
        switch (adopted) {
            case Adopted.Proxied proxied -> proxied.listener().stop();
            case Adopted.Flows flows -> flows.listener().stop();
            case Adopted.Names names -> names.listener().close();
            case Adopted.Relayed relayed -> relayed.relay().close();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.debug("a network namespace is let go: {}", cause.toString());
        ctx.close();
    }
}
