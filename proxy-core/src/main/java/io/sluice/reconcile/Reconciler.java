package io.sluice.reconcile;

import io.sluice.history.Journal;
import io.sluice.liveness.Faults;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.SyncMetrics;
import io.sluice.node.NodePortAddresses;
import io.sluice.node.NodeWatch;
import io.sluice.node.ServiceAddresses;
import io.sluice.proxy.DataPath;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * Makes the data path follow the snapshots of a source.
 *
 * <p>Lives on the control thread. A snapshot is applied in the order make before break: endpoints first, then new
 * listeners, then the closing of old ones. Snapshots that arrive while one is being applied replace each other. A
 * step that fails, such as for a port in use, is tried again every few seconds and reported once.
 */
public final class Reconciler {

    private final ChangeReport report;
    private final ServiceAddresses serviceAddresses;
    private final ScheduledExecutorService control;
    private final ControlThread time;
    private final SnapshotQueue queue = new SnapshotQueue();
    private final FullReview review = new FullReview();
    private final ServicePorts ports;
    private final ServiceListeners listeners;
    private final NodeFollower node;
    private final AddressPlanner planner;
    private final AppliedStateBuilder view;
    private final Followers followers;
    private final SocketOwnership sockets;
    private final Retry retry;
    private final HandOrders orders;
    private AddressPlan plan = AddressPlan.NONE;
    private @Nullable ClusterSnapshot applied;
    private volatile @Nullable AppliedState state;

    /**
     * Applies nothing yet.
     *
     * @param serviceAddresses makes the addresses of Services this machine's; stays the caller's to close
     * @param interception whether connections are intercepted
     * @param portOffset       added to each port of a cluster, external or load balancer address
     * @param balancing        how ports are balanced where their Services do not say
     * @param journal          takes what has changed
     * @param control          the control thread
     */
    public Reconciler(DataPath dataPath, ProxyMetrics metrics, SyncMetrics syncMetrics,
            ServiceAddresses serviceAddresses, Interception interception, NodePortAddresses nodePortAddresses,
            int portOffset,
            Balancing balancing, Journal journal, ScheduledExecutorService control) {
        this(Surroundings.of(dataPath, metrics, interception, nodePortAddresses, balancing, control), metrics,
                syncMetrics, serviceAddresses, interception.on(), portOffset, balancing, journal);
    }

    /** The same on other ground than this machine. */
    Reconciler(Surroundings around, ProxyMetrics metrics, SyncMetrics syncMetrics, ServiceAddresses serviceAddresses,
            boolean intercepts, int portOffset, Balancing balancing, Journal journal) {
        HistoryWriter history = new HistoryWriter(journal);
        report = new ChangeReport(syncMetrics, history);
        this.serviceAddresses = serviceAddresses;
        control = around.control();
        time = around.time();
        ports = new ServicePorts(around, metrics, balancing, history);
        listeners = around.listeners().apply(ports);
        node = new NodeFollower(around.node(), around.origins(), balancing.clusterCidrs(), control, this::followNode);
        planner = new AddressPlanner(serviceAddresses, intercepts, balancing.clusterCidrs(), portOffset);
        view = new AppliedStateBuilder(ports, listeners, time);
        followers = new Followers(serviceAddresses, ports, portOffset);
        sockets = new SocketOwnership(this, serviceAddresses, listeners, followers, history, control);
        retry = new Retry(control, this::applyAgain);
        orders = new HandOrders(ports, history, time, Clock.systemUTC(), sockets::now, this::followOrders,
                around.kill());
        ports.ordersGone(orders::gone);
        ports.rerouted(this::followRerouted);
    }

    /**
     * Addresses on which this daemon itself listens, each with its purpose: no Service gets them. Before the first
     * snapshot.
     */
    public void ownListeners(Map<InetSocketAddress, String> own) {
        planner.ownListeners(own);
    }

    /** The same for those at which it receives datagrams. */
    public void ownDatagramListeners(Map<InetSocketAddress, String> own) {
        planner.ownDatagramListeners(own);
    }

    /** The followers of the applied state; they are added before the first snapshot. */
    public Followers followers() {
        return followers;
    }

    /**
     * Takes the newest snapshot and returns at once. Any thread.
     *
     * @return completes when this snapshot, or a newer one, is applied
     */
    public CompletableFuture<Void> submit(ClusterSnapshot snapshot) {
        Instant now = Instant.now();
        report.queued(now);
        queue.put(snapshot, now);
        return CompletableFuture.runAsync(Faults.reported("applying Services", this::applyPending), control);
    }

    /** The applied state; empty before the first snapshot. Any thread. */
    public Optional<AppliedState> state() {
        return Optional.ofNullable(state);
    }

    /** The changes of the newest snapshot that are not applied yet. Any thread. */
    public ChangeCount waiting() {
        return queue.waiting(state().map(AppliedState::snapshot).orElse(null));
    }

    /** Since when a snapshot has been waiting to be applied; empty if none is. Any thread. */
    public Optional<Instant> waitingSince() {
        return queue.waitingSince();
    }

    /** What operators order by hand. Any thread. */
    public HandOrders orders() {
        return orders;
    }

    /** @param rerouted the ports that go elsewhere; empty if ports may have to listen elsewhere */
    private void followOrders(Set<ServicePortName> rerouted) {
        ClusterSnapshot snapshot = applied;
        if (rerouted.isEmpty() || snapshot == null) {
            applyEverything();
        } else {
            listeners.endpointsChanged(rerouted.stream().map(ServicePortName::service).distinct()
                    .map(snapshot.services()::get).filter(Objects::nonNull).toList());
        }
    }

    private void followRerouted(ServicePortName port) {
        ClusterSnapshot snapshot = applied;
        ServiceState service = snapshot == null ? null : snapshot.services().get(port.service());
        if (service != null) {
            listeners.endpointsChanged(List.of(service));
        }
    }

    /** The node has changed, or may have: it is read soon. Any thread. */
    public void nodeChanged(Set<NodeWatch.Change> changes) {
        node.changed(changes);
    }

    /** The owner of the listening sockets while one daemon follows another. Any thread. */
    public SocketOwnership sockets() {
        return sockets;
    }

    /** Closes every listener and applies nothing any more; established connections go on. Any thread. */
    public CompletableFuture<Void> stop() {
        return sockets.stop();
    }

    /**
     * Removes what was set up in the kernel for connections; the last one has ended. Control thread.
     *
     * @param keep        nothing is removed
     * @param othersServe another process goes on with what both use
     */
    public void end(boolean keep, boolean othersServe) {
        ports.sources().close(keep || othersServe);
        listeners.end(keep);
    }

    /** Applies everything again: the result may differ although no Service has changed. */
    void applyEverything() {
        review.demand();
        applyAgain();
    }

    /** Puts the applied snapshot back into the queue; it is applied again once no other process has its listeners. */
    void keepApplied() {
        queue.again(applied);
    }

    /** Nothing is applied any more. */
    void ended() {
        ports.stop();
        node.stop();
        retry.cancel();
    }

    /** Node ports follow the node's addresses, and addresses of Services that other software removed come back. */
    private void followNode() {
        if (!sockets.now().applies()) {
            return;
        }
        boolean reconsider = sockets.now().repairsAddresses() && serviceAddresses.repair();
        if (sockets.now().opensListeners() && listeners.repair()) {
            reconsider = true;
        }
        ports.sweepAffinity();
        if ((node.read() || reconsider) && queue.again(applied)) {
            report.queued(Instant.now());
            applyPending();
        }
    }

    /** Applies the newest snapshot, once more if it is applied already. */
    private void applyAgain() {
        queue.again(applied);
        applyPending();
    }

    private void applyPending() {
        if (sockets.now() == Ownership.STANDBY) {
            return;
        }
        SnapshotQueue.Waiting taken = queue.take();
        if (taken == null || !sockets.now().applies()) {
            return;
        }
        node.begin();
        try {
            apply(taken.snapshot(), time.nanoTime());
        } catch (RuntimeException | Error fault) {
            review.demand();
            queue.putBack(taken);
            retry.later();
            throw fault;
        }
    }

    private void apply(ClusterSnapshot snapshot, long start) {
        ChangeScope scope = review.isDemanded() || followers.reconsider(snapshot)
                ? new ChangeScope.All()
                : ChangeScope.between(applied, snapshot,
                        plan.dependents(serviceAddresses::affects, ports.sources().inUse()));
        List<NamedLine> emptied = new ArrayList<>();
        AppliedState shown = state;
        if (scope instanceof ChangeScope.All || shown == null
                || !ports.routeEndpoints(scope.changed(), snapshot.node(), emptied)) {
            applyAll(snapshot, start, emptied);
        } else {
            applyEndpoints(snapshot, start, scope, shown, emptied);
        }
    }

    /**
     * The short way, for by far the most frequent change: endpoints of a few Services differ, and no address is opened or
     * closed. Its cost depends on what has changed, and hardly on the number of Services. The ports are
     * routed already.
     */
    private void applyEndpoints(ClusterSnapshot snapshot, long start, ChangeScope scope, AppliedState shown,
            List<NamedLine> emptied) {
        followers.publish(snapshot, scope);
        listeners.endpointsChanged(scope.changed());
        ClusterSnapshot before = Objects.requireNonNull(applied);
        applied = snapshot;
        AppliedState now = view.endpoints(shown, plan.loops().cutOut(snapshot), start);
        state = now;
        followers.settled(now.snapshot(), scope);
        report.endpoints(before, now, scope, emptied);
        if (review.isDue(time.nanoTime())) {
            control.execute(() -> {
                if (review.isDue(time.nanoTime())) {
                    applyAgain();
                }
            });
        }
    }

    private void applyAll(ClusterSnapshot wanted, long start, List<NamedLine> emptied) {
        Ownership ownership = sockets.now();
        ChangeScope scope = new ChangeScope.All();
        review.begin(start);
        followers.consider(wanted);
        plan = planner.plan(wanted, node.addresses(), followers::answers, listeners::failedAt);
        ClusterSnapshot snapshot = plan.loops().cutOut(wanted);
        Set<ServicePortName> gone = ports.route(snapshot, followers::answers, emptied);
        int opened = listeners.open(plan, ownership.opensListeners(), serviceAddresses.manages());
        followers.prepare(snapshot, plan, ownership);
        followers.publish(snapshot, scope);
        int closed = ownership.closesListeners() ? listeners.close(plan) : 0;
        if (closed > 0 && followers.incomplete()) {
            // What had to wait for a port's listeners.
            followers.prepare(snapshot, plan, ownership);
        }
        followers.retire(snapshot);
        if (ownership.closesListeners()) {
            serviceAddresses.release();
        }
        ports.remove(gone, snapshot);

        ClusterSnapshot before = applied;
        applied = wanted;
        AppliedState now = view.build(snapshot, plan, followers.answered(snapshot), start);
        state = now;
        followers.settled(snapshot, scope);
        report.everything(before, wanted, now, new ChangeReport.Steps(opened, closed, gone.size(), ports.all().size(),
                listeners.size()), emptied);
        retry.laterIf(listeners.incomplete() || followers.incomplete());
    }
}
