package io.sluice.reconcile;

import io.sluice.guest.Guests;
import io.sluice.liveness.Faults;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.SyncMetrics;
import io.sluice.node.NodeWatch;
import io.sluice.node.NodePortAddresses;
import io.sluice.node.ServiceAddresses;
import io.sluice.proxy.DataPath;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
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
    /** After this long everything is looked at again after the next change, whatever it is; kube-proxy: an hour. */
    private static final Duration LOOK_AT_ALL = Duration.ofMinutes(10);

    private final SyncMetrics syncMetrics;
    private final ServiceAddresses serviceAddresses;
    private final int portOffset;
    private final ScheduledExecutorService control;

    private final AtomicReference<@Nullable ClusterSnapshot> pending = new AtomicReference<>();
    private final ServicePorts ports;
    private final ListenerSet listeners;
    private final NodeFollower node;
    private final AddressPlanner planner;
    private final AppliedStateBuilder view;
    private AddressPlan plan = AddressPlan.NONE;
    private final Followers followers = new Followers();
    private @Nullable ClusterSnapshot applied;
    /** When everything was last looked at. */
    private long allApplied;
    /** Whether a fault has kept the newest snapshot from being applied as a whole. */
    private boolean halfApplied;
    /** Whether addresses may have to be opened or closed although no Service has changed. */
    private boolean everythingIsDue;
    private @Nullable ScheduledFuture<?> retry;
    private boolean stopped;
    private volatile Ownership ownership = Ownership.OWN;
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
        this.syncMetrics = syncMetrics;
        this.serviceAddresses = serviceAddresses;
        this.portOffset = portOffset;
        this.control = control;
        this.ports = new ServicePorts(dataPath, metrics, balancing, ControlThread.of(control));
        this.listeners = new ListenerSet(dataPath, ports);
        this.node = new NodeFollower(dataPath, nodePortAddresses, balancing.clusterCidrs(), control, this::followNode);
        this.planner = new AddressPlanner(serviceAddresses, balancing.clusterCidrs(), portOffset);
        this.view = new AppliedStateBuilder(ports, listeners);
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
    public void healthChecks(Consumer<ClusterSnapshot> healthChecks) {
        followers.add(new HealthCheckFollower(healthChecks));
    }

    /** Where this daemon itself answers, each with what for: no Service is served there. Before the first snapshot. */
    public void ownListeners(Map<InetSocketAddress, String> listeners) {
        planner.ownListeners(listeners);
    }

    /** Lets names follow what is applied. Before the first snapshot. */
    public void names(ClusterNames names) {
        followers.add(new DnsFollower(names, serviceAddresses));
    }

    /** Lets network namespaces follow, after {@code names}, which they are shown. Before the first snapshot. */
    public void guests(Guests guests, ClusterNames names) {
        followers.add(new NamespaceFollower(guests, names, ports, portOffset));
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
            node.stop();
            followers.stop();
            if (ownership.sharesSockets()) {
                listeners.releaseAll();
            } else {
                listeners.closeAll();
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
            listeners.releaseAll();
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
            return listeners.descriptors();
        }, control);
    }

    /** After {@link #offer}: leaves the addresses of DNS as well. Any thread. */
    public CompletableFuture<Void> yieldAddresses() {
        return CompletableFuture.runAsync(() -> {
            ownership = Ownership.YIELDED;
            followers.leave();
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
            followers.release();
            listeners.releaseAll();
        }, control);
    }

    private void applyPending() {
        Instant since = waitingSince;
        if (ownership == Ownership.STANDBY) {
            return;
        }
        waitingSince = null;
        ClusterSnapshot snapshot = pending.getAndSet(null);
        if (snapshot != null && !stopped) {
            node.begin();
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
        node.changed(changes);
    }

    /** Node ports follow the node's addresses, and addresses of Services that somebody removed come back. */
    private void followNode() {
        if (stopped || ownership == Ownership.STANDBY) {
            return;
        }
        boolean reconsider = serviceAddresses.mend();
        ClusterSnapshot current = applied;
        ports.sweepAffinity();
        boolean changed = node.read();
        if ((changed || reconsider) && current != null && pending.compareAndSet(null, current)) {
            if (changed) {
                LOG.info("this node's addresses have changed");
            }
            syncMetrics.queued(Instant.now());
            applyPending();
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
                        endpoint -> plan.claims().concerns(endpoint) || serviceAddresses.concerns(endpoint.ip()),
                        plan.loops()::concern, ports.sources().inUse()));
        if (shown == null || scope instanceof ChangeScope.All) {
            return false;
        }
        List<ServiceState> changed = scope.changed();
        if (!ports.routeEndpoints(changed, snapshot.node(), emptied)) {
            return false;
        }
        followers.publish(snapshot, scope);
        applied = snapshot;
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        state = shown.with(plan.loops().cutOut(snapshot), Instant.now(), took);
        followers.settled(snapshot, scope);
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
        ChangeScope scope = new ChangeScope.All();
        allApplied = start;
        everythingIsDue = false;
        plan = planner.plan(wanted, node.addresses(), followers::answers, listeners::failedAt);
        ClusterSnapshot snapshot = plan.loops().cutOut(wanted);
        Set<ServicePortName> gone = ports.route(snapshot, followers::answers, emptied);
        int opened = listeners.open(plan, ownership.opensListeners(), serviceAddresses.provides());
        followers.prepare(snapshot, plan, ownership);
        followers.publish(snapshot, scope);
        int closed = ownership.closesListeners() ? listeners.close(plan) : 0;
        followers.retire(snapshot);
        if (ownership.closesListeners()) {
            serviceAddresses.release();
        }
        ports.remove(gone, snapshot);

        ClusterSnapshot before = applied;
        applied = wanted;
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        state = view.build(snapshot, plan, followers.answered(snapshot), took);
        followers.settled(snapshot, scope);
        syncMetrics.synced(snapshot,
                ChangeCount.between(before == null ? Map.of() : before.services(), wanted.services()), Instant.now(),
                took);
        LineLimit.warn(LOG, emptied);
        if (before == null || opened + closed + gone.size() > 0 || !before.services().equals(wanted.services())) {
            LOG.info("applied in {} ms: Services {}, TCP ports {}, listeners {} (opened {}, closed {})",
                    took.toMillis(), snapshot.services().size(), ports.all().size(), listeners.size(), opened, closed);
        }
        retryLater();
    }

    /** Takes back what {@code sluice.io/preserve-source} needed; the last connection has ended. Control thread. */
    public void closeReplies(boolean keep) {
        ports.sources().close(keep);
    }

    private void retryLater() {
        if (retry != null) {
            retry.cancel(false);
            retry = null;
        }
        if (listeners.incomplete() || followers.incomplete()) {
            retry = control.schedule(this::applyAgain, RETRY.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** Applies what is the newest. */
    private void applyAgain() {
        pending.compareAndSet(null, applied);
        applyPending();
    }
}
