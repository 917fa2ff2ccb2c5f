package io.sluice.cli.demo;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sluice.cli.command.FailureException;
import io.sluice.linux.Errno;
import io.sluice.linux.SocketFailures;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The pods of the demo: one small HTTP server at each loopback address that is an endpoint of a Service. Each
 * answers with its name, in plain HTTP, also at ports with the name https.
 */
final class DemoPods implements AutoCloseable {

    private final List<HttpServer> servers = new ArrayList<>();
    private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<EndpointAddress, String> names;

    private DemoPods(Map<EndpointAddress, String> names) {
        this.names = names;
    }

    /** Starts a server for each endpoint of {@code snapshot} that is on this machine. */
    static DemoPods start(ClusterSnapshot snapshot) throws FailureException {
        Map<EndpointAddress, String> names = new TreeMap<>();
        for (ServiceState service : snapshot.services().values()) {
            for (PortState port : service.ports()) {
                for (Endpoint endpoint : port.endpoints().endpoints()) {
                    if (endpoint.address().ip().isLoopbackAddress()) {
                        names.put(endpoint.address(), name(service, endpoint));
                    }
                }
            }
        }
        DemoPods pods = new DemoPods(names);
        for (Map.Entry<EndpointAddress, String> pod : names.entrySet()) {
            pods.serve(pod.getKey(), pod.getValue());
        }
        return pods;
    }

    /** The name of the pod at {@code address}, or the address itself. */
    String name(String address) {
        return names.entrySet().stream().filter(pod -> pod.getKey().toString().equals(address)).map(Map.Entry::getValue)
                .findFirst().orElse(address);
    }

    /** The number of pods. */
    int size() {
        return (int) names.values().stream().distinct().count();
    }

    @Override
    public void close() {
        servers.forEach(server -> server.stop(0));
        workers.shutdownNow();
    }

    private static String name(ServiceState service, Endpoint endpoint) {
        String pod = endpoint.target();
        return pod != null ? pod : service.service().name().name() + " at " + endpoint.address().ip().getHostAddress();
    }

    private void serve(EndpointAddress address, String name) throws FailureException {
        try {
            HttpServer server = HttpServer.create(address.toSocketAddress(), 128);
            byte[] answer = ("You've hit " + name + "\n").getBytes(StandardCharsets.UTF_8);
            server.createContext("/", exchange -> answer(exchange, answer));
            server.setExecutor(workers);
            server.start();
            servers.add(server);
        } catch (IOException e) {
            close();
            throw new FailureException("the demo's pod " + name + " cannot listen at " + address + ": "
                    + SocketFailures.bindReason(e, address.toSocketAddress())
                    + (SocketFailures.ofBind(e, address.toSocketAddress()) == Errno.EADDRINUSE
                            ? " (does another demo run?)" : ""),
                    e);
        }
    }

    private static void answer(HttpExchange exchange, byte[] answer) throws IOException {
        try (exchange) {
            exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
            boolean head = exchange.getRequestMethod().equals("HEAD");
            exchange.sendResponseHeaders(200, head ? -1 : answer.length);
            if (!head) {
                exchange.getResponseBody().write(answer);
            }
        }
    }
}
