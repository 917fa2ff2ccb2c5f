package io.sluice.daemon;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.util.concurrent.EventExecutor;
import io.sluice.admin.Admin;
import io.sluice.admin.DaemonStatus;
import io.sluice.balance.ClientOrigins;
import io.sluice.balance.Orders;
import io.sluice.dns.server.DnsServer;
import io.sluice.handover.Handover;
import io.sluice.healthcheck.HealthCheckPorts;
import io.sluice.healthcheck.HealthStatus;
import io.sluice.history.Journal;
import io.sluice.liveness.Heartbeat;
import io.sluice.liveness.ReportingExecutor;
import io.sluice.liveness.Stall;
import io.sluice.liveness.ThreadKind;
import io.sluice.liveness.Watchdog;
import io.sluice.liveness.Watched;
import io.sluice.metrics.DnsMetrics;
import io.sluice.metrics.EventLoopLag;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.HandoffMetrics;
import io.sluice.metrics.RuntimeMetrics;
import io.sluice.metrics.SyncMetrics;
import io.sluice.metrics.WatchdogMetrics;
import io.sluice.proxy.KernelConnections;
import io.sluice.netns.NamespaceSessions;
import io.sluice.netns.NamespaceSocketServer;
import io.sluice.node.NodePortAddresses;
import io.sluice.node.NodeWatch;
import io.sluice.node.ServiceAddresses;
import io.sluice.operator.Operator;
import io.sluice.operator.OperatorServer;
import io.sluice.proxy.ConnectionDetail;
import io.sluice.proxy.ConnectionFilter;
import io.sluice.proxy.ConnectionTaps;
import io.sluice.proxy.ConnectionView;
import io.sluice.proxy.DataPath;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.DnsSync;
import io.sluice.reconcile.Reconciler;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.source.Freshness;
import io.sluice.source.ServiceSource;
import io.sluice.source.SourceException;
import io.sluice.source.kubernetes.KubernetesSource;
import io.sluice.source.manifest.ManifestOptions;
import io.sluice.source.manifest.ManifestSource;
import io.sluice.text.Printable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running proxy: started once, reloaded any number of times, drained and closed.
 *
 * <p>All methods may be called from any thread but an event loop.
 */
public final class Sluice implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Sluice.class);

    /** The most connections that the admin API lists. */
    private static final int LISTED_CONNECTIONS = 100_000;

    private final SluiceConfig config;
    private final ScheduledExecutorService control = new ReportingExecutor("sluice-control");
    private final Heartbeat controlHeartbeat = new Heartbeat(ThreadKind.CONTROL, "sluice-control");
    /** Of the event loops of channels that have begun to work. On the watchdog's thread. */
    private final Map<EventExecutor, Heartbeat> channelHeartbeats = new LinkedHashMap<>();
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final Journal journal = new Journal();
    private final ServiceEntrance entrance;
    private final DataPath dataPath;
    private final EventLoopLag eventLoopLag;
    private final Watchdog watchdog;
    private final RuntimeMetrics runtimeMetrics;
    private final ServiceAddresses serviceAddresses;
    private final Reconciler reconciler;
    private final @Nullable DnsServer dns;
    private final @Nullable DnsSync dnsSync;
    private final @Nullable NamespaceSessions namespaces;
    private final ServiceSource source;
    private final Admin admin;
    private final Status status;
    private final OwnListeners ownListeners;
    private final @Nullable Handover handover;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final CompletableFuture<Boolean> drained = new CompletableFuture<>();
    private volatile @Nullable NamespaceSocketServer namespaceServer;
    private volatile @Nullable OperatorServer operatorServer;
    private final Optional<Operator> operator;
    private final CompletableFuture<Void> end = new CompletableFuture<>();
    private volatile boolean draining;
    private volatile @Nullable NodeWatch nodeWatch;
    private final CompletableFuture<Void> firstSubmitted = new CompletableFuture<>();
    private volatile CompletableFuture<Void> lastSubmitted = CompletableFuture.completedFuture(null);

    private Sluice(SluiceConfig config, String version, LongSupplier droppedLogLines) throws StartException {
        this.config = config;
        NodePortAddresses nodePortAddresses;
        try {
            nodePortAddresses = NodePortAddresses.parse(config.nodePortAddresses());
            KubernetesSource.check(config.kubernetes());
            entrance = ServiceEntrance.open(config.node(), config.proxy(), config.accessLog());
        } catch (IllegalArgumentException | UnsupportedOperationException | IOException | SourceException e) {
            control.shutdownNow();
            throw failed(e);
        }
        dataPath = entrance.dataPath();
        serviceAddresses = entrance.addresses();
        eventLoopLag = new EventLoopLag(registry, dataPath.eventLoops());
        watchdog = new Watchdog(config.supervision().stallTimeout(),
                config.supervision().serviceManager().aliveInterval().orElse(Duration.ofSeconds(1)), this::watched,
                this::notifyServiceManager);
        bindMetrics(registry, watchdog, dataPath);
        runtimeMetrics = new RuntimeMetrics(registry, version, config.proxy().maxConnections(),
                dataPath::bufferedBytes, config.proxy().buffers().memory(), droppedLogLines);
        ProxyMetrics metrics = new ProxyMetrics(registry, config.maxEndpointHistograms());
        reconciler =
                new Reconciler(dataPath, metrics, new SyncMetrics(registry), serviceAddresses,
                        entrance.interception(config.node()), nodePortAddresses,
                        config.portOffset(), config.balancing(), journal, control);
        reconciler.ownListeners(ownAddresses(config));
        reconciler.ownDatagramListeners(dnsAddresses(config));
        dns = config.dns()
                .map(settings -> new DnsServer(settings, new DnsMetrics(registry), dataPath.eventLoopGroup(),
                        client -> dataPath.origins().isHere(client)))
                .orElse(null);
        if (dns != null) {
            dnsSync = new DnsSync(dns, !config.dns().orElseThrow().listen().isEmpty(),
                    config.dns().orElseThrow().beforeEndpoints(), config.portOffset());
            reconciler.followers().dns(dnsSync);
            if (dataPath.hasNativeSockets()) {
                namespaces = new NamespaceSessions(dataPath, dns);
                reconciler.followers().namespaces(namespaces, dnsSync);
            } else {
                namespaces = null;
            }
        } else {
            dnsSync = null;
            namespaces = null;
        }
        source = config.kubernetes().<ServiceSource>map(options -> new KubernetesSource(options,
                entrance.intercepts() || serviceAddresses.manages(), new CountedRequests(registry)))
                .orElseGet(() -> new ManifestSource(new ManifestOptions(config.manifests(), config.serviceCidrs(),
                        config.nodePortMin(), config.nodePortMax(), config.nodeName(), config.endpoints(),
                        config.podDetail(), config.discover()),
                        config.readiness().orElse(null)));
        status = new Status(new HealthStatus.Build(version, Instant.now()));
        admin = new Admin(config.metricsBindAddress(), config.healthzBindAddress(), config.metricsAllowedHosts(),
                status, metrics, registry);
        HealthCheckPorts healthChecks = new HealthCheckPorts(nodePortAddresses::resolve, status);
        reconciler.followers().healthChecks(healthChecks::update);
        ownListeners = new OwnListeners(admin, healthChecks, dns, config.bindAddressHardFail(), control);
        operator = config.operators()
                .map(logs -> new Operator(reconciler.orders(), dataPath, config.accessLog(), logs));
        try {
            handover = config.node().handoverSocket().isEmpty()
                    ? null
                    : new Handover(config.node().handoverSocket().get(), dataPath, reconciler.sockets(),
                            reconciler.orders(), ownListeners, entrance::takeBackLeft);
        } catch (IOException e) {
            dataPath.close();
            control.shutdownNow();
            throw failed(e);
        }
    }

    private static void bindMetrics(MeterRegistry registry, Watchdog watchdog, DataPath dataPath) {
        WatchdogMetrics.bind(registry, watchdog);
        if (dataPath.handsOver()) {
            KernelConnections kernel = dataPath.kernelConnections();
            HandoffMetrics.bind(registry, kernel::size, kernel.attempts());
        }
    }

    /** The reason may contain line breaks from outside, which must not break the line of the message. */
    private static StartException failed(Exception reason) {
        return new StartException(Printable.of(String.valueOf(reason.getMessage())), reason);
    }

    private static Map<InetSocketAddress, String> dnsAddresses(SluiceConfig config) {
        Map<InetSocketAddress, String> own = new HashMap<>();
        config.dns().ifPresent(settings -> settings.listen().forEach(address -> own.put(address, "DNS, --dns-listen")));
        return own;
    }

    /** The addresses on which this daemon itself listens; without ports that the kernel is to choose. */
    private static Map<InetSocketAddress, String> ownAddresses(SluiceConfig config) {
        Map<InetSocketAddress, String> own = dnsAddresses(config);
        config.healthzBindAddress().ifPresent(address -> own.put(address, "health checks, --healthz-bind-address"));
        config.metricsBindAddress().ifPresent(address -> own.put(address, "metrics, --metrics-bind-address"));
        own.keySet().removeIf(address -> address.getPort() == 0);
        return own;
    }

    /** {@link #start(SluiceConfig, String, LongSupplier) Starts} in a process whose log drops nothing. */
    public static Sluice start(SluiceConfig config, String version) throws StartException {
        return start(config, version, () -> 0);
    }

    /**
     * Starts: returns once the proxy listens for the Services that the source knows. It does not wait for those of a
     * cluster, for which the proxy listens when the API server has listed them.
     *
     * @param version         of this program, for metrics and the admin API
     * @param droppedLogLines the number of lines of this process's log that were dropped so far, for metrics; any thread
     * @throws StartException if the daemon cannot work with its configuration; no part of it is left running
     */
    public static Sluice start(SluiceConfig config, String version, LongSupplier droppedLogLines)
            throws StartException {
        Sluice sluice = new Sluice(config, version, droppedLogLines);
        try {
            sluice.begin();
            return sluice;
        } catch (SourceException e) {
            sluice.close();
            throw new StartException(String.valueOf(e.getMessage()), e);
        } catch (IOException e) {
            sluice.close();
            throw failed(e);
        }
    }

    private void begin() throws SourceException, IOException {
        controlHeartbeat.beatOn(control, watchdog.interval());
        watchdog.start();
        Handover between = handover;
        boolean follows = between != null && between.begin();
        if (!follows) {
            entrance.takeBackLeft();
            ownListeners.enter();
        }
        watchNode();
        source.start(this::apply);
        FreshnessHistory.follow(source, journal, control);
        lastSubmitted.join();
        if (between != null && follows) {
            between.follow(firstSubmitted);
        }
        openNamespaceSocket();
        openOperatorSocket();
        config.supervision().serviceManager().ready();
        LOG.info("started on {} event loops with {}, address mode {}", config.proxy().workerThreads(),
                dataPath.transport().name().toLowerCase(Locale.ROOT), entrance.mode());
    }

    /** The threads that the watchdog watches; a source that is being closed ends its threads. */
    private List<Watched> watched() {
        List<Watched> all = new ArrayList<>(eventLoopLag.heartbeats());
        dataPath.otherEventLoops().forEach(this::watchChannels);
        all.addAll(channelHeartbeats.values());
        all.add(controlHeartbeat);
        if (!draining) {
            all.addAll(source.threads());
        }
        return all;
    }

    private void watchChannels(EventExecutor loop) {
        if (channelHeartbeats.containsKey(loop)) {
            return;
        }
        Heartbeat heartbeat =
                new Heartbeat(ThreadKind.EVENT_LOOP, "event loop of channels " + channelHeartbeats.size());
        try {
            heartbeat.beatOn(loop, watchdog.interval());
            channelHeartbeats.put(loop, heartbeat);
        } catch (RejectedExecutionException e) {
            LOG.debug("an event loop of channels ends before it is watched");
        }
    }

    private void notifyServiceManager(List<Stall> stalls) {
        if (stalls.stream().noneMatch(Stall::restartHelps)) {
            config.supervision().serviceManager().alive();
        }
    }

    /** Watches the node's addresses; without the watch, the daemon sees changes some seconds later. */
    private void watchNode() {
        try {
            nodeWatch = NodeWatch.start(reconciler::nodeChanged);
        } catch (IOException e) {
            LOG.debug("the node's addresses are looked at from time to time: {}", e.getMessage());
        }
    }

    /** Opens the socket for network namespaces; a failure is only logged, as the proxy works without it. */
    private void openNamespaceSocket() {
        if (namespaces != null && config.namespaces()) {
            try {
                namespaceServer = NamespaceSocketServer.open(namespaces, dataPath.eventLoopGroup(), System.getenv());
            } catch (IOException e) {
                LOG.warn("sluice exec cannot have a network of its own here: {}", e.getMessage());
            }
        }
    }

    /** Opens the socket for operators; a failure is only logged, as the proxy works without it. */
    private void openOperatorSocket() {
        if (operator.isPresent() && dataPath.hasNativeSockets()) {
            try {
                operatorServer = OperatorServer.open(operator.get(), dataPath.eventLoopGroup(), System.getenv());
            } catch (IOException e) {
                LOG.warn("no orders can be given to this daemon, such as by sluice drain: {}", e.getMessage());
            }
        }
    }

    private void apply(ClusterSnapshot snapshot) {
        lastSubmitted = reconciler.submit(snapshot);
        firstSubmitted.complete(null);
    }

    /** Reads the sources again now; changes take effect once they are read. */
    public void reload() {
        source.refresh();
        if (dns != null) {
            dns.reload();
        }
    }

    /**
     * Stops accepting connections, lets the open ones go on until they end or the drain timeout has passed, and resets
     * those that are left. Blocks until then, or until {@link #close} is called.
     *
     * @return whether every connection ended by itself
     */
    public boolean drain() {
        if (handover != null) {
            handover.leave(config.drainTimeout());
        }
        draining = true;
        config.supervision().serviceManager().stopping();
        try {
            source.close();
            closeNamespaceSocket();
            reconciler.stop().join();
            int open = dataPath.activeConnections();
            if (open > 0) {
                LOG.info("{} open connection{} may end within {} s; Ctrl-C again, or a second SIGTERM, ends {} at once",
                        open,
                        open == 1 ? "" : "s", config.drainTimeout().toSeconds(), open == 1 ? "it" : "them");
            }
            dataPath.drain(config.drainTimeout()).thenAccept(drained::complete);
        } catch (RejectedExecutionException e) {
            LOG.debug("there is nothing to drain any more, the daemon was closed");
            drained.complete(false);
        }
        return drained.join();
    }

    /**
     * Completes when another daemon has taken over the listening sockets of this one, which has to be drained then; never
     * without a handover socket.
     */
    public CompletableFuture<Void> succeeded() {
        return handover == null ? new CompletableFuture<>() : handover.succeeded();
    }

    private void closeNamespaceSocket() {
        NamespaceSocketServer open = namespaceServer;
        namespaceServer = null;
        if (open != null) {
            open.close();
        }
    }

    /** The socket at which network namespaces get their listeners; empty if there is none. */
    public Optional<Path> namespaceSocket() {
        return Optional.ofNullable(namespaceServer).map(NamespaceSocketServer::path);
    }

    /** The socket at which operators give orders; empty if there is none. */
    public Optional<Path> operatorSocket() {
        return Optional.ofNullable(operatorServer).map(OperatorServer::path);
    }

    /** The address of metrics and the API; empty while there is none. */
    public Optional<InetSocketAddress> metricsAddress() {
        return admin.metricsAddress();
    }

    /** The address of health checks; empty while there is none. */
    public Optional<InetSocketAddress> healthAddress() {
        return admin.healthAddress();
    }

    /** The addresses on which DNS listens, besides the DNS Service's own; empty without DNS. */
    public List<InetSocketAddress> dnsAddresses() {
        return ownListeners.dnsAddresses();
    }

    /** For tests, which block these threads. */
    ScheduledExecutorService controlThread() {
        return control;
    }

    /** For tests, as {@link #controlThread}. */
    Iterable<EventExecutor> eventLoops() {
        return dataPath.eventLoops();
    }

    /** The applied state. */
    public Optional<AppliedState> applied() {
        return reconciler.state();
    }

    /** How many connections are open. */
    public int activeConnections() {
        return dataPath.activeConnections();
    }

    /** Ends at once: resets every connection, closes every socket. A second call waits for the first. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            end.join();
            return;
        }
        try {
            endAll();
        } finally {
            end.complete(null);
        }
    }

    private void endAll() {
        watchdog.close();
        config.supervision().serviceManager().stopping();
        // The next process finds them free.
        ownListeners.close();
        if (handover != null) {
            handover.close();
        }
        source.close();
        closeNamespaceSocket();
        Optional.ofNullable(operatorServer).ifPresent(OperatorServer::close);
        NodeWatch watch = nodeWatch;
        if (watch != null) {
            watch.close();
        }
        reconciler.stop().join();
        drained.complete(false);
        eventLoopLag.close();
        dataPath.close();
        boolean keep = config.node().keepAddresses();
        boolean othersServe = handover != null && handover.othersServe();
        CompletableFuture.runAsync(() -> {
            serviceAddresses.close(keep || othersServe && entrance.sharesAddresses());
            reconciler.end(keep, othersServe);
        }, control).join();
        runtimeMetrics.close();
        control.shutdownNow();
    }

    /** The status of this daemon for the admin addresses. */
    private final class Status implements DaemonStatus {

        private final Build build;

        Status(Build build) {
            this.build = build;
        }

        @Override
        public Optional<AppliedState> applied() {
            return reconciler.state();
        }

        @Override
        public ClientOrigins origins() {
            return dataPath.origins();
        }

        @Override
        public Freshness freshness() {
            return source.freshness();
        }

        @Override
        public List<ConnectionView> connections() {
            return dataPath.connections(LISTED_CONNECTIONS);
        }

        @Override
        public ConnectionTaps taps() {
            return dataPath.taps();
        }

        @Override
        public Optional<ConnectionDetail> connection(ConnectionFilter meant) {
            return dataPath.find(meant);
        }

        @Override
        public Limits limits() {
            return new Limits(dataPath.activeConnections(), config.proxy().maxConnections(),
                    config.proxy().maxConnectionsPerService());
        }

        @Override
        public Journal journal() {
            return journal;
        }

        @Override
        public Optional<Instant> waitingSince() {
            return reconciler.waitingSince();
        }

        @Override
        public ChangeCount waiting() {
            return source.waiting().plus(reconciler.waiting());
        }

        @Override
        public List<Stall> stalls() {
            return watchdog.stalls();
        }

        @Override
        public boolean nodeEligible() {
            return !draining && source.nodeEligible();
        }

        @Override
        public boolean successorAwaited() {
            return handover != null && handover.awaited();
        }

        @Override
        public boolean draining() {
            return draining;
        }

        @Override
        public int portOffset() {
            return config.portOffset();
        }

        @Override
        public Optional<Resolver> resolver() {
            return config.dns().map(settings -> {
                List<InetSocketAddress> addresses = new ArrayList<>(dnsSync == null ? List.of() : dnsSync.addresses());
                addresses.addAll(dnsAddresses());
                return new Resolver(settings.clusterDomain().replaceFirst("\\.$", ""), addresses);
            });
        }

        @Override
        public Optional<NamespaceSocket> namespaceSocket() {
            return Optional.ofNullable(namespaceServer)
                    .map(open -> new NamespaceSocket(open.path(), config.serviceCidrs()));
        }

        @Override
        public Optional<Path> operatorSocket() {
            return Sluice.this.operatorSocket();
        }

        @Override
        public Orders orders() {
            return reconciler.orders().inForce();
        }

        @Override
        public Build build() {
            return build;
        }
    }
}
