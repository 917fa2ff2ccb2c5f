package io.sluice.it.bench;

import io.sluice.it.testbed.apiserver.ApiServer;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A cluster of Services with two ports each, all at addresses of this machine: an API server that tells of it and changes it,
 * and backends that answer with the four octets of the address that they were reached at.
 */
final class ManyServices implements Closeable {

    static final int PORTS = 2;

    /**
     * Where addresses are.
     *
     * @param clusterIps the number that comes before the Services' addresses
     * @param endpoints  the number that comes before the endpoints' addresses
     * @param fourths    how many endpoints four Services have
     */
    record Place(int clusterIps, int endpoints, int fourths) {

        /** All at loopback, with ten endpoints each. */
        static final Place LOOPBACK = new Place(address(127, 64), address(127, 128), 40);
        /** In a network namespace of its own, where 10.128.0.0/9 is local; 25 endpoints for four Services. */
        static final Place NAMESPACE = new Place(address(10, 64), address(10, 128), 25);

        private static int address(int first, int second) {
            return (first << 24 | second << 16) + 256;
        }

        /** Of a Service. */
        int endpointCount(int service) {
            return fourths / 4 + (service % 4 < fourths % 4 ? 1 : 0);
        }
    }

    /** The first port of each Service. */
    static final int PORT = 7080;
    /** The port of the endpoints that belongs to it. */
    static final int TARGET = 7180;

    /** Of each hundredth Service one endpoint alone is ready: any connection tells whether it was placed by a change. */
    private static final int LONE = 100;

    private final ApiServer api;
    private final Place place;
    private final int services;
    /** Of the services from this one on no endpoint is ready, so that nothing listens for them. */
    private final int ready;
    private final int[][] endpoints;
    private final ServerSocket[] backends = new ServerSocket[PORTS];
    private final Random random = new Random(1);
    private int fresh;

    /**
     * Tells an API server of {@code services} Services, of which {@code ready} have endpoints that are ready.
     *
     * @param services at loopback at most 15,000
     */
    ManyServices(Place place, int services, int ready) throws IOException {
        this.api = new ApiServer(0);
        this.place = place;
        this.services = services;
        this.ready = ready;
        this.endpoints = new int[services][];
        for (int port = 0; port < PORTS; port++) {
            ServerSocket backend = new ServerSocket();
            backend.bind(new InetSocketAddress(TARGET + port), 4096);
            backends[port] = backend;
            Thread.ofPlatform().daemon().name("backend-" + port).start(() -> answer(backend));
        }
        api.apply("{\"kind\": \"Node\", \"metadata\": {\"name\": \"bench\", \"labels\":"
                + " {\"topology.kubernetes.io/zone\": \"zone-0\"}}}");
        for (int service = 0; service < services; service++) {
            endpoints[service] = IntStream.generate(this::fresh).limit(place.endpointCount(service)).toArray();
            api.apply(service(service));
            api.apply(slice(service));
        }
    }

    /** Writes what {@code sluice run --kubeconfig} wants. */
    Path kubeconfig(Path file) throws IOException {
        return Files.writeString(file, """
                apiVersion: v1
                kind: Config
                current-context: bench
                contexts: [{name: bench, context: {cluster: here, user: me}}]
                clusters: [{name: here, cluster: {server: "%s"}}]
                users: [{name: me, user: {}}]
                """.formatted(api.url()));
    }

    /** Writes the same Services as manifests, a thousand in a file; returns the folder. */
    Path manifests(Path folder) throws IOException {
        Files.createDirectories(folder);
        for (int first = 0; first < services; first += 1000) {
            Files.writeString(folder.resolve("services-" + first + ".yaml"),
                    IntStream.range(first, Math.min(first + 1000, services)).boxed()
                            .map(i -> service(i) + "\n---\n" + slice(i)).collect(Collectors.joining("\n---\n")));
        }
        return folder;
    }

    /** More objects of any kind. */
    void apply(String json) {
        api.apply(json);
    }

    /** How many watches the API server has open. */
    int watches() {
        return api.watches();
    }

    int services() {
        return services;
    }

    /** How many addresses there are to listen at. */
    int listeners() {
        return PORTS * ready;
    }

    /** How many there are, ready or not. */
    int endpoints() {
        return Arrays.stream(endpoints).mapToInt(each -> each.length).sum();
    }

    /** One endpoint of one Service has got an address that no endpoint has had. */
    record Replacement(int service, int endpoint, String address) {}

    /** Replaces an endpoint at random; the API server does not know before it is told. */
    Replacement replace() {
        int service = random.nextInt(ready);
        return replace(service, random.nextInt(place.endpointCount(service)));
    }

    private Replacement replace(int service, int endpoint) {
        endpoints[service][endpoint] = fresh();
        return new Replacement(service, endpoint, text(endpoints[service][endpoint]));
    }

    /** Lets the API server say so. */
    void tell(Replacement replacement) {
        api.apply(slice(replacement.service()));
    }

    /** The present addresses of a Service's endpoints. */
    List<String> endpoints(int service) {
        return Arrays.stream(endpoints[service]).mapToObj(ManyServices::text).toList();
    }

    /** The Service's own address, in the loopback network 127.{@code network}.0.0/16. */
    static String address(int network, int service) {
        return text((127 << 24 | network << 16) + 256 + service);
    }

    /**
     * Replaces the only ready endpoint of a Service and connects to that until the new one has answered; how long that
     * took, in nanoseconds.
     */
    long changeAndConnect() throws IOException, InterruptedException {
        Replacement replacement = replace(LONE * random.nextInt((ready + LONE - 1) / LONE), 0);
        byte[] expected = octets(endpoints[replacement.service()][replacement.endpoint()]);
        InetSocketAddress target =
                new InetSocketAddress(clusterIp(replacement.service()), PORT + random.nextInt(PORTS));
        long begun = System.nanoTime();
        tell(replacement);
        while (!Arrays.equals(ask(target), expected)) {
            if (System.nanoTime() - begun > 30_000_000_000L) {
                throw new IOException("an endpoint has had no connection for 30 s");
            }
            Thread.sleep(0, 200_000);
        }
        return System.nanoTime() - begun;
    }

    private static byte[] ask(InetSocketAddress target) throws IOException {
        try (Socket socket = new Socket()) {
            socket.connect(target, 5000);
            InputStream in = socket.getInputStream();
            return in.readNBytes(4);
        }
    }

    private void answer(ServerSocket backend) {
        while (true) {
            try (Socket socket = backend.accept()) {
                if (socket.getLocalAddress().isLoopbackAddress() || place.equals(Place.NAMESPACE)) {
                    socket.getOutputStream().write(socket.getLocalAddress().getAddress());
                }
            } catch (SocketException e) {
                if (backend.isClosed()) {
                    return;
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private int fresh() {
        return place.endpoints() + fresh++;
    }

    private static byte[] octets(int address) {
        return new byte[] {(byte) (address >>> 24), (byte) (address >>> 16), (byte) (address >>> 8), (byte) address};
    }

    private static String text(int address) {
        return (address >>> 24) + "." + (address >>> 16 & 255) + "." + (address >>> 8 & 255) + "." + (address & 255);
    }

    private String clusterIp(int service) {
        return text(place.clusterIps() + service);
    }

    private String service(int i) {
        return """
                {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "svc-%1$d", "namespace": "ns-%2$d",
                  "labels": {"app": "svc-%1$d"}, "annotations": {"example.com/owner": "a team of some name"}},
                 "spec": {"type": "ClusterIP", "clusterIP": "%3$s", "clusterIPs": ["%3$s"], "ipFamilies": ["IPv4"],
                  "selector": {"app": "svc-%1$d"}, "ports": [
                  {"name": "http", "port": %4$d, "protocol": "TCP", "targetPort": %6$d},
                  {"name": "https", "port": %5$d, "protocol": "TCP", "targetPort": %7$d}]}}"""
                .formatted(i, i % 100, clusterIp(i), PORT, PORT + 1, TARGET, TARGET + 1);
    }

    private String slice(int i) {
        return """
                {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": "svc-%1$d-abcde",
                  "namespace": "ns-%2$d", "labels": {"kubernetes.io/service-name": "svc-%1$d"}}, "addressType": "IPv4",
                 "ports": [{"name": "http", "port": %3$d, "protocol": "TCP"},
                  {"name": "https", "port": %4$d, "protocol": "TCP"}],
                 "endpoints": [%5$s]}""".formatted(i, i % 100, TARGET, TARGET + 1,
                IntStream.range(0, endpoints[i].length).mapToObj(e -> """
                        {"addresses": ["%1$s"], "conditions": {"ready": %2$b, "serving": %2$b, "terminating": false},
                         "nodeName": "node-%3$d", "zone": "zone-%4$d", "targetRef": {"kind": "Pod",
                          "name": "svc-%5$d-7d4b9c6f5-x%6$04d", "namespace": "ns-%7$d"}}"""
                        .formatted(text(endpoints[i][e]), ready(i, e), (10 * i + e) % 500,
                                (10 * i + e) % 3, i, e, i % 100))
                        .collect(Collectors.joining(",")));
    }

    private boolean ready(int service, int endpoint) {
        return service < ready && (service % LONE != 0 || endpoint == 0);
    }

    @Override
    public void close() {
        api.close();
        for (ServerSocket backend : backends) {
            try {
                backend.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
