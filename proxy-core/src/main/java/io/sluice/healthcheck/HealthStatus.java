package io.sluice.healthcheck;

import io.sluice.liveness.Stall;
import io.sluice.reconcile.AppliedState;
import io.sluice.source.Freshness;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What health checks ask of the daemon. Any thread, several at once; every answer is immutable, and none waits for the
 * control thread.
 */
public interface HealthStatus {

    /** The applied state; empty before the first snapshot. */
    Optional<AppliedState> applied();

    /** How current the source is. */
    Freshness freshness();

    /** Since when the oldest snapshot that is not applied yet has been waiting; empty if none is. */
    default Optional<Instant> waitingSince() {
        return Optional.empty();
    }

    /** Threads that make no progress now. */
    default List<Stall> stalls() {
        return List.of();
    }

    /** Whether load balancers may send traffic to this node: false while the node is being removed. */
    default boolean nodeEligible() {
        return true;
    }

    /** Whether the daemon is ending: listeners are closed, established connections may still finish. */
    boolean draining();

    /** Whether another process gets ready to take over the listening sockets of this one. */
    default boolean successorAwaited() {
        return false;
    }

    /** The version of this program. */
    Build build();

    /**
     * The version of this program, and its start.
     *
     * @param version   of this program
     * @param startedAt when the daemon started
     */
    record Build(String version, Instant startedAt) {}
}
