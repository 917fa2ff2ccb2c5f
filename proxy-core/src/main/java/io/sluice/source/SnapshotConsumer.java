package io.sluice.source;

import io.sluice.service.ClusterSnapshot;

/** Receives the snapshots of a source. */
@FunctionalInterface
public interface SnapshotConsumer {

    /** Receives the newest state; called on the source's own thread, never by two threads at once. Must not block. */
    void accept(ClusterSnapshot snapshot);
}
