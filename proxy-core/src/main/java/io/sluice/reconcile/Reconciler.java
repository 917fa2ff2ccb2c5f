package io.sluice.reconcile;

import io.sluice.balance.Routing;
import io.sluice.balance.Sources;
import io.sluice.guest.Guests;
import io.sluice.liveness.Faults;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.SyncMetrics;
import io.sluice.node.AddressDemand;
import io.sluice.node.LocalAddresses;
import io.sluice.node.NodeWatch;
import io.sluice.node.NodePortAddresses;
import io.sluice.node.ServiceAddresses;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.DataPath;
import io.sluice.proxy.Listener;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointLoops;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the data path follow the snapshots of a source.
 *
 * <p>Lives on the control thread. A snapshot is applied in the order make before break: endpoints first, then new
 * listeners, then the closing of old ones. Snapshots that arrive while one is being applied replace each other. What
 * could not be done, such as a port in use, is tried again every few seconds and reported once.
 */
public final class Reconciler {

    private static final Logger LOG = LoggerFactory.getLogger(Reconciler.class);
    private static final Duration RETRY = Duration.ofSeconds(2);
    private static final Duration LOOK_AT_NODE = Duration.ofSeconds(10);
    /** Changes of the node come in bursts. */
    private static final Duration NODE_SETTLES = Duration.ofMillis(100);
    /** After this long everything is looked at again after the next change, whatever it is; kube-proxy: an hour. */
    private static final Duration LOOK_AT_ALL = Duration.ofMinutes(10);

    /** One address that is listened at. */
    private record Open(Claim claim, Listener listener) {}

    private final DataPath dataPath;
    private final SyncMetrics syncMetrics;
    private final ServiceAddresses serviceAddresses;
    private final NodePortAddresses nodePortAddresses;
    private final int portOffset;
    private final Balancing balancing;
    private final ScheduledExecutorService control;

    private final AtomicReference<@Nullable ClusterSnapshot> pending = new AtomicReference<>();
    private final ServicePorts ports;
    private final Map<InetSocketAddress, Open> open = new HashMap<>();
    private final Map<InetSocketAddress, String> failed = new HashMap<>();
    private AddressClaims claims = AddressClaims.none();
    private EndpointLoops loops = EndpointLoops.NONE;
    private List<AppliedState.Warning> warnings = List.of();
    private Set<String> toldOfAddresses = Set.of();
    private Map<InetSocketAddress, String> ownListeners = Map.of();
    private @Nullable ClusterNames names;
    private @Nullable Guests guests;
    private @Nullable ClusterSnapshot applied;
    /** When everything was last looked at. */
    private long allApplied;
    /** Whether a fault has kept the newest snapshot from being applied as a whole. */
    private boolean halfApplied;
    /** Whether addresses may have to be opened or closed although no Service has changed. */
    private boolean everythingIsDue;
    private @Nullable ScheduledFuture<?> retry;
    private @Nullable ScheduledFuture<?> lookingAtNode;
    private final AtomicBoolean nodeChanged = new AtomicBoolean();
    private Set<InetAddress> nodeAddresses = Set.of();
    private List<InetAddress> nodePortsAt = List.of();
    private boolean stopped;
    private volatile Ownership ownership = Ownership.OWN;
    private Consumer<ClusterSnapshot> healthChecks = snapshot -> {};
    private volatile @Nullable AppliedState state;
    private volatile @Nullable Instant waitingSince;
    private volatile @Nullable ClusterSnapshot newest;

    /**
     * Applies nothing yet.
     *
     * @param serviceAddresses makes the addresses of Services this machine's; stays the caller's to close
     * @param portOffset       added to each port of a cluster, external or load balancer address
     * @param balancing        how ports are balanced where their Services do not say
     * @param control          the control thread
     */
    public Reconciler(DataPath dataPath, ProxyMetrics metrics, SyncMetrics syncMetrics,
            ServiceAddresses serviceAddresses, NodePortAddresses nodePortAddresses, int portOffset,
            Balancing balancing,
            ScheduledExecutorService control) {
        this.dataPath = dataPath;
        this.syncMetrics = syncMetrics;
        this.serviceAddresses = serviceAddresses;
        this.nodePortAddresses = nodePortAddresses;
        this.portOffset = portOffset;
        this.balancing = balancing;
        this.control = control;
        this.ports = new ServicePorts(dataPath, metrics, balancing, ControlThread.of(control));
    }

    /**
     * Takes the newest snapshot and returns at once; any thread.
     *
     * @return completes when this snapshot, or a newer one, is applied
     */
    public CompletableFuture<Void> submit(ClusterSnapshot snapshot) {
        Instant now = Instant.now();
        if (waitingSince == null) {
            waitingSince = now;
        }
        newest = snapshot;
        syncMetrics.queued(now);
        pending.accumulateAndGet(snapshot, Reconciler::instead);
        return CompletableFuture.runAsync(Faults.reported("applying Services", this::applyPending), control);
    }

    private static @Nullable ClusterSnapshot instead(@Nullable ClusterSnapshot waiting,
            @Nullable ClusterSnapshot snapshot) {
        return snapshot == null ? waiting : snapshot.insteadOf(waiting);
    }

    /** Lets the health checks of Services follow what is applied, on the control thread. Before the first snapshot. */
    public void healthChecks(Consumer<ClusterSnapshot> follower) {
        healthChecks = follower;
    }

    /** Where this daemon itself answers, each with what for: no Service is served there. Before the first snapshot. */
    public void ownListeners(Map<InetSocketAddress, String> listeners) {
        ownListeners = Map.copyOf(listeners);
    }

    /** Lets names follow what is applied, from the first snapshot on. Before that. */
    public void names(ClusterNames follower) {
        names = follower;
    }

    /** Lets network namespaces follow as well. Before the first snapshot, and only together with names. */
    public void guests(Guests followers) {
        guests = followers;
    }

    /** What is applied now; empty before the first. Any thread. */
    public Optional<AppliedState> state() {
        return Optional.ofNullable(state);
    }

    /** What the newest snapshot has that is not applied yet. Any thread. */
    public ChangeCount waiting() {
        ClusterSnapshot wanted = newest;
        ClusterSnapshot now = state().map(AppliedState::snapshot).orElse(null);
        return wanted == null || now != null && now.version() >= wanted.version()
                ? ChangeCount.NONE
                : ChangeCount.between(now == null ? Map.of() : now.services(), wanted.services());
    }

    /** Since when a snapshot has been waiting to be applied; empty if none is. Any thread. */
    public Optional<Instant> waitingSince() {
        return Optional.ofNullable(waitingSince);
    }

    /** Closes every listener and applies nothing any more; established connections go on. */
    public CompletableFuture<Void> stop() {
        return CompletableFuture.runAsync(() -> {
            stopped = true;
            ports.stop();
            if (retry != null) {
                retry.cancel(false);
            }
            if (lookingAtNode != null) {
                lookingAtNode.cancel(false);
            }
            if (guests != null) {
                guests.stop();
            }
            if (names != null) {
                names.stop();
            }
            if (ownership.sharesSockets()) {
                releaseAll();
            } else {
                closeAll(List.copyOf(open.keySet()));
            }
        }, control);
    }

    /** Another daemon serves the same addresses: snapshots are kept until {@link #share} or {@link #own}. Before the first. */
    public void standBy() {
        ownership = Ownership.STANDBY;
    }

    /**
     * The other daemon has handed over its listening sockets: applies what is known, but for what cannot be had twice, until
     * {@link #own} or {@link #retreat}. Any thread.
     */
    public CompletableFuture<Void> share() {
        return CompletableFuture.runAsync(() -> {
            serviceAddresses.adopt();
            become(Ownership.SHARED);
        }, control);
    }

    /** Takes {@link #share} back: leaves the sockets to the other daemon, and goes on as after {@link #standBy}. Any thread. */
    public CompletableFuture<Void> retreat() {
        return CompletableFuture.runAsync(() -> {
            ownership = Ownership.STANDBY;
            releaseAll();
            pending.compareAndSet(null, applied);
        }, control);
    }

    /**
     * Gives away descriptors of everything that is listened at. Until {@link #own} or {@link #release} endpoints
     * change as always, but no address is listened at anew or left. Any thread.
     */
    public CompletableFuture<List<Integer>> offer() {
        return CompletableFuture.supplyAsync(() -> {
            ownership = Ownership.OFFERED;
            List<Integer> descriptors = new ArrayList<>();
            open.values().forEach(o -> o.listener().descriptor().ifPresent(descriptors::add));
            return descriptors;
        }, control);
    }

    /** After {@link #offer}: leaves the addresses of DNS as well. Any thread. */
    public CompletableFuture<Void> yieldAddresses() {
        return CompletableFuture.runAsync(() -> {
            ownership = Ownership.YIELDED;
            leaveNames();
        }, control);
    }

    /** No other daemon is concerned any more: everything is as usual, once this is complete. Any thread. */
    public CompletableFuture<Void> own() {
        return CompletableFuture.runAsync(() -> become(Ownership.OWN), control);
    }

    private void become(Ownership next) {
        ownership = next;
        everythingIsDue = true;
        applyAgain();
    }

    /** Like {@link #stop}, but leaves waiting connections to whoever took the offer. Any thread. */
    public CompletableFuture<Void> release() {
        return CompletableFuture.runAsync(() -> {
            stopped = true;
            ports.stop();
            if (names != null) {
                names.stop();
            }
            releaseAll();
        }, control);
    }

    private void leaveNames() {
        if (names != null) {
            names.leave();
        }
    }

    private void releaseAll() {
        open.values().stream().map(o -> o.listener().release().toCompletableFuture()).toList()
                .forEach(CompletableFuture::join);
        open.clear();
    }

    private void applyPending() {
        Instant since = waitingSince;
        if (ownership == Ownership.STANDBY) {
            return;
        }
        waitingSince = null;
        ClusterSnapshot snapshot = pending.getAndSet(null);
        if (snapshot != null && !stopped) {
            if (lookingAtNode == null) {
                lookAtNode();
                lookingAtNode = control.scheduleWithFixedDelay(
                        Faults.contained("following the node's addresses", this::followNode), LOOK_AT_NODE.toSeconds(),
                        LOOK_AT_NODE.toSeconds(), TimeUnit.SECONDS);
            }
            try {
                apply(snapshot);
                halfApplied = false;
            } catch (RuntimeException | Error fault) {
                halfApplied = true;
                applyOnceMore(snapshot, since);
                throw fault;
            }
        }
    }

    /** A fault has kept {@code snapshot} from being applied, or a part of it: as long as it does, the change waits. */
    private void applyOnceMore(ClusterSnapshot snapshot, @Nullable Instant since) {
        pending.compareAndSet(null, snapshot);
        waitingSince = since == null ? Instant.now() : since;
        if (retry != null) {
            retry.cancel(false);
        }
        retry = control.schedule(Faults.contained("applying Services", this::applyPending), RETRY.toMillis(),
                TimeUnit.MILLISECONDS);
    }

    /** Something of the node has changed, or may have: it is looked at soon. Any thread. */
    public void nodeChanged(Set<NodeWatch.Change> changes) {
        if (!changes.isEmpty() && nodeChanged.compareAndSet(false, true)) {
            try {
                control.schedule(this::followNode, NODE_SETTLES.toMillis(), TimeUnit.MILLISECONDS);
            } catch (RejectedExecutionException e) {
                LOG.debug("the node is not followed any more: the daemon ends");
            }
        }
    }

    /** Node ports follow the node's addresses, and addresses of Services that somebody removed come back. */
    private void followNode() {
        nodeChanged.set(false);
        if (stopped || ownership == Ownership.STANDBY) {
            return;
        }
        boolean reconsider = serviceAddresses.mend();
        ClusterSnapshot current = applied;
        boolean changed = lookAtNode();
        if ((changed || reconsider) && current != null && pending.compareAndSet(null, current)) {
            if (changed) {
                LOG.info("this node's addresses have changed");
            }
            syncMetrics.queued(Instant.now());
            applyPending();
        }
    }

    /**
     * The node's addresses tell its own connections from others.
     *
     * @return whether they, or those of node ports, have changed; link-local ones do not count
     */
    private boolean lookAtNode() {
        ports.sweepAffinity();
        try {
            Set<InetAddress> now = new HashSet<>(LocalAddresses.read());
            dataPath.sources(new Sources(now, balancing.clusterCidrs()));
            now.removeIf(InetAddress::isLinkLocalAddress);
            List<InetAddress> nodePortsNow = nodePortAddresses.resolve();
            boolean changed = !now.equals(nodeAddresses) || !nodePortsNow.equals(nodePortsAt);
            nodeAddresses = now;
            nodePortsAt = nodePortsNow;
            return changed;
        } catch (SocketException e) {
            LOG.warn("the node's addresses cannot be read, what was known of them stays: {}", e.getMessage());
            return false;
        }
    }

    private void apply(ClusterSnapshot snapshot) {
        long start = System.nanoTime();
        List<String> emptied = new ArrayList<>();
        if (halfApplied || !applyEndpoints(snapshot, start, emptied)) {
            applyAll(snapshot, start, emptied);
        }
    }

    /**
     * The short way of the most frequent change by far: endpoints of a few Services differ, and nobody has to listen
     * anywhere else for it. Costs what has changed and not what there is, or little of it.
     *
     * @return whether that was all; else everything is to be looked at
     */
    private boolean applyEndpoints(ClusterSnapshot snapshot, long start, List<String> emptied) {
        AppliedState shown = state;
        ChangeScope scope = everythingIsDue
                ? new ChangeScope.All()
                : ChangeScope.between(applied, snapshot, new ChangeScope.Dependents(
                        endpoint -> claims.concerns(endpoint) || serviceAddresses.concerns(endpoint.ip()),
                        loops::concern, ports.sources().inUse()));
        if (shown == null || scope instanceof ChangeScope.All) {
            return false;
        }
        List<ServiceState> changed = scope.changed();
        if (!ports.routeEndpoints(changed, snapshot.node(), emptied)) {
            return false;
        }
        if (names != null && scope.concernsNames()) {
            names.publish(snapshot);
        }
        applied = snapshot;
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        state = shown.with(loops.cutOut(snapshot), Instant.now(), took);
        if (scope.concernsHealthChecks()) {
            healthChecks.accept(snapshot);
        }
        syncMetrics.synced(snapshot, new ChangeCount(0, changed.size()), Instant.now(), took);
        LineLimit.warn(LOG, emptied);
        LOG.info("applied in {} ms: endpoints of {} Services", took.toMillis(), changed.size());
        if (allIsDue()) {
            control.execute(() -> {
                if (allIsDue()) {
                    applyAgain();
                }
            });
        }
        return true;
    }

    private boolean allIsDue() {
        return everythingIsDue || System.nanoTime() - allApplied > LOOK_AT_ALL.toNanos();
    }

    private void applyAll(ClusterSnapshot wanted, long start, List<String> emptied) {
        allApplied = start;
        everythingIsDue = false;
        Map<InetAddress, String> unavailable = decideAddresses(wanted);
        ClusterSnapshot snapshot = loops.cutOut(wanted);
        Set<ServicePortName> gone = ports.route(snapshot, this::answered, emptied);
        Map<InetSocketAddress, Claim> claims = this.claims.claims();
        int opened = openListeners(claims, unavailable);
        // A name leads to listeners that are open before it is given out, and closed after it is gone.
        if (names != null) {
            if (ownership.answersDns()) {
                names.open(snapshot, serviceAddresses.provides());
            }
            if (guests != null) {
                guests.open(guestTargets(claims), names.serviceAddresses(snapshot));
            }
            names.publish(snapshot);
            names.close(snapshot);
        }
        int closed = closeListeners(claims);
        if (guests != null) {
            guests.close();
        }
        if (ownership.closesListeners()) {
            serviceAddresses.release();
        }
        ports.remove(gone, snapshot);

        ClusterSnapshot before = applied;
        applied = wanted;
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        publish(snapshot, took);
        healthChecks.accept(snapshot);
        syncMetrics.synced(snapshot,
                ChangeCount.between(before == null ? Map.of() : before.services(), wanted.services()), Instant.now(),
                took);
        LineLimit.warn(LOG, emptied);
        if (before == null || opened + closed + gone.size() > 0 || !before.services().equals(wanted.services())) {
            LOG.info("applied in {} ms: Services {}, TCP ports {}, listeners {} (opened {}, closed {})",
                    took.toMillis(), snapshot.services().size(), ports.all().size(), open.size(), opened, closed);
        }
        retryLater();
    }

    /** Whether this process answers at {@code port} itself, so that connections to it are not proxied. */
    private boolean answered(Service service, ServicePort port) {
        return names != null && names.answers(service, port);
    }

    /** Takes back what {@code sluice.io/preserve-source} needed; the last connection has ended. Control thread. */
    public void closeReplies(boolean keep) {
        ports.sources().close(keep);
    }

    /**
     * Who gets which address, and which endpoints lead back to where they are endpoints of.
     *
     * @return why addresses that are wanted cannot be had just now, each with a reason
     */
    private Map<InetAddress, String> decideAddresses(ClusterSnapshot snapshot) {
        claims = AddressClaims.of(snapshot, new AddressClaims.Node(nodeAddresses, nodePortsAt,
                ownListeners, balancing.clusterCidrs(), portOffset), this::answered);
        ServiceAddresses.Provided provided = serviceAddresses.provides()
                ? serviceAddresses.provide(new AddressDemand(claims.wanted(),
                        endpoints(snapshot.services().values()), snapshot.facts().ownManifests()))
                : new ServiceAddresses.Provided(Map.of(), Map.of());
        claims.refuse(provided.refused());
        loops = EndpointLoops.find(snapshot.services().values(), endpoint -> {
            Claim claim = claims.claims().get(endpoint.toSocketAddress());
            return claim == null || failed.containsKey(endpoint.toSocketAddress()) ? null : claim.owner();
        });
        warnings = EndpointWarnings.of(snapshot, claims, loops);
        Set<String> lines = new LinkedHashSet<>();
        claims.refusals().forEach(refusal -> lines.add(refusal.claim().owner() + ": " + refusal.reason()));
        warnings.forEach(warning -> lines.add(warning.service() + ": " + warning.message()));
        LineLimit.warn(LOG, lines.stream().filter(line -> !toldOfAddresses.contains(line)).toList());
        toldOfAddresses = lines;
        return provided.failed();
    }

    /** The addresses behind all Services, each with the first that has it. */
    private static Map<InetAddress, ServiceName> endpoints(Collection<ServiceState> services) {
        Map<InetAddress, ServiceName> addresses = new HashMap<>();
        for (ServiceState state : services) {
            ChangeScope.endpoints(state)
                    .forEach(address -> addresses.putIfAbsent(address.ip(), state.service().name()));
        }
        return addresses;
    }

    private int openListeners(Map<InetSocketAddress, Claim> claims, Map<InetAddress, String> refused) {
        Map<InetSocketAddress, CompletableFuture<Listener>> opening = new LinkedHashMap<>();
        Map<String, List<String>> problems = new TreeMap<>();
        claims.forEach((address, claim) -> {
            RoutedPort port = ports.find(claim.owner());
            Open current = open.get(address);
            if (port == null || !ports.usable(address, claim) || !ownership.opensListeners() && current == null) {
                return;
            }
            String refusal = refused.get(address.getAddress());
            if (current == null && refusal != null) {
                if (!refusal.equals(failed.put(address, refusal))) {
                    problems.computeIfAbsent("", m -> new ArrayList<>()).add(claim.owner() + ": " + refusal);
                }
            } else if (current == null) {
                opening.put(address, dataPath.listen(address, claim.kind(), port.proxy(), serviceAddresses.provides())
                        .toCompletableFuture());
            } else if (!current.claim().equals(claim)) {
                current.listener().retarget(port.proxy(), claim.kind());
                open.put(address, new Open(claim, current.listener()));
            }
        });
        int opened = 0;
        for (Map.Entry<InetSocketAddress, CompletableFuture<Listener>> entry : opening.entrySet()) {
            InetSocketAddress address = entry.getKey();
            Claim claim = claims.get(address);
            if (claim == null) {
                continue;
            }
            try {
                open.put(address, new Open(claim, entry.getValue().join()));
                opened++;
                if (failed.remove(address) != null) {
                    LOG.info("{}: {} is listened at now", claim.owner(), AddressClaims.display(address));
                }
            } catch (CompletionException e) {
                Throwable cause = e.getCause() == null ? e : e.getCause();
                String problem = BindProblems.describe(address, claim.kind(), cause);
                if (!problem.equals(failed.put(address, problem))) {
                    problems.computeIfAbsent(String.valueOf(cause.getMessage()), m -> new ArrayList<>())
                            .add(claim.owner() + ": " + problem);
                }
            }
        }
        problems.values().forEach(lines -> LineLimit.warn(LOG, lines));
        return opened;
    }

    /** In a namespace of its own a Service has its own ports, and all addresses but the node's. */
    private Map<InetSocketAddress, Guests.Target> guestTargets(Map<InetSocketAddress, Claim> claims) {
        Map<InetSocketAddress, Guests.Target> targets = new HashMap<>();
        claims.forEach((address, claim) -> {
            RoutedPort port = ports.find(claim.owner());
            if (port != null && claim.kind() != AddressKind.NODE_PORT && ports.usable(address, claim)) {
                targets.put(new InetSocketAddress(address.getAddress(), address.getPort() - portOffset),
                        new Guests.Target(port.proxy(), claim.kind()));
            }
        });
        return targets;
    }

    private int closeListeners(Map<InetSocketAddress, Claim> claims) {
        if (!ownership.closesListeners()) {
            return 0;
        }
        List<InetSocketAddress> surplus = open.keySet().stream().filter(address -> {
            Claim claim = claims.get(address);
            return claim == null || !ports.usable(address, claim);
        }).toList();
        closeAll(surplus);
        failed.keySet().removeIf(address -> {
            Claim claim = claims.get(address);
            return claim == null || !ports.usable(address, claim);
        });
        return surplus.size();
    }

    private void closeAll(List<InetSocketAddress> addresses) {
        List<CompletableFuture<Void>> closing = new ArrayList<>();
        for (InetSocketAddress address : addresses) {
            Open listening = open.remove(address);
            if (listening != null) {
                closing.add(listening.listener().stop().toCompletableFuture());
            }
        }
        closing.forEach(CompletableFuture::join);
    }

    private void retryLater() {
        if (retry != null) {
            retry.cancel(false);
            retry = null;
        }
        if (!failed.isEmpty() || names != null && names.incomplete()) {
            retry = control.schedule(this::applyAgain, RETRY.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** Applies what is the newest. */
    private void applyAgain() {
        pending.compareAndSet(null, applied);
        applyPending();
    }

    private void publish(ClusterSnapshot snapshot, Duration took) {
        Map<ServicePortName, List<ListenerState>> listeners = new HashMap<>();
        claims.claims().forEach((address, claim) -> {
            String problem = failed.get(address);
            ListenerStatus status = open.containsKey(address)
                    ? ListenerStatus.LISTENING
                    : problem != null ? ListenerStatus.FAILED : ListenerStatus.NO_ENDPOINTS;
            listeners.computeIfAbsent(claim.owner(), n -> new ArrayList<>())
                    .add(new ListenerState(address, claim.kind(), status, problem));
        });
        claims.refusals().forEach(refusal -> listeners
                .computeIfAbsent(refusal.claim().owner(), n -> new ArrayList<>()).add(new ListenerState(
                        refusal.address(), refusal.claim().kind(), ListenerStatus.FAILED, refusal.reason())));
        Map<ServicePortName, AppliedPort> byName = new HashMap<>();
        ports.all().forEach(port -> byName.put(port.name(),
                new AppliedPort(listeners.getOrDefault(port.name(), List.of()), port::routing)));
        ServiceState dns = snapshot.services().get(ClusterNames.DNS_SERVICE);
        if (dns != null && names != null) {
            for (PortState port : dns.ports()) {
                if (port.port().protocol() == Protocol.TCP && names.answers(dns.service(), port.port())) {
                    byName.put(ServicePorts.name(dns.service(), port),
                            new AppliedPort(names.listeners(dns.service(), port.port()), Routing.NONE));
                }
            }
        }
        state = new AppliedState(snapshot, Instant.now(), took, byName, warnings);
    }
}
