package io.sluice.it.testbed;

import static org.awaitility.Awaitility.await;

import io.sluice.daemon.Sluice;
import io.sluice.daemon.SluiceConfig;
import io.sluice.daemon.StartException;
import io.sluice.dns.DnsLimits;
import io.sluice.dns.DnsSettings;
import io.sluice.dns.PodRecords;
import io.sluice.metrics.AccessLog;
import io.sluice.node.NodeSettings;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.Transport;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.Balancing;
import io.sluice.service.Cidr;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.source.kubernetes.KubernetesOptions;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/** A proxy in this process, over manifests in a directory of its own, with a service range of its own. */
public final class RunningSluice implements AutoCloseable {

    /** Two test runs on one machine mostly begin at different ranges. */
    private static final AtomicInteger RANGES = new AtomicInteger((int) (ProcessHandle.current().pid() % 60));

    private final Path directory;
    private final int range = 140 + RANGES.getAndIncrement() % 60;
    private Transport transport = Transport.AUTO;
    private Duration connectTimeout = Duration.ofSeconds(10);
    private Duration idleTimeout = Duration.ZERO;
    private Duration halfCloseTimeout = Duration.ofHours(1);
    private Duration drainTimeout = Duration.ofSeconds(30);
    private int maxConnections = 5000;
    private int maxConnectionsPerService;
    private Balancing balancing = Balancing.PLAIN;
    private Optional<DnsSettings> dns = Optional.empty();
    private Optional<KubernetesOptions> kubernetes = Optional.empty();
    private final List<Closeable> alsoClosed = new ArrayList<>();
    private Sluice sluice;

    /** Not started yet. */
    public RunningSluice() throws IOException {
        directory = Files.createTempDirectory("sluice-it");
    }

    public RunningSluice transport(Transport value) {
        transport = value;
        return this;
    }

    public RunningSluice connectTimeout(Duration value) {
        connectTimeout = value;
        return this;
    }

    public RunningSluice idleTimeout(Duration value) {
        idleTimeout = value;
        return this;
    }

    public RunningSluice halfCloseTimeout(Duration value) {
        halfCloseTimeout = value;
        return this;
    }

    public RunningSluice drainTimeout(Duration value) {
        drainTimeout = value;
        return this;
    }

    public RunningSluice maxConnections(int overall, int perService) {
        maxConnections = overall;
        maxConnectionsPerService = perService;
        return this;
    }

    public RunningSluice balancing(Balancing value) {
        balancing = value;
        return this;
    }

    /** Answers DNS at {@code listen} for {@code cluster.local} with a TTL of 5 s, without a limit of queries. */
    public RunningSluice dns(PodRecords pods, InetSocketAddress listen, InetSocketAddress... upstreams) {
        dns = Optional.of(new DnsSettings("cluster.local", 5, pods, List.of(listen), List.of(upstreams),
                List.of(Cidr.parse("127.0.0.0/8")), List.of(), DnsLimits.DEFAULT.withQueriesPerSecond(0)));
        return this;
    }

    /** The same at a port of its own of 127.0.0.1. */
    public RunningSluice dns() {
        return dns(PodRecords.VERIFIED, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    /** Takes Services from an API server instead of manifests. */
    public RunningSluice kubernetes(KubernetesOptions value) {
        kubernetes = Optional.of(value);
        return this;
    }

    /** A loopback address that belongs to this test alone. */
    public String address(int number) {
        return "127." + range + ".200." + number;
    }

    /** Closed together with the proxy. */
    public <T extends Closeable> T with(T resource) {
        alsoClosed.add(resource);
        return resource;
    }

    /** Writes {@code file} in one step: nobody sees half of it. */
    public RunningSluice manifest(String file, String text) throws IOException {
        Path next = Files.writeString(directory.resolve(file + ".next"), text);
        Files.move(next, directory.resolve(file), StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
        return this;
    }

    /** A Service {@code name} with port 80 over port 8080 of the given addresses. */
    public RunningSluice service(String name, String... endpoints) throws IOException {
        return manifest(name + ".yaml", serviceYaml(name, endpoints));
    }

    /** What {@link #service} writes. */
    public static String serviceYaml(String name, String... endpoints) {
        StringBuilder yaml = new StringBuilder("""
                apiVersion: v1
                kind: Service
                metadata: {name: %s}
                spec: {ports: [{port: 80}]}
                ---
                apiVersion: v1
                kind: Endpoints
                metadata: {name: %s}
                subsets:
                """.formatted(name, name));
        if (endpoints.length > 0) {
            yaml.append("- addresses:\n");
            Stream.of(endpoints).forEach(ip -> yaml.append("  - ip: ").append(ip).append('\n'));
            yaml.append("  ports: [{port: 8080}]\n");
        }
        return yaml.toString();
    }

    public Path directory() {
        return directory;
    }

    public RunningSluice start() throws StartException {
        ProxySettings proxy = new ProxySettings(transport, 2, connectTimeout, 3, idleTimeout, halfCloseTimeout,
                maxConnections, maxConnectionsPerService, 4096);
        InetSocketAddress anyPort = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        sluice = Sluice.start(new SluiceConfig(List.of(directory.toString()), kubernetes,
                List.of(Cidr.parse("127." + range + ".0.0/17")), 30_000 + (range - 140) * 40,
                30_039 + (range - 140) * 40, "node", List.of("127.0.0.0/8"), 0, balancing, NodeSettings.NONE,
                proxy, drainTimeout,
                Optional.of(anyPort), Optional.of(anyPort), true, AccessLog.off(), dns, dns.isPresent()), "test");
        return this;
    }

    public Sluice sluice() {
        return sluice;
    }

    /** Where {@code service}'s port 80 is listened at. */
    public InetSocketAddress vip(String service) {
        AppliedState state = sluice.applied().orElseThrow();
        return new InetSocketAddress(
                state.snapshot().services().get(new ServiceName("default", service)).service().clusterIps().getFirst(),
                80);
    }

    /** Waits until exactly these addresses are behind {@code service}. */
    public void awaitEndpoints(String service, String... endpoints) {
        await().until(() -> sluice.applied().orElseThrow().ports()
                .get(new ServicePortName(new ServiceName("default", service), "", Protocol.TCP)).selections().values()
                .stream().flatMap(s -> s.internalEndpoints().stream()).map(e -> e.address().toString()).sorted()
                .toList(),
                List.of(Stream.of(endpoints).map(ip -> ip + ":8080").sorted().toArray(String[]::new))::equals);
    }

    /** A client's socket to {@code service}. */
    public Socket connect(String service) throws IOException {
        Socket socket = new Socket();
        socket.setSoTimeout(60_000);
        socket.connect(vip(service), 60_000);
        return socket;
    }

    /** Connects and reads to the end. */
    public String ask(String service) throws IOException {
        try (Socket socket = connect(service)) {
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** Body of an admin answer, after its status code and a space. */
    public String get(boolean health, String path) throws IOException, InterruptedException {
        InetSocketAddress at = (health ? sluice.healthAddress() : sluice.metricsAddress()).orElseThrow();
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = client.send(
                    HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + at.getPort() + path)).build(),
                    HttpResponse.BodyHandlers.ofString());
            return answer.statusCode() + " " + answer.body();
        }
    }

    /** The value of one series, as {@code /metrics} prints it; NaN if there is none. */
    public double metric(String series) throws IOException, InterruptedException {
        return get(false, "/metrics").lines().filter(line -> line.startsWith(series + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1))).findFirst()
                .orElse(Double.NaN);
    }

    @Override
    public void close() throws IOException {
        if (sluice != null) {
            sluice.close();
        }
        for (Closeable resource : alsoClosed) {
            resource.close();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
