package io.sluice.healthcheck;

import io.sluice.http.Response;
import io.sluice.http.HttpLimits;
import io.sluice.http.HttpListener;
import io.sluice.http.HttpServer;
import io.sluice.http.Site;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceType;
import io.sluice.service.TrafficPolicy;
import io.sluice.text.PrintableJson;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports to cloud load balancers whether this node has endpoints of a Service: {@code healthCheckNodePort}, for Services of
 * type LoadBalancer with {@code externalTrafficPolicy: Local}, with the responses of kube-proxy's
 * pkg/proxy/healthcheck/service_health.go: 200 while a ready endpoint is on this node and the daemon is healthy, else
 * 503, for any path.
 *
 * <p>Updated on the control thread. All ports together have one {@link HttpServer}, made with the first of them.
 */
public final class HealthCheckPorts implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(HealthCheckPorts.class);
    private static final Duration RETRY_INTERVAL = Duration.ofSeconds(5);

    private final Supplier<List<InetAddress>> addresses;
    private final BooleanSupplier healthy;
    private final Duration retryInterval;
    private final Map<InetSocketAddress, Port> ports = new HashMap<>();
    private @Nullable HttpServer server;
    private Map<InetSocketAddress, Check> wanted = Map.of();
    private boolean started;
    private boolean closed;

    /** The state of one Service. */
    private record Check(ServiceName service, int localEndpoints) {}

    /**
     * Opens nothing yet.
     *
     * @param addresses the addresses on which node ports listen now
     */
    public HealthCheckPorts(Supplier<List<InetAddress>> addresses, HealthStatus status) {
        this(addresses, () -> !status.draining() && Health.healthy(status, Instant.now()), RETRY_INTERVAL);
    }

    HealthCheckPorts(Supplier<List<InetAddress>> addresses, BooleanSupplier healthy, Duration retryInterval) {
        this.addresses = addresses;
        this.healthy = healthy;
        this.retryInterval = retryInterval;
    }

    /** Begins to answer for the last snapshot. */
    public synchronized void start() {
        started = true;
        follow();
    }

    /** Answers for {@code snapshot} from now on. */
    public synchronized void update(ClusterSnapshot snapshot) {
        Map<Integer, Check> byPort = new HashMap<>();
        for (ServiceState state : snapshot.services().values()) {
            Service service = state.service();
            if (service.healthCheckNodePort() != 0 && service.exclusion() == null
                    && service.type() == ServiceType.LOAD_BALANCER
                    && service.externalTrafficPolicy() == TrafficPolicy.LOCAL) {
                byPort.putIfAbsent(service.healthCheckNodePort(),
                        new Check(service.name(), localEndpoints(state, snapshot.node())));
            }
        }
        Map<InetSocketAddress, Check> next = new HashMap<>();
        if (!byPort.isEmpty()) {
            for (InetAddress address : addresses.get()) {
                byPort.forEach((port, check) -> next.put(new InetSocketAddress(address, port), check));
            }
        }
        wanted = next;
        follow();
    }

    /** Counts Pods, not ports: an address that is ready for several ports counts once. */
    private static int localEndpoints(ServiceState state, NodeTopology node) {
        Set<InetAddress> addresses = new HashSet<>();
        state.ports().forEach(port -> port.endpoints().endpoints().stream()
                .filter(e -> e.ready() && node.node().equals(e.node())).map(e -> e.address())
                .map(EndpointAddress::ip).forEach(addresses::add));
        return addresses.size();
    }

    private void follow() {
        if (!started || closed) {
            return;
        }
        if (server == null && !wanted.isEmpty()) {
            server = new HttpServer("sluice-node-health", HttpLimits.DEFAULT);
        }
        HttpServer serving = server;
        if (serving == null) {
            return;
        }
        ports.entrySet().removeIf(entry -> {
            boolean gone = !wanted.containsKey(entry.getKey());
            if (gone) {
                serving.stop(entry.getValue().listener);
            }
            return gone;
        });
        wanted.forEach((address, check) -> {
            Port port = ports.get(address);
            if (port == null) {
                ports.put(address, new Port(serving, address, check));
            } else {
                port.check = check;
            }
        });
    }

    /** Closes all ports until {@link #start} is called again. */
    public synchronized void stop() {
        started = false;
        ports.clear();
        if (server != null) {
            server.close();
            server = null;
        }
    }

    /** Closes all ports for good. */
    @Override
    public synchronized void close() {
        closed = true;
        stop();
    }

    private static Response answer(Check check, boolean fit) {
        String body = """
                {
                \t"service": {
                \t\t"namespace": %s,
                \t\t"name": %s
                \t},
                \t"localEndpoints": %d,
                \t"serviceProxyHealthy": %b
                }""".formatted(json(check.service().namespace()), json(check.service().name()), check.localEndpoints(),
                fit);
        return new Response(check.localEndpoints() > 0 && fit ? 200 : 503, "application/json",
                out -> out.write(body.getBytes(StandardCharsets.UTF_8)))
                .with("X-Load-Balancing-Endpoint-Weight", Integer.toString(check.localEndpoints()));
    }

    private static String json(String text) {
        return PrintableJson.mapper().writeValueAsString(text);
    }

    /** One health check node port at one address. */
    private final class Port {

        private final HttpListener listener;
        private volatile Check check;

        Port(HttpServer server, InetSocketAddress address, Check check) {
            this.check = check;
            listener = server.listen(address, Site.always(request -> answer(this.check, healthy.getAsBoolean())),
                    retryInterval);
            listener.firstAttempt().exceptionally(failure -> {
                LOG.warn("{}: the health check node port cannot listen on {}: {}; trying again every {} s",
                        this.check.service(), IpAddresses.format(address.getAddress(), address.getPort()),
                        failure.getMessage(), retryInterval.toSeconds());
                return address;
            });
        }
    }
}
