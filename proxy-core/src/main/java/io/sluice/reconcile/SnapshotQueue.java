package io.sluice.reconcile;

import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.ServiceMap;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Snapshots on their way to the control thread: one that arrives replaces one that waits, and takes over its
 * changes. Any thread, unless a method says otherwise.
 */
final class SnapshotQueue {

    /**
     * A snapshot that waited.
     *
     * @param since when the oldest of the snapshots arrived that are not applied
     */
    record Waiting(ClusterSnapshot snapshot, Instant since) {}

    private final AtomicReference<@Nullable ClusterSnapshot> pending = new AtomicReference<>();
    private volatile @Nullable Instant since;
    private volatile @Nullable ClusterSnapshot newest;

    /** Takes the newest snapshot of the source. */
    void put(ClusterSnapshot snapshot, Instant now) {
        if (since == null) {
            since = now;
        }
        newest = snapshot;
        pending.accumulateAndGet(snapshot, SnapshotQueue::instead);
    }

    private static @Nullable ClusterSnapshot instead(@Nullable ClusterSnapshot waiting,
            @Nullable ClusterSnapshot snapshot) {
        return snapshot == null ? waiting : snapshot.insteadOf(waiting);
    }

    /** Takes the snapshot that waits; null if none does. Control thread. */
    @Nullable
    Waiting take() {
        Instant from = since;
        since = null;
        ClusterSnapshot snapshot = pending.getAndSet(null);
        return snapshot == null ? null : new Waiting(snapshot, from == null ? Instant.now() : from);
    }

    /**
     * Puts a snapshot back that could not be applied as a whole: its changes go on waiting, with a newer one if there is one
     * by now. Control thread.
     */
    void putBack(Waiting taken) {
        pending.updateAndGet(newer -> newer == null ? taken.snapshot() : newer.insteadOf(taken.snapshot()));
        since = taken.since();
    }

    /**
     * Queues the applied snapshot again, unless a newer one waits. It does not count as waiting.
     *
     * @return whether a snapshot is queued
     */
    boolean again(@Nullable ClusterSnapshot applied) {
        return applied != null && pending.compareAndSet(null, applied);
    }

    /** Since when a snapshot has been waiting; empty if none is. */
    Optional<Instant> waitingSince() {
        return Optional.ofNullable(since);
    }

    /** The changes of the newest snapshot that are not applied yet. */
    ChangeCount waiting(@Nullable ClusterSnapshot applied) {
        ClusterSnapshot wanted = newest;
        return wanted == null || applied != null && applied.version() >= wanted.version()
                ? ChangeCount.NONE
                : ChangeCount.between(applied == null ? ServiceMap.EMPTY : applied.services(), wanted.services());
    }
}
