package io.sluice.reconcile;

import io.sluice.node.ServiceAddresses;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;

/**
 * The owner of the listening sockets while one daemon follows another, and the steps when that changes. Any thread may
 * ask for a step; the control thread takes it, and its future completes after it.
 */
public final class SocketOwnership {

    private final Reconciler reconciler;
    private final ServiceAddresses serviceAddresses;
    private final ServiceListeners listeners;
    private final Followers followers;
    private final HistoryWriter history;
    private final ScheduledExecutorService control;
    private volatile Ownership now = Ownership.OWN;

    /** No other daemon shares the sockets. */
    SocketOwnership(Reconciler reconciler, ServiceAddresses serviceAddresses, ServiceListeners listeners,
            Followers followers, HistoryWriter history, ScheduledExecutorService control) {
        this.reconciler = reconciler;
        this.serviceAddresses = serviceAddresses;
        this.listeners = listeners;
        this.followers = followers;
        this.history = history;
        this.control = control;
    }

    /** The state, which says what this process may do. */
    Ownership now() {
        return now;
    }

    /** Another daemon serves the same addresses: snapshots are kept until {@link #share} or {@link #own}. Before the first. */
    public void standBy() {
        now = Ownership.STANDBY;
    }

    /**
     * The other daemon has handed over its listening sockets: applies the known snapshot, but binds no address that two
     * processes cannot have, until {@link #own} or {@link #retreat}.
     */
    public CompletableFuture<Void> share() {
        return onControl(() -> {
            serviceAddresses.adopt();
            become(Ownership.SHARED);
        });
    }

    /** Takes {@link #share} back: leaves the sockets to the other daemon, and goes on as after {@link #standBy}. */
    public CompletableFuture<Void> retreat() {
        return onControl(() -> {
            change(Ownership.STANDBY);
            listeners.retreat();
            reconciler.keepApplied();
        });
    }

    /**
     * Gives away descriptors of all listening sockets. Until {@link #own} or {@link #release} endpoints change as always,
     * but no listener is opened or closed.
     */
    public CompletableFuture<List<Integer>> offer() {
        return CompletableFuture.supplyAsync(() -> {
            change(Ownership.OFFERED);
            return listeners.descriptors();
        }, control);
    }

    /** After {@link #offer}: leaves the addresses of DNS as well. */
    public CompletableFuture<Void> yieldAddresses() {
        return onControl(() -> {
            change(Ownership.YIELDED);
            followers.leave();
        });
    }

    /** No other daemon shares the sockets any more: everything is as usual once this is complete. */
    public CompletableFuture<Void> own() {
        return onControl(() -> become(Ownership.OWN));
    }

    /** Ends as {@link Reconciler#stop} does, but leaves waiting connections to the process that has taken the sockets. */
    public CompletableFuture<Void> release() {
        return onControl(() -> {
            end();
            followers.release();
            listeners.release();
        });
    }

    /** Closes every listener and applies nothing any more; established connections go on. */
    CompletableFuture<Void> stop() {
        return onControl(() -> {
            Ownership before = now;
            end();
            followers.stop();
            switch (before) {
                case STANDBY, SHARED -> listeners.retreat();
                case OFFERED, YIELDED -> listeners.release();
                case OWN -> listeners.closeAll();
                case ENDED -> {
                    // Whoever came before has done it.
                }
            }
        });
    }

    private void become(Ownership next) {
        change(next);
        reconciler.applyEverything();
    }

    private void change(Ownership next) {
        Ownership before = now;
        now = before.then(next);
        history.owner(before, now);
    }

    private void end() {
        change(Ownership.ENDED);
        reconciler.ended();
    }

    private CompletableFuture<Void> onControl(Runnable step) {
        return CompletableFuture.runAsync(step, control);
    }
}
