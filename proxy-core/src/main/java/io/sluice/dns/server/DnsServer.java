package io.sluice.dns.server;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.socket.DatagramChannel;
import io.netty.channel.unix.IntegerUnixChannelOption;
import io.sluice.dns.forward.DnsSockets;
import io.sluice.dns.forward.Forwarder;
import io.sluice.dns.zone.PodRecords;
import io.sluice.dns.zone.Zone;
import io.sluice.linux.SocketFailures;
import io.sluice.linux.SocketOptions;
import io.sluice.metrics.DnsMetrics;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.ServiceName;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The DNS server of the cluster domain (Kubernetes DNS-Based Service Discovery 1.1.0), over UDP and TCP.
 *
 * <p>It answers from the last snapshot that {@link #update} was given, also while the source is not available. Given the
 * snapshots that the proxy has applied, it publishes no name before its listener. Before the first snapshot unknown names
 * are SERVFAIL, never NXDOMAIN.
 *
 * <p>Sockets live on event loops that belong to the caller and outlive this object. {@link #update} is for the control
 * thread; all else may be called from any thread.
 */
public final class DnsServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(DnsServer.class);
    private static final int MAX_DATAGRAM = 4_096;
    private static final int DATAGRAMS_AT_ONCE = 16;
    /** Holds a burst of some 5,000 queries while the event loop is busy; the kernel limits it to net.core.rmem_max. */
    private static final int RECEIVE_BUFFER = 4 * 1024 * 1024;
    private static final ChannelOption<Integer> IP_FREEBIND =
            new IntegerUnixChannelOption("IP_FREEBIND", SocketOptions.IPPROTO_IP,
                    SocketOptions.IP_FREEBIND);
    private static final int BACKLOG = 512;

    private final DnsSettings settings;
    private final DnsMetrics metrics;
    private final IoEventLoopGroup loops;
    private final DnsSockets sockets;
    private final @Nullable Forwarder forwarder;
    private final @Nullable UpstreamFollower follower;
    private final Dispatcher dispatcher;
    private final ConnectionCaps caps;
    private final Set<Channel> open = ConcurrentHashMap.newKeySet();
    private Map<ServiceName, String> warnings = Map.of();

    /**
     * Opens nothing yet.
     *
     * @param metrics not used by any other server
     * @param loops   the event loops of the sockets: epoll or NIO
     */
    public DnsServer(DnsSettings settings, DnsMetrics metrics, IoEventLoopGroup loops) {
        this(settings, metrics, loops, client -> false);
    }

    /**
     * The same.
     *
     * @param own whether an address is this machine's: its programs are answered, and do not count as one client. Any thread
     */
    public DnsServer(DnsSettings settings, DnsMetrics metrics, IoEventLoopGroup loops, Predicate<InetAddress> own) {
        this.settings = settings;
        this.metrics = metrics;
        this.loops = loops;
        sockets = DnsSockets.of(loops);
        forwarder = settings.upstreams().isEmpty() && settings.reader() == null
                ? null
                : new Forwarder(settings.upstreams(), settings.limits().forward(), loops, sockets, metrics);
        follower = forwarder == null || settings.reader() == null
                ? null
                : new UpstreamFollower(settings.reader(), forwarder, settings.upstreams(), settings.listen(), loops);
        dispatcher = new Dispatcher(settings, metrics, forwarder, own);
        caps = new ConnectionCaps(settings.limits().connections(), settings.limits().connectionsPerClient());
        metrics.gauges(() -> dispatcher.zone().size(), caps::open,
                () -> forwarder == null ? 0 : forwarder.cacheEntries());
    }

    /**
     * Listens on every address of the settings. May be called again when all of these listeners were closed.
     *
     * @return fails with an {@link IOException} whose message is for the user if an address is not available; then nothing is
     *         left open
     */
    public CompletionStage<List<DnsListener>> start() {
        List<CompletableFuture<DnsListener>> all =
                settings.listen().stream().map(address -> listen(address).toCompletableFuture()).toList();
        return CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new)).handle((nothing, failure) -> {
            if (failure != null) {
                all.stream().filter(listener -> !listener.isCompletedExceptionally())
                        .forEach(listener -> listener.join().close());
                return CompletableFuture.<List<DnsListener>>failedFuture(
                        failure.getCause() == null ? failure : failure.getCause());
            }
            if (forwarder != null) {
                forwarder.start();
            }
            if (follower != null) {
                follower.begin();
            }
            return CompletableFuture.completedFuture(all.stream().map(CompletableFuture::join).toList());
        }).thenCompose(result -> result);
    }

    /**
     * Listens on one more address, UDP and TCP.
     *
     * @param address not a wildcard; port 0 for any that is free
     * @return fails with an {@link IOException} whose message is for the user if it is not available
     * @throws IllegalArgumentException if {@code address} is a wildcard
     */
    public CompletionStage<DnsListener> listen(InetSocketAddress address) {
        return listen(address, false);
    }

    /**
     * The same.
     *
     * @param freeBind whether the address need not be one of an interface of this machine (IP_FREEBIND, ip(7)); NIO does
     *                 not know this
     */
    public CompletionStage<DnsListener> listen(InetSocketAddress address, boolean freeBind) {
        DnsSettings.requireSpecific(address);
        CompletableFuture<DnsListener> result = new CompletableFuture<>();
        bind(() -> free(stream(), freeBind), acceptor(), address, "TCP").whenComplete((tcp, noTcp) -> {
            if (noTcp != null) {
                result.completeExceptionally(noTcp);
                return;
            }
            InetSocketAddress bound = (InetSocketAddress) tcp.localAddress();
            IpFamily family = IpFamily.of(bound.getAddress());
            bind(() -> free(datagram(family), freeBind), udpHandler(), bound, "UDP").whenComplete((udp, noUdp) -> {
                if (noUdp != null) {
                    tcp.close();
                    result.completeExceptionally(noUdp);
                } else {
                    LOG.info("Answering DNS for {} at {}", settings.clusterDomain(),
                            IpAddresses.format(bound.getAddress(), bound.getPort()));
                    result.complete(new DnsListener(bound, List.of(tcp, udp)));
                }
            });
        });
        return result;
    }

    /**
     * Answers at a UDP socket that the caller has bound, for example in another network namespace. This object owns it
     * from now on.
     *
     * @param socket made for the transport of the event loops, not registered yet
     */
    public CompletionStage<DnsListener> adopt(DatagramChannel socket) {
        receive(socket);
        return adopt(socket, udpHandler());
    }

    /**
     * Answers at a listening TCP socket that the caller has bound. This object owns it from now on.
     *
     * @param socket made for the transport of the event loops, not registered yet
     */
    public CompletionStage<DnsListener> adopt(ServerChannel socket) {
        return adopt(socket, acceptor());
    }

    /** The same as {@link #update(ClusterSnapshot, Map)} without Pods. */
    public void update(ClusterSnapshot snapshot) {
        update(snapshot, Map.of());
    }

    /**
     * Answers from {@code snapshot} from now on. Control thread.
     *
     * @param podAddresses addresses of running Pods by namespace, for {@link PodRecords#VERIFIED}; a namespace in it exists
     *                     even without Services
     */
    public void update(ClusterSnapshot snapshot, Map<String, Set<InetAddress>> podAddresses) {
        long start = System.nanoTime();
        Zone zone = dispatcher.zone().with(snapshot, podAddresses);
        dispatcher.zone(zone);
        metrics.updated(System.nanoTime() - start);
        Map<ServiceName, String> now = zone.warnings();
        now.forEach((service, warning) -> {
            if (!warning.equals(warnings.get(service))) {
                LOG.warn("Service {}: {}", service, warning);
            }
        });
        warnings = now;
    }

    /** Reads the files that name upstreams again; does not wait. */
    public void reload() {
        if (follower != null) {
            follower.look();
        }
    }

    /** Closes every socket and connection; returns at once. Idempotent. */
    @Override
    public void close() {
        if (follower != null) {
            follower.close();
        }
        if (forwarder != null) {
            forwarder.close();
        }
        open.forEach(Channel::close);
    }

    private CompletionStage<DnsListener> adopt(Channel socket, ChannelHandler handler) {
        CompletableFuture<DnsListener> result = new CompletableFuture<>();
        register(socket, handler).whenComplete((channel, failure) -> {
            if (failure != null) {
                result.completeExceptionally(failure);
            } else {
                result.complete(new DnsListener((InetSocketAddress) channel.localAddress(), List.of(channel)));
            }
        });
        return result;
    }

    private Channel datagram(IpFamily family) {
        DatagramChannel channel = sockets.datagram().apply(family);
        receive(channel);
        channel.config().setOption(ChannelOption.SO_RCVBUF, RECEIVE_BUFFER);
        return channel;
    }

    /** Receives several datagrams with one system call where that is possible (recvmmsg(2)). */
    private static void receive(DatagramChannel channel) {
        boolean several = channel.config().setOption(EpollChannelOption.MAX_DATAGRAM_PAYLOAD_SIZE, MAX_DATAGRAM);
        channel.config().setOption(ChannelOption.RECVBUF_ALLOCATOR,
                new FixedRecvByteBufAllocator(several ? DATAGRAMS_AT_ONCE * MAX_DATAGRAM : MAX_DATAGRAM));
    }

    private Channel stream() {
        ServerChannel channel = sockets.server().get();
        channel.config().setOption(ChannelOption.SO_REUSEADDR, true);
        channel.config().setOption(ChannelOption.SO_BACKLOG, BACKLOG);
        return channel;
    }

    private static Channel free(Channel channel, boolean freeBind) {
        if (freeBind) {
            channel.config().setOption(IP_FREEBIND, 1);
        }
        return channel;
    }

    private UdpHandler udpHandler() {
        return new UdpHandler(dispatcher, metrics);
    }

    private TcpAcceptor acceptor() {
        return new TcpAcceptor(dispatcher, settings.limits(), caps, loops, open);
    }

    private CompletableFuture<Channel> register(Channel channel, ChannelHandler handler) {
        CompletableFuture<Channel> result = new CompletableFuture<>();
        channel.pipeline().addLast(handler);
        EventLoop eventLoop = loops.next();
        eventLoop.register(channel).addListener((ChannelFuture registered) -> {
            if (registered.isSuccess()) {
                open.add(channel);
                channel.closeFuture().addListener(closed -> open.remove(channel));
                result.complete(channel);
            } else {
                channel.unsafe().closeForcibly();
                result.completeExceptionally(registered.cause());
            }
        });
        return result;
    }

    private CompletableFuture<Channel> bind(Supplier<Channel> socket, ChannelHandler handler, InetSocketAddress address,
            String protocol) {
        CompletableFuture<Channel> result = new CompletableFuture<>();
        Channel channel;
        try {
            channel = socket.get();
        } catch (ChannelException e) {
            result.completeExceptionally(cannotListen(address, protocol, e));
            return result;
        }
        register(channel, handler).whenComplete((registered, failure) -> {
            if (failure != null) {
                result.completeExceptionally(failure);
                return;
            }
            registered.bind(address).addListener((ChannelFuture bound) -> {
                if (bound.isSuccess()) {
                    result.complete(registered);
                } else {
                    registered.close();
                    result.completeExceptionally(cannotListen(address, protocol, bound.cause()));
                }
            });
        });
        return result;
    }

    private static IOException cannotListen(InetSocketAddress address, String protocol, Throwable cause) {
        String remedy = switch (SocketFailures.ofBind(cause, address)) {
            case EADDRINUSE -> "stop the program that listens there (ss -lunp and ss -ltnp show it)";
            case EACCES -> "allow ports below 1024 (CAP_NET_BIND_SERVICE, or net.ipv4.ip_unprivileged_port_start)";
            case null, default -> "check that this machine has the address";
        };
        return new IOException("Cannot answer DNS at "
                + IpAddresses.format(address.getAddress(), address.getPort()) + " over " + protocol + ": "
                + SocketFailures.bindReason(cause, address)
                + "; " + remedy
                + " or choose another with --dns-listen", cause);
    }
}
