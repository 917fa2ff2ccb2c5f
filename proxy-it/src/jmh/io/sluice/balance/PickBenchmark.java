package io.sluice.balance;

import io.sluice.service.BalancerKind;
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
import io.sluice.service.SessionAffinity;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
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

/** What it costs to pick an endpoint for one new connection, from its pool as the data path does. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class PickBenchmark {

    private static final int CLIENTS = 1024;

    /** A balancer, or {@code affinity} for round robin with clients that stay. */
    @Param({"round-robin", "random", "least-connections", "weighted-round-robin", "maglev", "affinity"})
    public String balancer;

    @Param({"3", "100", "5000"})
    public int endpoints;

    private final InetAddress[] clients = new InetAddress[CLIENTS];
    private EndpointPool pool;
    private int turn;

    @Setup
    public void setUp() {
        for (int i = 0; i < CLIENTS; i++) {
            clients[i] = IpAddresses.parse("100.64." + i / 256 + "." + i % 256);
        }
        List<Endpoint> all = new ArrayList<>();
        StringBuilder weights = new StringBuilder();
        for (int i = 0; i < endpoints; i++) {
            String ip = "10.0." + i / 250 + "." + (i % 250 + 1);
            all.add(Endpoint.ready(new EndpointAddress(IpAddresses.parse(ip), 8080)));
            weights.append(i == 0 ? "" : ",").append(ip).append('=').append(i % 3 + 1);
        }
        boolean affinity = balancer.equals("affinity");
        Service service = Service.builder(new ServiceName("default", "kubia"))
                .clusterIps(List.of(IpAddresses.parse("10.96.0.1")))
                .ports(List.of(new ServicePort("", Protocol.TCP, 80, 0, "8080", null)))
                .sessionAffinity(
                        affinity ? new SessionAffinity.ClientIp(Duration.ofHours(3)) : SessionAffinity.NONE)
                .annotations(affinity
                        ? Map.of()
                        : Map.of("sluice.io/balancer", balancer, "sluice.io/weights", weights.toString()))
                .build();
        AtomicInteger load = new AtomicInteger();
        pool = Routing.NONE.next(service, EndpointSet.of(all), new NodeTopology("n1", null),
                new Routing.Settings(BalancerKind.ROUND_ROBIN, new AffinityTable(65_536), List.of(), 50),
                new Routing.Tools(address -> load::get, bound -> ThreadLocalRandom.current().nextInt(bound)), 0)
                .pool(IpFamily.IPV4, Traffic.INTERNAL);
    }

    @Benchmark
    public int pick() {
        return pool.pick(clients[turn++ & CLIENTS - 1], Set.of(), System.nanoTime());
    }
}
