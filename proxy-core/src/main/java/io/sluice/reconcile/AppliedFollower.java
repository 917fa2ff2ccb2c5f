package io.sluice.reconcile;

import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Service;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import java.util.List;
import java.util.Map;

/**
 * A follower of the applied state besides the proxied ports: names, network namespaces, health checks.
 *
 * <p>For each change the reconciler calls, on the control thread and in this order, {@link #prepare} once its new listeners
 * are open, {@link #publish}, {@link #retire} once its old listeners are closed, and {@link #settled}. A change of
 * endpoints alone opens and closes nothing, and so has only {@code publish} and {@code settled}.
 */
interface AppliedFollower {

    /** Decides what it {@link #answers} from now on, and leaves addresses that it does not answer at any more. */
    default void consider(ClusterSnapshot snapshot) {}

    /** Whether {@link #consider} would decide otherwise than before: everything has to be looked at then. */
    default boolean reconsiders(ClusterSnapshot snapshot) {
        return false;
    }

    /**
     * Opens new addresses, and closes none.
     *
     * @param snapshot  without endpoints that lead back
     * @param ownership says which addresses this process may bind
     */
    default void prepare(ClusterSnapshot snapshot, AddressPlan plan, Ownership ownership) {}

    /** Publishes the addresses that are open. */
    default void publish(ClusterSnapshot snapshot, ChangeScope scope) {}

    /** Closes addresses that are no longer published. */
    default void retire(ClusterSnapshot snapshot) {}

    /** Everything is applied, and the admin views show it. */
    default void settled(ClusterSnapshot snapshot, ChangeScope scope) {}

    /** Whether this follower itself answers at a port of a Service, so that connections to it are not proxied. */
    default boolean answers(Service service, ServicePort port) {
        return false;
    }

    /** The TCP ports at which it answers itself, with their addresses. */
    default Map<ServicePortName, List<ListenerState>> answered(ClusterSnapshot snapshot) {
        return Map.of();
    }

    /** Whether something could not be opened, so that another attempt is due. */
    default boolean incomplete() {
        return false;
    }

    /** Leaves addresses that two processes cannot have at once, until the next {@link #prepare}. */
    default void leave() {}

    /** Leaves its addresses to the process that has taken over; {@link #stop} comes when the last connection has ended. */
    default void release() {}

    /** Ends for good. */
    default void stop() {}
}
