package io.sluice.daemon;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.admin.Admin;
import io.sluice.admin.DaemonStatus;
import io.sluice.admin.HealthCheckPorts;
import io.sluice.balance.Sources;
import io.sluice.dns.DnsListener;
import io.sluice.dns.DnsServer;
import io.sluice.guest.GuestDoor;
import io.sluice.guest.Guests;
import io.sluice.liveness.Heartbeat;
import io.sluice.liveness.ReportingExecutor;
import io.sluice.liveness.Stall;
import io.sluice.liveness.ThreadKind;
import io.sluice.liveness.Watched;
import io.sluice.liveness.Watchdog;
import io.sluice.metrics.ApiClientMetrics;
import io.sluice.metrics.DnsMetrics;
import io.sluice.metrics.EventLoopLag;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.RuntimeMetrics;
import io.sluice.metrics.SyncMetrics;
import io.sluice.metrics.WatchdogMetrics;
import io.sluice.node.AddressMode;
import io.sluice.node.LocalRoutes;
import io.sluice.node.NodePortAddresses;
import io.sluice.node.NodeWatch;
import io.sluice.node.ServiceAddresses;
import io.sluice.proxy.ConnectionView;
import io.sluice.proxy.DataPath;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.ClusterNames;
import io.sluice.reconcile.Reconciler;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.source.Freshness;
import io.sluice.source.ServiceSource;
import io.sluice.source.SourceException;
import io.sluice.source.kubernetes.ApiObserver;
import io.sluice.source.kubernetes.KubernetesSource;
import io.sluice.source.manifest.ManifestOptions;
import io.sluice.source.manifest.ManifestSource;
import io.sluice.text.Printable;
import io.netty.util.concurrent.EventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
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

    /** More connections than this are not listed by the admin API. */
    private static final int LISTED_CONNECTIONS = 100_000;

    private final SluiceConfig config;
    private final ScheduledExecutorService control = new ReportingExecutor("sluice-control");
    private final Heartbeat controlHeartbeat = new Heartbeat(ThreadKind.CONTROL, "sluice-control");
    private final List<Heartbeat> channelHeartbeats = new CopyOnWriteArrayList<>();
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final DataPath dataPath;
    private final EventLoopLag eventLoopLag;
    private final Watchdog watchdog;
    private final RuntimeMetrics runtimeMetrics;
    private final ServiceAddresses serviceAddresses;
    private final Reconciler reconciler;
    private final @Nullable DnsServer dns;
    private final @Nullable ClusterNames names;
    private final @Nullable Guests guests;
    private final ServiceSource source;
    private final Admin admin;
    private final Status status;
    private final HealthCheckPorts healthChecks;
    private final Addresses addresses = new Addresses();
    private final @Nullable Handover handover;
    private final AtomicBoolean closed = new AtomicBoolean();
    private final CompletableFuture<Boolean> drained = new CompletableFuture<>();
    private volatile List<DnsListener> dnsListeners = List.of();
    private volatile @Nullable GuestDoor door;
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
            serviceAddresses = config.node().addressMode() == AddressMode.LOCAL_ROUTE
                    ? LocalRoutes.open(config.node().ranges())
                    : ServiceAddresses.LEFT_TO_OTHERS;
            dataPath = new DataPath(config.proxy(), config.accessLog());
        } catch (IllegalArgumentException | UnsupportedOperationException | IOException e) {
            control.shutdownNow();
            throw failed(e);
        }
        eventLoopLag = new EventLoopLag(registry, dataPath.eventLoops());
        watchdog = new Watchdog(config.supervision().stallTimeout(),
                config.supervision().serviceManager().aliveInterval().orElse(Duration.ofSeconds(1)), this::watched,
                this::notifyServiceManager);
        WatchdogMetrics.bind(registry, watchdog);
        runtimeMetrics = new RuntimeMetrics(registry, version, config.proxy().maxConnections(),
                dataPath::bufferedBytes, config.proxy().buffers().memory(), droppedLogLines);
        ProxyMetrics metrics = new ProxyMetrics(registry);
        reconciler = new Reconciler(dataPath, metrics, new SyncMetrics(registry), serviceAddresses,
                nodePortAddresses,
                config.portOffset(), config.balancing(), control);
        reconciler.ownListeners(ownListeners(config));
        dns = config.dns()
                .map(settings -> new DnsServer(settings, new DnsMetrics(registry), dataPath.eventLoopGroup()))
                .orElse(null);
        if (dns != null) {
            names = new ClusterNames(dns, !config.dns().orElseThrow().listen().isEmpty(), config.portOffset());
            reconciler.followers().names(names);
            if (dataPath.hasBareSockets()) {
                guests = new Guests(dataPath, dns);
                reconciler.followers().guests(guests, names);
            } else {
                guests = null;
            }
        } else {
            names = null;
            guests = null;
        }
        source = config.kubernetes().<ServiceSource>map(options -> new KubernetesSource(options,
                config.node().addressMode() == AddressMode.LOCAL_ROUTE, observer(registry)))
                .orElseGet(() -> new ManifestSource(new ManifestOptions(config.manifests(), config.serviceCidrs(),
                        config.nodePortMin(), config.nodePortMax(), config.nodeName())));
        status = new Status(new DaemonStatus.Build(version, Instant.now()));
        admin = new Admin(config.metricsBindAddress(), config.healthzBindAddress(), config.metricsAllowedHosts(),
                status,
                metrics, registry);
        healthChecks = new HealthCheckPorts(nodePortAddresses::resolve, status);
        reconciler.followers().healthChecks(healthChecks::update);
        try {
            handover = config.node().handoverSocket().isEmpty()
                    ? null
                    : new Handover(config.node().handoverSocket().get(), dataPath, reconciler.sockets(), addresses);
        } catch (IOException e) {
            dataPath.close();
            control.shutdownNow();
            throw failed(e);
        }
    }

    /** Of such a reason a line break is none that we have made. */
    private static StartException failed(Exception reason) {
        return new StartException(Printable.of(String.valueOf(reason.getMessage())), reason);
    }

    /** Where this daemon answers itself; a port that the kernel chooses cannot be known before. */
    private static Map<InetSocketAddress, String> ownListeners(SluiceConfig config) {
        Map<InetSocketAddress, String> own = new HashMap<>();
        config.dns().ifPresent(settings -> settings.listen().forEach(address -> own.put(address, "DNS, --dns-listen")));
        config.healthzBindAddress().ifPresent(address -> own.put(address, "health checks, --healthz-bind-address"));
        config.metricsBindAddress().ifPresent(address -> own.put(address, "metrics, --metrics-bind-address"));
        own.keySet().removeIf(address -> address.getPort() == 0);
        return own;
    }

    private static ApiObserver observer(MeterRegistry registry) {
        ApiClientMetrics metrics = new ApiClientMetrics(registry);
        return new ApiObserver() {
            @Override
            public void answered(String method, String host, String code) {
                metrics.answered(method, host, code);
            }

            @Override
            public void took(String verb, String host, Duration time) {
                metrics.took(verb, host, time);
            }

            @Override
            public void serverBuild(Map<String, String> build) {
                metrics.serverBuild(build);
            }
        };
    }

    /** {@link #start(SluiceConfig, String, LongSupplier) Starts} in a process whose log drops nothing. */
    public static Sluice start(SluiceConfig config, String version) throws StartException {
        return start(config, version, () -> 0);
    }

    /**
     * Starts: returns once the Services that the source knows are listened at. A cluster's are known, and listened at,
     * when its API server has listed them; that is not waited for.
     *
     * @param version         of this program, for metrics and the admin API
     * @param droppedLogLines how many lines of this process's log were dropped so far, for metrics; any thread
     * @throws StartException if the daemon cannot do its work as it is configured; nothing is left running
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
            addresses.enter();
        }
        watchNode();
        source.start(this::apply);
        lastSubmitted.join();
        if (between != null && follows) {
            between.follow(firstSubmitted);
        }
        openDoor();
        watchChannels();
        config.supervision().serviceManager().ready();
        LOG.info("started on {} event loops with {}", config.proxy().workerThreads(),
                dataPath.transport().name().toLowerCase(Locale.ROOT));
    }

    /** Last, as it starts the threads of these event loops. */
    private void watchChannels() {
        for (EventExecutor loop : dataPath.otherEventLoops()) {
            Heartbeat heartbeat =
                    new Heartbeat(ThreadKind.EVENT_LOOP, "event loop of channels " + channelHeartbeats.size());
            heartbeat.beatOn(loop, watchdog.interval());
            channelHeartbeats.add(heartbeat);
        }
    }

    /** What the watchdog looks at; a source that is being closed ends its threads. */
    private List<Watched> watched() {
        List<Watched> all = new ArrayList<>(eventLoopLag.heartbeats());
        all.addAll(channelHeartbeats);
        all.add(controlHeartbeat);
        if (!draining) {
            all.addAll(source.threads());
        }
        return all;
    }

    private void notifyServiceManager(List<Stall> stalls) {
        if (stalls.stream().noneMatch(Stall::restartHelps)) {
            config.supervision().serviceManager().alive();
        }
    }

    /** Where it cannot be watched, what has changed is seen some seconds later. */
    private void watchNode() {
        try {
            nodeWatch = NodeWatch.start(reconciler::nodeChanged);
        } catch (IOException e) {
            LOG.debug("the node's addresses are looked at from time to time: {}", e.getMessage());
        }
    }

    /** Without it the proxy does its work all the same. */
    private void openDoor() {
        if (guests != null && config.guests()) {
            try {
                door = GuestDoor.open(guests, dataPath.eventLoopGroup(), System.getenv());
            } catch (IOException e) {
                LOG.warn("sluice exec cannot have a network of its own here: {}", e.getMessage());
            }
        }
    }

    private void apply(ClusterSnapshot snapshot) {
        lastSubmitted = reconciler.submit(snapshot);
        firstSubmitted.complete(null);
    }

    /** Reads the sources again now; the effect comes when it has been read. */
    public void reload() {
        source.refresh();
    }

    /**
     * Stops to accept connections, lets the open ones go on until they end or the drain timeout has passed, and resets
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
            closeDoor();
            reconciler.stop().join();
            dataPath.drain(config.drainTimeout()).thenAccept(drained::complete);
        } catch (RejectedExecutionException e) {
            LOG.debug("there is nothing to drain any more, the daemon was closed");
            drained.complete(false);
        }
        return drained.join();
    }

    /**
     * Completes when another daemon has taken over the listening sockets of this one, which is to be drained then; never
     * without a handover socket.
     */
    public CompletableFuture<Void> succeeded() {
        return handover == null ? new CompletableFuture<>() : handover.succeeded();
    }

    private void closeDoor() {
        GuestDoor open = door;
        door = null;
        if (open != null) {
            open.close();
        }
    }

    /** Where network namespaces come for Services; empty if nowhere. */
    public Optional<Path> guestSocket() {
        return Optional.ofNullable(door).map(GuestDoor::path);
    }

    /** Where metrics and the API are served; empty while nowhere. */
    public Optional<InetSocketAddress> metricsAddress() {
        return admin.metricsAddress();
    }

    /** Where health checks are answered; empty while nowhere. */
    public Optional<InetSocketAddress> healthAddress() {
        return admin.healthAddress();
    }

    /** Where DNS is answered, besides the DNS Service's own addresses; empty if it is not. */
    public List<InetSocketAddress> dnsAddresses() {
        return dnsListeners.stream().map(DnsListener::address).toList();
    }

    /** For tests, which keep these threads from going on. */
    ScheduledExecutorService controlThread() {
        return control;
    }

    /** For tests, as {@link #controlThread}. */
    Iterable<EventExecutor> eventLoops() {
        return dataPath.eventLoops();
    }

    /** What is applied now. */
    public Optional<AppliedState> applied() {
        return reconciler.state();
    }

    /** How many connections are open. */
    public int activeConnections() {
        return dataPath.activeConnections();
    }

    /** Ends at once: every connection is reset, every socket closed. Whoever calls it again waits for the first. */
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
        // Whoever follows finds them free.
        healthChecks.close();
        admin.close();
        if (handover != null) {
            handover.close();
        }
        source.close();
        closeDoor();
        NodeWatch watch = nodeWatch;
        if (watch != null) {
            watch.close();
        }
        reconciler.stop().join();
        drained.complete(false);
        eventLoopLag.close();
        dataPath.close();
        boolean keep = config.node().keepAddresses() || handover != null && handover.othersServe();
        CompletableFuture.runAsync(() -> {
            serviceAddresses.close(keep);
            reconciler.closeReplies(keep);
        }, control).join();
        runtimeMetrics.close();
        control.shutdownNow();
    }

    /** Where two processes cannot serve at once. */
    private final class Addresses implements Handover.Addresses {

        private boolean entered;

        @Override
        public synchronized void enter() throws IOException {
            entered = true;
            try {
                admin.start(config.bindAddressHardFail());
                healthChecks.start();
                answerDns();
            } catch (IOException e) {
                leave();
                throw e;
            }
        }

        @Override
        public synchronized void enterAgain() {
            entered = true;
            healthChecks.start();
            try {
                admin.start(false);
            } catch (IOException e) {
                throw new IllegalStateException("only a hard failure is told", e);
            }
            answerDnsAgain();
        }

        /** The other process may still be about to leave. */
        private synchronized void answerDnsAgain() {
            try {
                if (entered && !closed.get()) {
                    answerDns();
                }
            } catch (IOException e) {
                LOG.warn("{}; trying again", e.getMessage());
                control.schedule(this::answerDnsAgain, 2, TimeUnit.SECONDS);
            }
        }

        private void answerDns() throws IOException {
            if (dns != null) {
                try {
                    dnsListeners = dns.start().toCompletableFuture().join();
                } catch (CompletionException e) {
                    if (e.getCause() instanceof IOException failure) {
                        throw failure;
                    }
                    throw e;
                }
            }
        }

        @Override
        public synchronized void leave() {
            entered = false;
            healthChecks.stop();
            admin.stop();
            dnsListeners.stream().map(listener -> listener.close().toCompletableFuture()).toList()
                    .forEach(CompletableFuture::join);
            dnsListeners = List.of();
        }
    }

    /** What the admin addresses tell of this daemon. */
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
        public Sources sources() {
            return dataPath.sources();
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
                List<InetSocketAddress> addresses = new ArrayList<>(names == null ? List.of() : names.addresses());
                addresses.addAll(dnsAddresses());
                return new Resolver(settings.clusterDomain().replaceFirst("\\.$", ""), addresses);
            });
        }

        @Override
        public Optional<Door> guests() {
            return Optional.ofNullable(door).map(open -> new Door(open.path(), config.serviceCidrs()));
        }

        @Override
        public Build build() {
            return build;
        }
    }
}
