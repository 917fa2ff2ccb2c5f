package io.sluice.source;

import io.sluice.service.ClusterSnapshot;

/** Receives what a source knows. */
@FunctionalInterface
public interface SnapshotConsumer {

    /** Takes the newest state; called on the source's own thread, never by two threads at once. Must not block. */
    void accept(ClusterSnapshot snapshot);
}
