package io.sluice.it.testbed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.PoolArenaMetric;
import io.netty.buffer.PooledByteBufAllocator;
import io.sluice.daemon.Sluice;
import io.sluice.daemon.SluiceConfig;
import io.sluice.daemon.StartException;
import io.sluice.dns.server.DnsLimits;
import io.sluice.dns.server.DnsSettings;
import io.sluice.dns.zone.PodRecords;
import io.sluice.metrics.AccessLog;
import io.sluice.proxy.BufferLimits;
import io.sluice.proxy.FlowSettings;
import io.sluice.proxy.ProxySettings;
import io.sluice.proxy.Transport;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.Balancing;
import io.sluice.service.Cidr;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.source.kubernetes.KubernetesOptions;
import io.sluice.source.manifest.GivenEndpoint;
import io.sluice.source.manifest.ManifestInputs;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/**
 * The daemon in this process, over a directory of manifests of its own, with addresses of its own: cluster IPs and pods
 * are in one 127.x.0.0/16 that no other test of this run uses.
 *
 * <p>When it is closed, everything has to be gone that came with it, or the test fails.
 */
public final class RunningSluice implements AutoCloseable {

    /** Test processes that run at the same time have halves of the ranges each. */
    static final int FORK = Integer.getInteger("sluice.it.fork", 1) - 1;
    private static final int RANGES = 55;
    private static final AtomicInteger NEXT = new AtomicInteger((int) (ProcessHandle.current().pid() * 37 % RANGES));
    /** Long enough that only something that never comes about fails. */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    static {
        try {
            Descriptors.warmUp();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private final int range = 130 + FORK * RANGES + NEXT.getAndIncrement() % RANGES;
    private final Manifests manifests = new Manifests();
    private final Deque<Closeable> alsoClosed = new ArrayDeque<>();
    private final CapturedLog log = new CapturedLog();
    private final long socketsBefore;
    private Transport transport = Transport.AUTO;
    private Duration connectTimeout = Duration.ofSeconds(20);
    private int connectRetries = 3;
    private Duration idleTimeout = Duration.ZERO;
    private Duration halfCloseTimeout = Duration.ofHours(1);
    private BufferLimits buffers = BufferLimits.DEFAULT;
    private Duration drainTimeout = Duration.ofSeconds(30);
    private int maxConnections = 5_000;
    private int maxConnectionsPerService;
    private FlowSettings flows = FlowSettings.DEFAULT;
    private AccessLog accessLog = AccessLog.off();
    private Balancing balancing = Balancing.PLAIN;
    private Optional<DnsSettings> dns = Optional.empty();
    private List<GivenEndpoint> endpoints = List.of();
    private Optional<KubernetesOptions> kubernetes = Optional.empty();
    private Sluice sluice;

    /** Not started yet. */
    public RunningSluice() throws IOException {
        socketsBefore = Descriptors.sockets();
    }

    public RunningSluice transport(Transport value) {
        transport = value;
        return this;
    }

    public RunningSluice connect(Duration timeout, int retries) {
        connectTimeout = timeout;
        connectRetries = retries;
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

    /** What all connections together may hold. */
    public RunningSluice bufferMemory(long bytes) {
        buffers = new BufferLimits(bytes, 0, BufferLimits.DEFAULT.unsentBytes());
        return this;
    }

    /** {@code perService} 0 is no limit. */
    public RunningSluice maxConnections(int overall, int perService) {
        maxConnections = overall;
        maxConnectionsPerService = perService;
        return this;
    }

    public RunningSluice flows(FlowSettings value) {
        flows = value;
        return this;
    }

    public RunningSluice balancing(Balancing value) {
        balancing = value;
        return this;
    }

    /** Answers DNS at {@code listen} for {@code cluster.local} with a TTL of 5 s, without a limit of queries. */
    public RunningSluice dns(PodRecords pods, InetSocketAddress listen, InetSocketAddress... upstreams) {
        dns = Optional.of(new DnsSettings("cluster.local", 5, pods, List.of(listen), List.of(upstreams),
                List.of(Cidr.parse("127.0.0.0/8")), List.of(), DnsLimits.builder().queriesPerSecond(0).build()));
        return this;
    }

    /** The same at a port of its own of 127.0.0.1. */
    public RunningSluice dns() {
        return dns(PodRecords.VERIFIED, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    }

    /** Says where the processes of workloads are, as {@code --endpoint} does. */
    public RunningSluice endpoints(String... words) {
        endpoints = GivenEndpoint.parse(List.of(words));
        return this;
    }

    /** Takes Services from an API server instead of manifests. */
    public RunningSluice kubernetes(KubernetesOptions value) {
        kubernetes = Optional.of(value);
        return this;
    }

    public RunningSluice accessLog() {
        accessLog = AccessLog.text();
        return this;
    }

    /** Number {@code number} of the addresses for pods: this test's alone. */
    public String address(int number) {
        return "127." + range + "." + (200 + number / 250) + "." + number % 250;
    }

    /** A pod of this name at {@link #address}, closed with the rest. */
    public Pod pod(int number, String name) throws IOException {
        return with(Pod.at(address(number), name));
    }

    /** A server at {@link #address}, closed with the rest. */
    public ScriptedServer server(int number, Script script) throws IOException {
        return with(ScriptedServer.at(address(number), script));
    }

    /** Closed before the proxy is. */
    public <T extends Closeable> T with(T resource) {
        alsoClosed.push(resource);
        return resource;
    }

    /** The files that it follows. */
    public Manifests manifests() {
        return manifests;
    }

    /** Writes a file of manifests in one step. */
    public RunningSluice manifest(String file, String text) throws IOException {
        manifests.replace(file, text);
        return this;
    }

    /** Says that there is a Service {@code name}, port 80, with these endpoints at port 8080, in a file of its name. */
    public RunningSluice service(String name, String... endpoints) throws IOException {
        manifests.replace(name + ".yaml", Manifests.service(name, endpoints));
        return this;
    }

    public RunningSluice start() throws StartException {
        ProxySettings proxy = ProxySettings.builder().transport(transport).workerThreads(2)
                .connectTimeout(connectTimeout).connectRetries(connectRetries).idleTimeout(idleTimeout)
                .halfCloseTimeout(halfCloseTimeout).maxConnections(maxConnections)
                .maxConnectionsPerService(maxConnectionsPerService).buffers(buffers).flows(flows).build();
        Optional<InetSocketAddress> anyPort = Optional.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        SluiceConfig config =
                SluiceConfig.builder("node").manifests(ManifestInputs.of(List.of(manifests.directory().toString())))
                        .endpoints(endpoints).kubernetes(kubernetes)
                        .serviceCidrs(List.of(Cidr.parse("127." + range + ".0.0/17")))
                        .nodePorts(nodePort(0), nodePort(19))
                        .nodePortAddresses(List.of("127." + range + ".128.0/17", "127.0.0.1/32")).balancing(balancing)
                        .proxy(proxy).drainTimeout(drainTimeout).metricsBindAddress(anyPort).healthzBindAddress(anyPort)
                        .bindAddressHardFail(true).accessLog(accessLog).dns(dns).namespaces(dns.isPresent())
                        .operators((level, logger) -> {}).build();
        sluice = Sluice.start(config, "test");
        return this;
    }

    /** The first node ports belong to this test. */
    private int nodePort(int number) {
        return 30_000 + (range - 130) * 20 + number;
    }

    public Sluice sluice() {
        return sluice;
    }

    public CapturedLog log() {
        return log;
    }

    /** What is applied of {@code service} in the namespace default. */
    public ServiceState applied(String service) {
        ServiceState state = sluice.applied().orElseThrow().snapshot().services()
                .get(new ServiceName("default", service));
        if (state == null) {
            throw new AssertionError("there is no Service " + service);
        }
        return state;
    }

    /** The cluster IP of {@code service}, port 80. */
    public InetSocketAddress vip(String service) {
        return new InetSocketAddress(applied(service).service().clusterIps().getFirst(), 80);
    }

    /** Waits until {@code service} is spread over exactly these addresses. */
    public RunningSluice awaitEndpoints(String service, String... ips) {
        List<String> wanted = Stream.of(ips).map(ip -> ip + ":" + ScriptedServer.PORT).sorted().toList();
        await("endpoints of " + service).atMost(PATIENCE).until(() -> endpoints(service), wanted::equals);
        return this;
    }

    private List<String> endpoints(String service) {
        AppliedState.AppliedPort port = sluice.applied().orElseThrow().ports()
                .get(new ServicePortName(new ServiceName("default", service), "", Protocol.TCP));
        return port == null
                ? List.of("no such Service")
                : port.selections().values().stream().flatMap(selection -> selection.internalEndpoints().stream())
                        .map(endpoint -> endpoint.address().toString()).sorted().toList();
    }

    /** Connects to {@code service} and asks once which pod it is. */
    public String hit(String service) throws IOException {
        return HttpClientConnection.hit(vip(service));
    }

    /** A client that follows {@code script} on a connection to {@code service}. */
    public ScriptedPeer client(String service, Script script) throws IOException {
        return with(ScriptedPeer.client(vip(service), script));
    }

    /** Connects to {@code service} and reads to the end. */
    public String ask(String service) throws IOException {
        try (Socket socket = connect(service)) {
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** A client's socket to {@code service}. */
    public Socket connect(String service) throws IOException {
        Socket socket = new Socket();
        socket.setSoTimeout((int) PATIENCE.toMillis());
        socket.connect(vip(service), (int) PATIENCE.toMillis());
        return socket;
    }

    /** Status and body of an answer at the health address, or else at the metrics address. */
    public String get(boolean health, String path) throws IOException {
        return HttpClientConnection
                .get((health ? sluice.healthAddress() : sluice.metricsAddress()).orElseThrow(), path);
    }

    /** One series as {@code /metrics} prints it; 0 if it is not there. */
    public double metric(String series) throws IOException {
        return get(false, "/metrics").lines().filter(line -> line.startsWith(series + " "))
                .mapToDouble(line -> Double.parseDouble(line.substring(series.length() + 1))).findFirst().orElse(0);
    }

    /** A series of {@code service}'s only port. */
    public double metric(String name, String service) throws IOException {
        return metric(name + "{namespace=\"default\",port=\"\",service=\"" + service + "\"}");
    }

    /** Connections of {@code service} that were turned away for {@code reason}. */
    public double refused(String service, String reason) throws IOException {
        return metric("sluice_connections_refused_total{namespace=\"default\",port=\"\",reason=\"" + reason
                + "\",service=\"" + service + "\"}");
    }

    /** Waits until no connection is open. */
    public void awaitIdle() {
        await("no open connection").atMost(PATIENCE).until(() -> sluice.activeConnections() == 0);
    }

    /** Buffers that Netty has given out in this process; what threads keep for themselves counts. */
    public static long nettyBuffers() {
        return Stream.concat(PooledByteBufAllocator.DEFAULT.metric().directArenas().stream(),
                PooledByteBufAllocator.DEFAULT.metric().heapArenas().stream())
                .mapToLong(PoolArenaMetric::numActiveAllocations).sum();
    }

    @Override
    public void close() throws IOException {
        for (Closeable resource : alsoClosed) {
            resource.close();
        }
        if (sluice != null) {
            sluice.close();
            log.close();
            if (kubernetes.isEmpty()) {
                // The tests' API server has sockets in this process, too.
                await("sockets closed").atMost(PATIENCE).untilAsserted(
                        () -> assertThat(Descriptors.sockets()).as("open sockets")
                                .isLessThanOrEqualTo(Math.max(1, socketsBefore)));
            }
            await("buffers given back").atMost(PATIENCE)
                    .untilAsserted(() -> assertThat(nettyBuffers()).as("Netty's buffers").isZero());
            assertThat(sluice.activeConnections()).as("connections").isZero();
            assertThat(log.faults()).as("faults told in the log").isEmpty();
        }
        log.close();
        manifests.close();
    }
}
