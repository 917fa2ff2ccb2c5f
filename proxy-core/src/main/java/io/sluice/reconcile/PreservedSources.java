package io.sluice.reconcile;

import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.node.SourceReplies;
import io.sluice.proxy.DataPath;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceOptions;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Routes replies of endpoints that see the client's own address ({@code sluice.io/preserve-source}) back to this node.
 * Confined to the control thread.
 */
final class PreservedSources {

    private static final Logger LOG = LoggerFactory.getLogger(PreservedSources.class);

    private final DataPath dataPath;
    private final ProxyMetrics metrics;
    private final SourceReplies replies = new SourceReplies();
    private Map<EndpointAddress, ServicePortName> endpoints = Map.of();
    private @Nullable String problem;

    /** Routes no replies yet. */
    PreservedSources(DataPath dataPath, ProxyMetrics metrics) {
        this.dataPath = dataPath;
        this.metrics = metrics;
    }

    /** Whether connections may be made in a client's name: their replies come back here. */
    boolean works() {
        return problem == null;
    }

    /** Whether replies of any endpoint are routed back. */
    boolean inUse() {
        return !endpoints.isEmpty();
    }

    /**
     * Routes the replies of these endpoints back, before the first connection is made in a client's name.
     *
     * @return whether {@link #works} may answer otherwise now
     */
    boolean provide(ClusterSnapshot snapshot) {
        Map<EndpointAddress, ServicePortName> wanted = wanted(snapshot);
        // Connections to an endpoint outlive its leaving.
        endpoints.forEach((address, port) -> {
            if (metrics.find(port, address).map(EndpointMeters::active).orElse(0) > 0) {
                wanted.putIfAbsent(address, port);
            }
        });
        if (wanted.isEmpty() && endpoints.isEmpty()) {
            problem = null;
            return false;
        }
        endpoints = wanted;
        String before = problem;
        problem = dataPath.hasBareSockets()
                ? replies.provide(wanted.keySet())
                : "the transport " + dataPath.transport().name().toLowerCase(Locale.ROOT)
                        + " cannot do it, epoll and io_uring can";
        if (problem != null && !problem.equals(before)) {
            LOG.warn("{} has no effect, endpoints see this node's address: {}", ServiceOptions.PRESERVE_SOURCE,
                    problem);
        }
        return !Objects.equals(before, problem);
    }

    /** Takes the routes back, unless they are to be kept; the last connection has ended. */
    void close(boolean keep) {
        replies.close(keep);
    }

    private static Map<EndpointAddress, ServicePortName> wanted(ClusterSnapshot snapshot) {
        Map<EndpointAddress, ServicePortName> wanted = new HashMap<>();
        for (ServiceState service : snapshot.services().values()) {
            if (service.service().proxied() && ServiceOptions.of(service.service()).preserveSource()) {
                for (PortState port : service.ports()) {
                    if (port.port().protocol() == Protocol.TCP) {
                        ServicePortName name = ServicePorts.name(service.service(), port);
                        port.endpoints().endpoints().stream().filter(e -> !e.address().ip().isLoopbackAddress())
                                .forEach(e -> wanted.put(e.address(), name));
                    }
                }
            }
        }
        return wanted;
    }
}
