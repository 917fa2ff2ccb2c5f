package io.sluice.reconcile;

import io.sluice.balance.EndpointSelection;
import io.sluice.balance.PreservedTraffic;
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
 * What the reconciler has applied: replaced whole after each change, read by the admin views. The routing of a
 * port is the one in force when it is read; all else is immutable.
 *
 * @param appliedAt when the last reconcile ended
 * @param took      how long it took
 * @param ports     every TCP and UDP port of every proxied Service; the map does not change any more
 * @param warnings  mistakes in endpoints, of the first Services by name
 */
public record AppliedState(ClusterSnapshot snapshot, Instant appliedAt, Duration took,
        Map<ServicePortName, AppliedPort> ports, List<Warning> warnings) {

    public AppliedState {
        ports = Collections.unmodifiableMap(ports);
        warnings = List.copyOf(warnings);
    }

    /** A state without warnings. */
    public AppliedState(ClusterSnapshot snapshot, Instant appliedAt, Duration took,
            Map<ServicePortName, AppliedPort> ports) {
        this(snapshot, appliedAt, took, ports, List.of());
    }

    /**
     * A probable mistake in a Service's endpoints.
     *
     * @param message one line for a person, without the Service's name
     */
    public record Warning(ServiceName service, String message) {}

    /** The state after a change of endpoints alone: the ports are the same. */
    AppliedState with(ClusterSnapshot snapshot, Instant appliedAt, Duration took) {
        return new AppliedState(snapshot, appliedAt, took, ports, warnings);
    }

    /**
     * One port.
     *
     * @param listeners every address it should listen on
     * @param now       where its connections go; any thread
     */
    public record AppliedPort(List<ListenerState> listeners, Supplier<Routing> now, PreservedTraffic preserved) {
        public AppliedPort {
            listeners = List.copyOf(listeners);
        }

        /** A port whose routing never changes. */
        public AppliedPort(List<ListenerState> listeners, Routing routing) {
            this(listeners, () -> routing, PreservedTraffic.NONE);
        }

        /** The routing in force. */
        public Routing routing() {
            return now.get();
        }

        /** The endpoints by the rules of Kubernetes, by address family. */
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
