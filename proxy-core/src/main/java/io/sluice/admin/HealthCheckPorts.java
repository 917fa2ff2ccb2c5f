package io.sluice.admin;

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
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells cloud load balancers whether this node has endpoints of a Service: {@code healthCheckNodePort}, for Services of
 * type LoadBalancer with {@code externalTrafficPolicy: Local}, as kube-proxy's pkg/proxy/healthcheck/service_health.go
 * answers it. 200 while a ready endpoint is on this node and the daemon is healthy, else 503, whatever the path.
 *
 * <p>Updated on the control thread; every address and every request has a virtual thread of its own.
 */
public final class HealthCheckPorts implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(HealthCheckPorts.class);
    private static final Duration RETRY_INTERVAL = Duration.ofSeconds(5);
    private static final int REQUEST_MILLIS = 5_000;
    private static final int HEAD_BYTES = 16 * 1024;
    private static final int BACKLOG = 64;
    /** Requests that are answered at the same time; more wait in the kernel's queues. */
    private static final int REQUESTS = 256;

    private final Supplier<List<InetAddress>> addresses;
    private final BooleanSupplier healthy;
    private final Duration retryInterval;
    private final Semaphore requests = new Semaphore(REQUESTS);
    private final Map<InetSocketAddress, Server> servers = new HashMap<>();
    private Map<InetSocketAddress, Check> wanted = Map.of();
    private boolean started;
    private boolean closed;

    /** What is said of one Service. */
    private record Check(ServiceName service, int localEndpoints) {}

    /**
     * Opens nothing yet.
     *
     * @param addresses where node ports are served now
     */
    public HealthCheckPorts(Supplier<List<InetAddress>> addresses, DaemonStatus status) {
        this(addresses, () -> !status.draining() && Health.healthy(status, Instant.now()), RETRY_INTERVAL);
    }

    HealthCheckPorts(Supplier<List<InetAddress>> addresses, BooleanSupplier healthy, Duration retryInterval) {
        this.addresses = addresses;
        this.healthy = healthy;
        this.retryInterval = retryInterval;
    }

    /** Begins to answer for what is known. */
    public synchronized void start() {
        started = true;
        follow();
    }

    /** From now on answers for {@code snapshot}. */
    public synchronized void update(ClusterSnapshot snapshot) {
        Map<Integer, Check> byPort = new HashMap<>();
        for (ServiceState state : snapshot.services().values()) {
            Service service = state.service();
            if (service.healthCheckNodePort() != 0 && service.type() == ServiceType.LOAD_BALANCER
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

    /** Pods, not ports: an address that is ready for several ports counts once. */
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
        servers.entrySet().removeIf(entry -> {
            boolean gone = !wanted.containsKey(entry.getKey());
            if (gone) {
                entry.getValue().close();
            }
            return gone;
        });
        wanted.forEach((address, check) -> {
            Server server = servers.get(address);
            if (server == null) {
                server = new Server(address, check);
                servers.put(address, server);
                server.start();
            } else {
                server.check = check;
            }
        });
    }

    /** Answers nobody any more. */
    @Override
    public synchronized void close() {
        closed = true;
        servers.values().forEach(Server::close);
        servers.clear();
    }

    /** One address. */
    private final class Server {

        private final InetSocketAddress address;
        private volatile Check check;
        private volatile boolean ended;
        private volatile @Nullable ServerSocket socket;
        private volatile @Nullable Thread thread;

        Server(InetSocketAddress address, Check check) {
            this.address = address;
            this.check = check;
        }

        void start() {
            thread = Thread.ofVirtual().name("health-check-" + address.getPort()).start(this::run);
        }

        private void run() {
            boolean told = false;
            while (!ended) {
                try (ServerSocket server = new ServerSocket()) {
                    socket = server;
                    server.setReuseAddress(true);
                    server.bind(address, BACKLOG);
                    told = false;
                    while (!ended) {
                        requests.acquire();
                        serve(server);
                    }
                } catch (IOException e) {
                    if (!ended && !told) {
                        told = true;
                        LOG.warn("{}: the health check node port cannot be served at {}: {}; trying again every {} s",
                                check.service(), IpAddresses.format(address.getAddress(), address.getPort()),
                                e.getMessage(), retryInterval.toSeconds());
                    }
                } catch (InterruptedException e) {
                    return;
                }
                if (!ended && !pause()) {
                    return;
                }
            }
        }

        private boolean pause() {
            try {
                Thread.sleep(retryInterval);
                return true;
            } catch (InterruptedException e) {
                return false;
            }
        }

        private void serve(ServerSocket server) throws IOException {
            boolean handed = false;
            try {
                Socket client = server.accept();
                Thread.ofVirtual().start(() -> {
                    try (client) {
                        client.setSoTimeout(REQUEST_MILLIS);
                        answer(client);
                    } catch (IOException e) {
                        LOG.debug("a health check broke off: {}", e.getMessage());
                    } finally {
                        requests.release();
                    }
                });
                handed = true;
            } finally {
                if (!handed) {
                    requests.release();
                }
            }
        }

        private void answer(Socket client) throws IOException {
            String head = head(client.getInputStream());
            if (head.isEmpty()) {
                return;
            }
            Check now = check;
            boolean fit = healthy.getAsBoolean();
            boolean ok = now.localEndpoints() > 0 && fit;
            String body = """
                    {
                    \t"service": {
                    \t\t"namespace": %s,
                    \t\t"name": %s
                    \t},
                    \t"localEndpoints": %d,
                    \t"serviceProxyHealthy": %b
                    }""".formatted(json(now.service().namespace()), json(now.service().name()), now.localEndpoints(),
                    fit);
            byte[] content = body.getBytes(StandardCharsets.UTF_8);
            String answer = "HTTP/1.1 " + (ok ? "200 OK" : "503 Service Unavailable")
                    + "\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff"
                    + "\r\nX-Load-Balancing-Endpoint-Weight: " + now.localEndpoints() + "\r\nContent-Length: "
                    + content.length + "\r\nConnection: close\r\n\r\n" + (head.startsWith("HEAD ") ? "" : body);
            client.getOutputStream().write(answer.getBytes(StandardCharsets.UTF_8));
        }

        private static String json(String text) {
            return PrintableJson.mapper().writeValueAsString(text);
        }

        /** The request up to the empty line; empty if there is none, or it is too long. */
        private static String head(InputStream in) throws IOException {
            StringBuilder head = new StringBuilder();
            byte[] buffer = new byte[1024];
            while (head.length() < HEAD_BYTES) {
                int read = in.read(buffer);
                if (read < 0) {
                    return "";
                }
                head.append(new String(buffer, 0, read, StandardCharsets.ISO_8859_1));
                if (head.indexOf("\r\n\r\n") >= 0) {
                    return head.toString();
                }
            }
            return "";
        }

        void close() {
            ended = true;
            ServerSocket server = socket;
            if (server != null) {
                try {
                    server.close();
                } catch (IOException e) {
                    LOG.debug("closing a health check node port: {}", e.getMessage());
                }
            }
            Thread running = thread;
            if (running != null) {
                running.interrupt();
            }
        }
    }
}
