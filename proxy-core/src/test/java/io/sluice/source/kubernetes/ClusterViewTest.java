package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterFacts;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EmptyReason;
import io.sluice.service.TriggerTime;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.NodeTopology;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState.PortState;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A Service's endpoints are exactly what all its slices say together, in whatever order they come. */
class ClusterViewTest {

    private static final ServiceName KUBIA = new ServiceName("default", "kubia");

    private final ClusterView view = new ClusterView("node-1");

    private static ObjectKey key(String name) {
        return new ObjectKey("default", name);
    }

    private static Service service(String name, String... ips) {
        return ServiceReader.read(key(name), ApiClient.JSON.readTree("""
                {"metadata": {"creationTimestamp": "2026-11-01T08:00:00Z"}, "spec": {"type": "ClusterIP",
                 "clusterIPs": ["%s"], "selector": {"app": "%s"}, "ports": [{"name": "http", "port": 80},
                 {"name": "https", "port": 443}]}}""".formatted(String.join("\", \"", ips), name))).value();
    }

    private static EndpointSubsets slice(String service, String type, String ports, String... endpoints) {
        List<String> written = new ArrayList<>();
        for (String endpoint : endpoints) {
            boolean ready = !endpoint.endsWith("!");
            written.add("{\"addresses\": [\"%s\"], \"conditions\": {\"ready\": %s}}"
                    .formatted(endpoint.replace("!", ""), ready));
        }
        return new EndpointReader(false, Instant.EPOCH).slice(key("any"), ApiClient.JSON.readTree("""
                {"metadata": {"labels": {"kubernetes.io/service-name": "%s"}}, "addressType": "%s",
                 "endpoints": [%s], "ports": %s}""".formatted(service, type, String.join(",", written), ports)))
                .value();
    }

    private static final String BOTH = "[{\"name\": \"http\", \"port\": 8080}, {\"name\": \"https\", \"port\": 8443}]";

    private ClusterSnapshot last = new ClusterSnapshot(0, Instant.EPOCH, new NodeTopology("node-1", null), Map.of());

    private List<String> endpoints(String port) {
        ClusterSnapshot now = view.snapshotIfChanged(1, Instant.EPOCH);
        last = now == null ? last : now;
        return port(port).endpoints().endpoints().stream()
                .map(e -> e.address() + (e.ready() ? "" : "!")).toList();
    }

    private PortState port(String name) {
        return last.services().get(KUBIA).ports().stream().filter(p -> p.port().name().equals(name)).findFirst()
                .orElseThrow();
    }

    @Test
    void a_headless_service_has_endpoints_whatever_ports_stand_beside_them() {
        view.services().put(Map.of(key("kubia"), service("kubia", "None")));
        view.endpoints().put(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.1", "10.1.0.4!")));
        view.endpoints().put(Map.of(key("b"),
                slice("kubia", "IPv4", "[{\"name\": \"web\", \"port\": 80}]", "10.1.0.1", "10.1.0.2", "10.1.0.4")));
        view.endpoints().put(Map.of(key("c"), slice("kubia", "IPv4", "null", "10.1.0.3!", "10.1.0.1!")));

        assertThat(endpoints("http")).containsExactly("10.1.0.1:8080", "10.1.0.4:8080!");
        assertThat(last.services().get(KUBIA).portless().endpoints().stream()
                .map(e -> e.address() + (e.ready() ? "" : "!"))).containsExactly("10.1.0.2:0", "10.1.0.3:0!",
                        "10.1.0.4:0");
        assertThat(last.services().get(KUBIA).others()).singleElement().satisfies(port -> {
            assertThat(port.name()).isEqualTo("web");
            assertThat(port.endpoints().endpoints().stream().map(e -> e.address().toString()))
                    .containsExactly("10.1.0.1:80", "10.1.0.2:80", "10.1.0.4:80");
        });
        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
        endpoints("http");
        assertThat(last.services().get(KUBIA).portless().isEmpty()).isTrue();
        assertThat(last.services().get(KUBIA).others()).isEmpty();
    }

    @Test
    void several_slices_port_sets_and_families_are_one_set() {
        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1", "fd00::a")));
        view.endpoints().put(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.2", "10.1.0.1")));
        view.endpoints().put(Map.of(key("b"), slice("kubia", "IPv6", BOTH, "fd00::1")));
        view.endpoints()
                .put(Map.of(key("c"), slice("kubia", "IPv4", "[{\"name\": \"http\", \"port\": 9090}]", "10.1.0.3")));

        assertThat(endpoints("http")).containsExactly("10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.3:9090",
                "[fd00::1]:8080");
        assertThat(endpoints("https")).containsExactly("10.1.0.1:8443", "10.1.0.2:8443", "[fd00::1]:8443");
    }

    @Test
    void a_slice_that_comes_before_its_service_waits_for_it() {
        view.endpoints().put(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.1")));
        assertThat(view.snapshotIfChanged(1, Instant.EPOCH).services()).isEmpty();
        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1")));

        assertThat(endpoints("http")).containsExactly("10.1.0.1:8080");
    }

    @Test
    void an_endpoint_that_stands_in_two_slices_is_one_and_the_ready_one() {
        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
        view.endpoints().put(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.1!"), key("b"),
                slice("kubia", "IPv4", BOTH, "10.1.0.1")));
        assertThat(endpoints("http")).containsExactly("10.1.0.1:8080");

        view.endpoints().remove(key("b"));
        assertThat(endpoints("http")).containsExactly("10.1.0.1:8080!");
    }

    @Test
    void a_slice_that_goes_to_another_service_leaves_the_first() {
        view.services()
                .put(Map.of(key("kubia"), service("kubia", "10.96.0.1"), key("other"), service("other", "10.96.0.2")));
        view.endpoints().put(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.1")));
        assertThat(endpoints("http")).hasSize(1);
        view.endpoints().put(Map.of(key("a"), slice("other", "IPv4", BOTH, "10.1.0.1")));

        assertThat(endpoints("http")).isEmpty();
        assertThat(port("http").whyEmpty()).isInstanceOf(EmptyReason.NoneInCluster.class);
    }

    @Test
    void mirrored_and_hand_written_slices_are_merged_by_address() {
        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
        view.endpoints().put(Map.of(key("kubia-mirrored"), slice("kubia", "IPv4", BOTH, "10.1.0.1", "10.1.0.2"),
                key("mine"), slice("kubia", "IPv4", BOTH, "10.1.0.2", "10.1.0.3")));

        assertThat(endpoints("http")).containsExactly("10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.3:8080");
    }

    @Test
    void a_new_list_takes_the_place_of_everything() {
        view.services()
                .put(Map.of(key("kubia"), service("kubia", "10.96.0.1"), key("gone"), service("gone", "10.96.0.2")));
        view.endpoints().put(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.1"), key("b"),
                slice("kubia", "IPv4", BOTH, "10.1.0.2")));
        assertThat(endpoints("http")).hasSize(2);
        view.services().replace(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
        view.endpoints().replace(Map.of(key("b"), slice("kubia", "IPv4", BOTH, "10.1.0.3")));

        assertThat(endpoints("http")).containsExactly("10.1.0.3:8080");
        assertThat(last.services()).hasSize(1);
    }

    @Test
    void what_changes_nothing_makes_no_snapshot() {
        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
        view.endpoints().put(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.1")));
        view.node().put(Map.of(new ObjectKey("", "node-1"), new NodeFacts("zone-1", false, List.of())));
        assertThat(view.snapshotIfChanged(1, Instant.EPOCH).node().zone()).isEqualTo("zone-1");
        view.services().replace(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
        view.endpoints().replace(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.1")));
        view.node().put(Map.of(new ObjectKey("", "node-1"), new NodeFacts("zone-1", true, List.of())));

        assertThat(view.snapshotIfChanged(1, Instant.EPOCH)).isNull();
        assertThat(view.leaving()).isTrue();
    }

    @Test
    void other_nodes_and_the_api_servers_are_facts_of_the_snapshot() {
        InetAddress other = IpAddresses.parse("192.0.2.2");
        NodeFacts node = new NodeFacts(null, false, List.of(other));
        view.configuredServers(Set.of(new InetSocketAddress(IpAddresses.parse("10.99.0.1"), 6443)));
        view.services().put(Map.of(new ObjectKey("default", "kubernetes"), service("kubernetes", "10.96.0.1")));
        view.endpoints().put(Map.of(new ObjectKey("default", "kubernetes"),
                slice("kubernetes", "IPv4", BOTH, "10.1.0.9")));
        view.node().put(Map.of(new ObjectKey("", "node-1"), node, new ObjectKey("", "node-2"), node));
        ClusterFacts facts = view.snapshotIfChanged(1, Instant.EPOCH).facts();
        assertThat(facts.ownManifests()).isFalse();
        assertThat(facts.nodes()).containsExactly(Map.entry(other, "node-2"));
        assertThat(facts.apiServers()).containsExactlyInAnyOrder(
                new InetSocketAddress(IpAddresses.parse("10.99.0.1"), 6443),
                new InetSocketAddress(IpAddresses.parse("10.1.0.9"), 8080), new InetSocketAddress("10.1.0.9", 8443));

        view.node().put(Map.of(new ObjectKey("", "node-2"), node));
        assertThat(view.snapshotIfChanged(2, Instant.EPOCH)).as("a heartbeat").isNull();
        view.node().replace(Map.of(new ObjectKey("", "node-1"), node));
        assertThat(view.snapshotIfChanged(3, Instant.EPOCH).facts().nodes()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void after_any_history_the_view_is_what_its_last_objects_say(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        Map<ObjectKey, EndpointSubsets> slices = new HashMap<>();
        boolean there = false;
        for (int step = 0; step < 2000; step++) {
            ObjectKey key = key("slice-" + random.nextInt(8));
            switch (random.nextInt(10)) {
                case 0 -> {
                    there = !there;
                    if (there) {
                        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
                    } else {
                        view.services().remove(key("kubia"));
                    }
                }
                case 1, 2 -> {
                    slices.remove(key);
                    view.endpoints().remove(key);
                }
                case 3 -> view.endpoints().replace(slices);
                case 4 -> {
                    ClusterSnapshot now = view.snapshotIfChanged(1, Instant.EPOCH);
                    last = now == null ? last : now;
                }
                default -> {
                    EndpointSubsets slice = slice(random.nextInt(4) == 0 ? "other" : "kubia", "IPv4", BOTH,
                            "10.1.0." + random.nextInt(1, 20),
                            "10.1.0." + random.nextInt(1, 20) + (random.nextBoolean() ? "!" : ""));
                    slices.put(key, slice);
                    view.endpoints().put(Map.of(key, slice));
                }
            }
        }
        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
        ClusterView fresh = new ClusterView("node-1");
        fresh.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
        fresh.endpoints().put(slices);
        EndpointSet expected =
                fresh.snapshotIfChanged(1, Instant.EPOCH).services().get(KUBIA).ports().getFirst().endpoints();

        endpoints("http");
        assertThat(port("http").endpoints()).as("seed %d", seed).isEqualTo(expected);
    }

    /** What is held for as many endpoints as a large cluster has; the bound is three times what it takes now. */
    @Test
    void a_hundred_thousand_endpoints_of_ten_thousand_services_take_little_memory() throws InterruptedException {
        long before = used();
        for (int i = 0; i < 10_000; i++) {
            String name = "svc-" + i;
            view.services().put(Map.of(key(name), service(name, "10.96." + i / 250 + "." + (1 + i % 250))));
            String[] endpoints = new String[10];
            for (int e = 0; e < endpoints.length; e++) {
                int number = i * endpoints.length + e;
                endpoints[e] = "10." + (1 + number / 62_500) + "." + number / 250 % 250 + "." + (1 + number % 250);
            }
            view.endpoints().put(Map.of(key(name + "-abcde"), slice(name, "IPv4", BOTH, endpoints)));
        }
        ClusterSnapshot snapshot = view.snapshotIfChanged(1, Instant.EPOCH);
        long taken = used() - before;
        System.out.printf("10,000 Services with 2 ports and 100,000 endpoints: %d MiB for the view and a snapshot%n",
                taken >> 20);

        assertThat(snapshot.services()).hasSize(10_000);
        assertThat(taken >> 20).isLessThan(200);
    }

    private static long used() throws InterruptedException {
        for (int i = 0; i < 3; i++) {
            System.gc();
            TimeUnit.MILLISECONDS.sleep(50);
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    private static final TriggerTime CHANGE = new TriggerTime(IpFamily.IPV4, Instant.EPOCH.plusSeconds(1));

    @Test
    void what_could_be_dated_comes_with_the_next_snapshot_and_no_other() {
        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
        view.endpoints().put(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.1")), Map.of(key("a"), CHANGE));
        view.endpoints().put(Map.of(key("b"), slice("kubia", "IPv4", BOTH, "10.1.0.2")), Map.of(key("b"), CHANGE));
        assertThat(view.snapshotIfChanged(1, Instant.EPOCH).changes()).containsExactly(CHANGE, CHANGE);
        view.endpoints().replace(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.1"), key("b"),
                slice("kubia", "IPv4", BOTH, "10.1.0.3")), Map.of(key("a"), CHANGE, key("b"), CHANGE));
        assertThat(view.snapshotIfChanged(1, Instant.EPOCH).changes()).as("one slice has changed")
                .containsExactly(CHANGE);
        view.endpoints().put(Map.of(key("a"), slice("kubia", "IPv4", BOTH)), Map.of(key("a"), CHANGE));
        view.endpoints().remove(key("b"));

        assertThat(view.snapshotIfChanged(1, Instant.EPOCH).changes()).as("a deletion is not dated").isEmpty();
    }

    @Test
    void what_waits_is_counted() {
        assertThat(view.waiting()).isEqualTo(ChangeCount.NONE);
        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1"), key("b"), service("b", "10.96.0.2")));
        view.endpoints().put(Map.of(key("a"), slice("kubia", "IPv4", BOTH, "10.1.0.1")));
        assertThat(view.waiting()).isEqualTo(new ChangeCount(2, 1));
        view.snapshotIfChanged(1, Instant.EPOCH);
        assertThat(view.waiting()).isEqualTo(ChangeCount.NONE);
        view.services().put(Map.of(key("kubia"), service("kubia", "10.96.0.1")));
        assertThat(view.waiting()).as("what is the same").isEqualTo(ChangeCount.NONE);
        view.endpoints().remove(key("a"));

        assertThat(view.waiting()).isEqualTo(new ChangeCount(0, 1));
    }
}
