package io.sluice.reconcile;

import io.sluice.balance.EndpointSelection;
import io.sluice.balance.Routing;
import io.sluice.proxy.AddressKind;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpFamily;
import io.sluice.service.ServicePortName;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
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
        ports = Collections.unmodifiableMap(new HashMap<>(ports));
    }

    /** The same with some ports changed. */
    AppliedState with(ClusterSnapshot snapshot, Instant appliedAt, Duration took,
            Map<ServicePortName, AppliedPort> changed) {
        Map<ServicePortName, AppliedPort> all = new HashMap<>(ports);
        all.putAll(changed);
        return new AppliedState(snapshot, appliedAt, took, all);
    }

    /**
     * One port.
     *
     * @param listeners  every address it should listen at
     * @param routing   where its connections go
     */
    public record AppliedPort(List<ListenerState> listeners, Routing routing) {
        public AppliedPort {
            listeners = List.copyOf(listeners);
        }

        /** What the rules of Kubernetes make of the endpoints, by address family. */
        public Map<IpFamily, EndpointSelection> selections() {
            return routing.selections();
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
