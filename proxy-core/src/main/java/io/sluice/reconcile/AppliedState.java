package io.sluice.reconcile;

import io.sluice.balance.EndpointSelection;
import io.sluice.balance.Routing;
import io.sluice.proxy.AddressKind;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.IpFamily;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the reconciler has applied: replaced whole after each change, read by the admin views. Where connections go is what
 * is in force when it is looked at, all else is immutable.
 *
 * @param appliedAt when the last reconcile ended
 * @param took      how long it took
 * @param ports     every TCP port of every proxied Service; whoever made the map changes it no more
 * @param warnings  what endpoints say and nobody can want, of the first Services by name
 */
public record AppliedState(ClusterSnapshot snapshot, Instant appliedAt, Duration took,
        Map<ServicePortName, AppliedPort> ports, List<Warning> warnings) {

    public AppliedState {
        ports = Collections.unmodifiableMap(ports);
        warnings = List.copyOf(warnings);
    }

    /** Nothing is odd about the endpoints. */
    public AppliedState(ClusterSnapshot snapshot, Instant appliedAt, Duration took,
            Map<ServicePortName, AppliedPort> ports) {
        this(snapshot, appliedAt, took, ports, List.of());
    }

    /**
     * Something odd about a Service's endpoints.
     *
     * @param message one line for a person, without the Service's name
     */
    public record Warning(ServiceName service, String message) {}

    /** The same ports, of which only endpoints have changed. */
    AppliedState with(ClusterSnapshot snapshot, Instant appliedAt, Duration took) {
        return new AppliedState(snapshot, appliedAt, took, ports, warnings);
    }

    /**
     * One port.
     *
     * @param listeners every address it should listen at
     * @param now       where its connections go; any thread
     */
    public record AppliedPort(List<ListenerState> listeners, Supplier<Routing> now) {
        public AppliedPort {
            listeners = List.copyOf(listeners);
        }

        /** One whose connections always go there. */
        public AppliedPort(List<ListenerState> listeners, Routing routing) {
            this(listeners, () -> routing);
        }

        /** Where its connections go at the moment. */
        public Routing routing() {
            return now.get();
        }

        /** What the rules of Kubernetes make of the endpoints, by address family. */
        public Map<IpFamily, EndpointSelection> selections() {
            return routing().selections();
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
