package io.sluice.reconcile;

import io.sluice.balance.PreservedTraffic;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Service;

/** Lets endpoints see the client's own address. Confined to the control thread. */
interface SourcePreservation {

    /**
     * Prepares the kernel for the endpoints of {@code snapshot}, before the first connection with a client's address.
     *
     * @return whether the result of {@link #of} may have changed
     */
    boolean provide(ClusterSnapshot snapshot);

    /** The connections to {@code service} that are made with the client's address. */
    PreservedTraffic of(Service service);

    /** The same for flows of datagrams. */
    PreservedTraffic ofDatagrams(Service service);

    /** Whether {@link #provide} has prepared the kernel for any endpoint; then it has to for each new one. */
    boolean inUse();

    /** Removes what was set up in the kernel, unless it is to be kept; the last connection has ended. */
    void close(boolean keep);
}
