package io.sluice.reconcile;

import io.sluice.balance.EndpointSelection;
import io.sluice.proxy.AddressKind;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpFamily;
import io.sluice.service.ServicePortName;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the reconciler has applied: immutable, replaced whole after each change, read by the admin views.
 *
 * @param appliedAt when the last reconcile ended
 * @param took      how long it took
 * @param ports     every TCP port of every proxied Service
 */
public record AppliedState(ClusterSnapshot snapshot, Instant appliedAt, Duration took,
        Map<ServicePortName, AppliedPort> ports) {

    public AppliedState {
        ports = Map.copyOf(ports);
    }

    /**
     * One port.
     *
     * @param listeners  every address it should listen at
     * @param selections by address family
     */
    public record AppliedPort(List<ListenerState> listeners, Map<IpFamily, EndpointSelection> selections) {
        public AppliedPort {
            listeners = List.copyOf(listeners);
            selections = Map.copyOf(selections);
        }
    }

    /**
     * One address.
     *
     * @param problem one line for a person, set if and only if {@code status} is {@code FAILED}
     */
    public record ListenerState(InetSocketAddress address, AddressKind kind, ListenerStatus status,
            @Nullable String problem) {}

    /** Whether an address accepts connections. */
    public enum ListenerStatus {
        /** Accepts connections. */
        LISTENING,
        /** Refuses connections because no endpoint could take them. */
        NO_ENDPOINTS,
        /** Should listen but cannot; retried until it can. */
        FAILED
    }
}
