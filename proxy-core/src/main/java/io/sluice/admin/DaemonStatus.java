package io.sluice.admin;

import io.sluice.proxy.ConnectionView;
import io.sluice.reconcile.AppliedState;
import io.sluice.source.Freshness;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What the admin API asks of the daemon. Called on any thread, several at once; every answer is immutable and given
 * without waiting for the control thread.
 */
public interface DaemonStatus {

    /** What is applied; empty before the first snapshot was. */
    Optional<AppliedState> applied();

    /** How far the source can be trusted. */
    Freshness freshness();

    /** The open connections, in any order; may wait for event loops, but not for long. */
    List<ConnectionView> connections();

    /** Since when the oldest snapshot that is not applied yet has been waiting; empty if none is. */
    default Optional<Instant> waitingSince() {
        return Optional.empty();
    }

    /** Whether load balancers may send traffic to this node: false while the node is going away. */
    default boolean nodeEligible() {
        return true;
    }

    /** Whether the daemon is on its way out: listeners are closed, established connections may still finish. */
    boolean draining();

    /** What runs. */
    Build build();

    /**
     * What runs, and since when.
     *
     * @param version   of this program
     * @param startedAt when the daemon started
     */
    record Build(String version, Instant startedAt) {}
}
