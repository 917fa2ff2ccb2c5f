package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.nftables.SimulatedNetfilter;
import io.sluice.nftables.SimulatedNetfilter.Fate;
import io.sluice.node.SimulatedRoutes;
import io.sluice.proxy.SimulatedKernel;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.TrafficPolicy;
import io.sluice.simulation.Place;
import io.sluice.simulation.World;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the packet filter is told of Services whose endpoints come, go and do not respond. */
class InterceptedServicesTest {

    private static final long SECOND = 1_000_000_000L;
    private static final Place WEB =
            new Place(Protocol.TCP, new InetSocketAddress(IpAddresses.parse("10.96.0.9"), 80));

    private final World world = World.calm();
    private final Set<String> silent = new HashSet<>();
    private final SimulatedNetfilter netfilter = new SimulatedNetfilter(world);
    private final SimulatedKernel kernel = new SimulatedKernel(world, this::answers, netfilter);
    private final SimulatedRoutes routes = new SimulatedRoutes(List.of("192.0.2.7"));
    private final SimulatedReconciler reconciler = new SimulatedReconciler(world, kernel.process(), netfilter, routes,
            routes.open(world, List.of(), false), this::answers);
    private long version;

    private boolean answers(EndpointAddress endpoint) {
        return !silent.contains(IpAddresses.format(endpoint.ip()));
    }

    /** Endpoints are numbers: {@code @} on this node, {@code n} not ready, {@code t} serving while terminating. */
    @ParameterizedTest(name = "{0}: {1} then {2}")
    @CsvSource(delimiter = '|', textBlock = """
            CLUSTER |     | 1   | REFUSED | PROXY
            CLUSTER | 1   |     | PROXY   | REFUSED
            CLUSTER |     | 1n  | REFUSED | REFUSED
            LOCAL   | 1@  | 1   | PROXY   | DROPPED
            LOCAL   |     | 1   | REFUSED | DROPPED
            LOCAL   | 1   |     | DROPPED | REFUSED
            LOCAL   | 1   | 1n  | DROPPED | REFUSED
            LOCAL   | 1n@ | 1t  | REFUSED | DROPPED
            LOCAL   | 1n  | 1t@ | REFUSED | PROXY
            """)
    void where_a_policy_excludes_all_endpoints_packets_are_dropped_and_where_there_is_none_they_are_refused(
            TrafficPolicy policy, String before, String after, Fate first, Fate then) {
        apply(policy, before);
        assertThat(netfilter.fate(WEB)).isEqualTo(first);
        apply(policy, after);
        assertThat(netfilter.fate(WEB)).isEqualTo(then);
    }

    @Test
    void an_endpoint_that_does_not_respond_is_left_out_without_a_proxy_too_until_it_does() {
        apply(TrafficPolicy.CLUSTER, "1 2 3");
        assertThat(netfilter.direct(WEB)).hasSize(3);
        silent.add("10.244.0.2");
        for (int i = 0; i < 6; i++) {
            kernel.connect(WEB.address(), IpAddresses.parse("10.244.9.9"));
        }
        world.run(3 * SECOND, () -> {});
        assertThat(netfilter.direct(WEB)).extracting(endpoint -> IpAddresses.format(endpoint.ip()))
                .containsExactly("10.244.0.1", "10.244.0.3");
        silent.clear();
        world.run(60 * SECOND, () -> {});
        assertThat(netfilter.direct(WEB)).hasSize(3);
    }

    private void apply(TrafficPolicy policy, String endpoints) {
        ServicePort port = new ServicePort("", Protocol.TCP, 80, 0, "80", null);
        Service service = Service.builder(new ServiceName("blue", "web"))
                .clusterIps(List.of(IpAddresses.parse("10.96.0.9"))).ports(List.of(port))
                .internalTrafficPolicy(policy).build();
        List<Endpoint> all = Stream.of(endpoints == null ? new String[0] : endpoints.split(" "))
                .map(InterceptedServicesTest::endpoint).toList();
        boolean any = all.stream().anyMatch(e -> e.ready() || e.serving() && e.terminating());
        reconciler.submit(new ClusterSnapshot(++version, Instant.EPOCH, new NodeTopology("here", null),
                Map.of(service.name(), new ServiceState(service, List.of(new PortState(port, EndpointSet.of(all),
                        any ? null : new EmptyReason.NoneReady(all.size(), List.of())))))));
        world.run(3 * SECOND, () -> {});
    }

    private static Endpoint endpoint(String word) {
        return Endpoint.builder(new EndpointAddress(IpAddresses.parse("10.244.0." + word.charAt(0)), 8080))
                .ready(!word.contains("n") && !word.contains("t")).serving(!word.contains("n"))
                .terminating(word.contains("t")).node(word.contains("@") ? "here" : "there").build();
    }
}
