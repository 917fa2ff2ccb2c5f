package io.sluice.reconcile;

import io.sluice.balance.PreservedTraffic;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.node.ReturnRoutes;
import io.sluice.proxy.DataPath;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceAnnotations;
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
 * The client's address for endpoints of Services that are annotated with {@code sluice.io/preserve-source}; routes bring the
 * replies of these endpoints back to this node ({@link ReturnRoutes}). Where connections are intercepted,
 * {@link TransparentSources} takes its place. Confined to the control thread.
 */
final class AnnotatedSources implements SourcePreservation {

    private static final Logger LOG = LoggerFactory.getLogger(AnnotatedSources.class);

    private final DataPath dataPath;
    private final ProxyMetrics metrics;
    private final ReturnRoutes replies = new ReturnRoutes();
    private Map<EndpointAddress, ServicePortName> endpoints = Map.of();
    private @Nullable String problem;

    /** Routes no replies yet. */
    AnnotatedSources(DataPath dataPath, ProxyMetrics metrics) {
        this.dataPath = dataPath;
        this.metrics = metrics;
    }

    @Override
    public PreservedTraffic of(Service service) {
        return problem == null && asksFor(service) ? PreservedTraffic.ALL : PreservedTraffic.NONE;
    }

    /** The routes are for replies of TCP. */
    @Override
    public PreservedTraffic ofDatagrams(Service service) {
        return PreservedTraffic.NONE;
    }

    private static boolean asksFor(Service service) {
        return Boolean.TRUE.equals(ServiceAnnotations.of(service).preserveSource());
    }

    @Override
    public boolean inUse() {
        return !endpoints.isEmpty();
    }

    @Override
    public boolean provide(ClusterSnapshot snapshot) {
        Map<EndpointAddress, ServicePortName> wanted = wanted(snapshot);
        // Connections to an endpoint go on after it has left its Service.
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
        problem = dataPath.hasNativeSockets()
                ? replies.provide(wanted.keySet())
                : "the transport " + dataPath.transport().name().toLowerCase(Locale.ROOT)
                        + " cannot do it, epoll and io_uring can";
        if (problem != null && !problem.equals(before)) {
            LOG.warn("{} has no effect, endpoints see this node's address: {}", ServiceAnnotations.PRESERVE_SOURCE,
                    problem);
        }
        return !Objects.equals(before, problem);
    }

    @Override
    public void close(boolean keep) {
        replies.close(keep);
    }

    private static Map<EndpointAddress, ServicePortName> wanted(ClusterSnapshot snapshot) {
        Map<EndpointAddress, ServicePortName> wanted = new HashMap<>();
        for (ServiceState service : snapshot.services().values()) {
            if (service.service().proxied() && asksFor(service.service())) {
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
