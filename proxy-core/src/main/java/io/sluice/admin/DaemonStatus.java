package io.sluice.admin;

import io.sluice.balance.Sources;
import io.sluice.liveness.Stall;
import io.sluice.proxy.ConnectionView;
import io.sluice.reconcile.AppliedState;
import io.sluice.service.ChangeCount;
import io.sluice.service.Cidr;
import io.sluice.source.Freshness;
import java.net.InetSocketAddress;
import java.nio.file.Path;
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

    /** What clients' addresses say of them. */
    default Sources sources() {
        return Sources.NONE;
    }

    /** How far the source can be trusted. */
    Freshness freshness();

    /** The open connections, in any order; may wait for event loops, but not for long. */
    List<ConnectionView> connections();

    /** Since when the oldest snapshot that is not applied yet has been waiting; empty if none is. */
    default Optional<Instant> waitingSince() {
        return Optional.empty();
    }

    /** What is known of the source and not applied yet. */
    default ChangeCount waiting() {
        return ChangeCount.NONE;
    }

    /** Threads that make no progress now. */
    default List<Stall> stalls() {
        return List.of();
    }

    /** Whether load balancers may send traffic to this node: false while the node is going away. */
    default boolean nodeEligible() {
        return true;
    }

    /** Whether the daemon is on its way out: listeners are closed, established connections may still finish. */
    boolean draining();

    /** Added to each port of a cluster address. */
    default int portOffset() {
        return 0;
    }

    /** How DNS is answered; empty if it is not at all. */
    default Optional<Resolver> resolver() {
        return Optional.empty();
    }

    /** Where network namespaces come for Services; empty if nowhere. */
    default Optional<Door> guests() {
        return Optional.empty();
    }

    /** Whether another process gets ready to take over the listening sockets of this one. */
    default boolean successorAwaited() {
        return false;
    }

    /** What runs. */
    Build build();

    /**
     * How DNS is answered.
     *
     * @param clusterDomain without a dot at the end
     * @param addresses     where, the best first; empty if only guests are answered
     */
    record Resolver(String clusterDomain, List<InetSocketAddress> addresses) {}

    /**
     * Where network namespaces come for Services.
     *
     * @param socket a Unix socket for the daemon's own user
     * @param ranges of cluster addresses, to be made local there
     */
    record Door(Path socket, List<Cidr> ranges) {}

    /**
     * What runs, and since when.
     *
     * @param version   of this program
     * @param startedAt when the daemon started
     */
    record Build(String version, Instant startedAt) {}
}
