package io.sluice.proxy;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.balance.AffinityTable;
import io.sluice.balance.Routing;
import io.sluice.balance.ClientOrigins;
import io.sluice.balance.Traffic;
import io.sluice.metrics.PortMeters;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.service.BalancerKind;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What it costs to replace an endpoint of a port, and what a connection looks up when it arrives. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class ChangeBenchmark {

    private static final int CLIENTS = 1024;
    private static final NodeTopology NODE = new NodeTopology("n1", null);
    private static final Service SERVICE = Service.builder(new ServiceName("default", "kubia"))
            .clusterIps(List.of(IpAddresses.parse("10.96.0.1")))
            .ports(List.of(new ServicePort("", Protocol.TCP, 80, 0, "8080", null))).build();

    @Param({"10", "1000"})
    public int endpoints;

    private final ProxyMetrics metrics = new ProxyMetrics(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
    private final PortMeters meters =
            metrics.port(new ServicePortName(SERVICE.name(), "", Protocol.TCP));
    private final ServicePortTargets port = new ServicePortTargets(meters.name(), meters, new AtomicInteger(), endpoint -> {});
    private final Routing.Tools tools = new Routing.Tools(address -> meters.endpoint(address)::active,
            bound -> ThreadLocalRandom.current().nextInt(bound));
    private final Routing.Settings settings =
            new Routing.Settings(BalancerKind.ROUND_ROBIN, new AffinityTable(65_536), List.of(), 50);
    private final InetAddress[] clients = new InetAddress[CLIENTS];
    private final InetAddress listener = IpAddresses.parse("203.0.113.1");
    private final ClientOrigins origins = new ClientOrigins(Set.of(IpAddresses.parse("192.0.2.7")), List.of(), List.of());
    private final EndpointSet[] sets = new EndpointSet[2];
    private final Map<ServiceName, ServiceState> services = new TreeMap<>();
    private Routing routing = Routing.NONE;
    private int turn;

    @Setup
    public void setUp() {
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = IpAddresses.parse("100.64." + i / 256 + "." + i % 256);
        }
        for (int set = 0; set < 2; set++) {
            List<Endpoint> all = new ArrayList<>();
            for (int i = 0; i < endpoints; i++) {
                String ip = "10." + (i == 0 ? set : 0) + "." + (1 + i / 250) + "." + (i % 250 + 1);
                all.add(Endpoint.ready(new EndpointAddress(IpAddresses.parse(ip), 8080)));
            }
            sets[set] = EndpointSet.of(all);
        }
        for (int i = 0; i < 10_000; i++) {
            ServiceName name = new ServiceName("ns-" + i % 100, "svc-" + i);
            services.put(name, new ServiceState(SERVICE, List.of()));
        }
        replaceAnEndpoint();
    }

    /** One of a port's endpoints is another one from now on. */
    @Benchmark
    public Routing replaceAnEndpoint() {
        routing = routing.next(SERVICE, sets[turn++ & 1], NODE, settings, tools, 0);
        port.update(routing, List.of());
        return routing;
    }

    /** A snapshot of 10,000 Services. */
    @Benchmark
    public ClusterSnapshot snapshot() {
        return new ClusterSnapshot(++turn, Instant.EPOCH, NODE, services);
    }

    /** From a client's address and the listener's port to the endpoints, one of which is picked. */
    @Benchmark
    public int arrive() {
        InetAddress client = clients[turn++ & CLIENTS - 1];
        Traffic traffic = origins.traffic(true, client, listener);
        return port.targets(IpFamily.IPV4, traffic).pool().pick(client, Set.of(), 0);
    }
}
