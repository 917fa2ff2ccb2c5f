package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.balance.Traffic;
import io.sluice.history.Event;
import io.sluice.history.Journal;
import io.sluice.metrics.AccessLog;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.metrics.SyncMetrics;
import io.sluice.node.NodePortAddresses;
import io.sluice.proxy.DataPath;
import io.sluice.proxy.ProxySettings;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.Cidr;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.TriggerTime;
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
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceType;
import io.sluice.service.TrafficPolicy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The reconciler over real sockets, on loopback addresses of this process alone. */
class ReconcilerTest {

    private static final String FIRST = OwnAddresses.at(131, 1);
    private static final String SECOND = OwnAddresses.at(131, 2);
    private static final int PORT = 18080;
    private static final List<ServicePort> PORTS =
            List.of(new ServicePort("http", Protocol.TCP, PORT, 0, "8080", null));

    private final ScheduledExecutorService control = Executors.newSingleThreadScheduledExecutor();
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final List<ServerSocket> pods = new ArrayList<>();
    private final RecordedAddresses addresses = new RecordedAddresses();
    private DataPath dataPath;
    private Reconciler reconciler;
    private final Journal journal = new Journal();
    private long version;

    @BeforeEach
    void start() {
        dataPath = new DataPath(ProxySettings.builder().workerThreads(2).connectTimeout(Duration.ofSeconds(5))
                .maxConnections(1_000).backlog(128).build(), AccessLog.off());
        reconciler = new Reconciler(dataPath, new ProxyMetrics(registry), new SyncMetrics(registry),
                addresses, Interception.OFF, NodePortAddresses.parse(List.of("127.0.0.0/8")), 0, Balancing.PLAIN,
                journal, control);
    }

    @AfterEach
    void stop() throws IOException {
        reconciler.stop().join();
        dataPath.close();
        control.shutdownNow();
        for (ServerSocket pod : pods) {
            pod.close();
        }
    }

    @Test
    void a_service_without_endpoints_has_its_address_all_the_same() {
        addresses.on = true;
        apply(service("kubia", FIRST));
        assertThat(addresses.wanted).containsExactly(InetAddress.ofLiteral(FIRST));
    }

    @Test
    void a_service_that_waits_for_its_pods_is_no_warning_and_one_that_loses_them_is() {
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        Logger logger = (Logger) LoggerFactory.getLogger("io.sluice.reconcile");
        logger.addAppender(log);
        try {
            apply(service("kubia", FIRST), service("other", SECOND));
            assertThat(log.list).filteredOn(e -> e.getFormattedMessage().contains("has no endpoint")).singleElement()
                    .satisfies(e -> assertThat(e.getLevel()).isEqualTo(Level.INFO))
                    .satisfies(e -> assertThat(e.getFormattedMessage())
                            .contains("connections are refused: no selector")
                            .contains("more ports that wait for endpoints: 1"));
            apply(service("kubia", FIRST, pod("a")), service("other", SECOND));
            log.list.clear();
            apply(service("kubia", FIRST), service("other", SECOND));
            assertThat(log.list).filteredOn(e -> e.getFormattedMessage().contains("has no endpoint")).singleElement()
                    .satisfies(e -> assertThat(e.getLevel()).isEqualTo(Level.WARN))
                    .satisfies(e -> assertThat(e.getFormattedMessage()).startsWith("default/kubia"));
        } finally {
            logger.detachAppender(log);
        }
    }

    @Test
    void an_address_that_cannot_be_had_just_now_is_not_listened_at_says_why_and_is_tried_again() {
        addresses.on = true;
        addresses.fails.put(InetAddress.ofLiteral(FIRST), "no right to add a route");
        apply(service("kubia", FIRST, pod("kubia-1")));
        assertThat(listener("kubia").status()).isEqualTo(ListenerStatus.FAILED);
        assertThat(listener("kubia").problem()).isEqualTo("no right to add a route");
        assertThat(addresses.endpoints).hasSize(1);

        addresses.fails.clear();
        await().untilAsserted(() -> assertThat(listener("kubia").status()).isEqualTo(ListenerStatus.LISTENING));
    }

    @Test
    void a_change_that_a_fault_keeps_from_being_applied_waits_and_is_tried_again() {
        AtomicBoolean faulty = new AtomicBoolean(true);
        AtomicInteger applied = new AtomicInteger();
        reconciler.followers().healthChecks(snapshot -> {
            if (faulty.get()) {
                throw new IllegalStateException("a fault that the test makes");
            }
            applied.incrementAndGet();
        });
        assertThatThrownBy(() -> apply(service("kubia", FIRST, pod("kubia-1"))))
                .hasRootCauseInstanceOf(IllegalStateException.class);
        await().untilAsserted(() -> assertThat(reconciler.waitingSince()).isPresent());

        faulty.set(false);
        await().untilAsserted(() -> assertThat(applied).hasPositiveValue());
        assertThat(reconciler.waitingSince()).isEmpty();
        assertThat(ask(FIRST)).isEqualTo("kubia-1");
    }

    @Test
    void a_ready_endpoint_opens_the_port_and_none_closes_it() {
        apply(service("kubia", FIRST, pod("kubia-1")));
        assertThat(ask(FIRST)).isEqualTo("kubia-1");
        assertThat(listener("kubia").status()).isEqualTo(ListenerStatus.LISTENING);

        apply(service("kubia", FIRST));
        assertThatThrownBy(() -> ask(FIRST)).hasCauseInstanceOf(ConnectException.class);
        assertThat(listener("kubia").status()).isEqualTo(ListenerStatus.NO_ENDPOINTS);

        apply(service("kubia", FIRST, pod("kubia-2")));
        assertThat(ask(FIRST)).isEqualTo("kubia-2");
    }

    @Test
    void connections_are_spread_evenly_and_an_endpoint_that_refuses_is_passed_over() {
        Endpoint dead = Endpoint.ready(new EndpointAddress(IpAddresses.parse(OwnAddresses.at(131, 9)), 18_081));
        apply(service("kubia", FIRST, pod("a"), pod("b"), dead));
        Map<String, Integer> hits = new HashMap<>();
        for (int i = 0; i < 30; i++) {
            hits.merge(ask(FIRST), 1, Integer::sum);
        }
        assertThat(hits).containsOnlyKeys("a", "b");
    }

    @Test
    void a_service_that_is_gone_refuses() {
        apply(service("kubia", FIRST, pod("kubia-1")));
        apply();
        assertThatThrownBy(() -> ask(FIRST)).hasCauseInstanceOf(ConnectException.class);
        assertThat(reconciler.state().orElseThrow().ports()).isEmpty();
    }

    @Test
    void an_address_that_moves_to_another_service_goes_on_without_a_gap() {
        apply(service("blue", FIRST, pod("blue-1")));
        apply(service("green", FIRST, pod("green-1")));
        assertThat(ask(FIRST)).isEqualTo("green-1");
    }

    @Test
    void an_address_that_two_services_claim_goes_over_to_the_one_that_comes_first_and_back_without_a_gap() {
        ServiceState second = service("b", FIRST, pod("b-1"));
        apply(second);
        apply(service("a", FIRST, pod("a-1")), second);
        assertThat(ask(FIRST)).isEqualTo("a-1");
        assertThat(listener("b").status()).isEqualTo(ListenerStatus.FAILED);
        assertThat(listener("b").problem()).contains("is claimed by default/a");

        apply(second);
        assertThat(ask(FIRST)).isEqualTo("b-1");
    }

    @Test
    void an_address_that_must_not_be_the_nodes_any_more_is_listened_at_no_more_and_says_why() {
        addresses.on = true;
        apply(service("kubia", FIRST, pod("kubia-1")));
        addresses.refuses.put(IpAddresses.parse(FIRST), "it is somebody else's");
        apply(service("kubia", FIRST, pod("kubia-1")), service("other", SECOND, pod("other-1")));
        assertThatThrownBy(() -> ask(FIRST)).hasCauseInstanceOf(ConnectException.class);
        assertThat(listener("kubia").status()).isEqualTo(ListenerStatus.FAILED);
        assertThat(listener("kubia").problem()).isEqualTo("it is somebody else's");

        addresses.refuses.clear();
        apply(service("kubia", FIRST, pod("kubia-1")));
        assertThat(ask(FIRST)).isEqualTo("kubia-1");
    }

    @Test
    void an_endpoint_that_leads_back_gets_no_connection_and_one_that_leads_on_does() {
        Endpoint first = Endpoint.ready(new EndpointAddress(IpAddresses.parse(FIRST), PORT));
        Endpoint second = Endpoint.ready(new EndpointAddress(IpAddresses.parse(SECOND), PORT));
        Endpoint pod = pod("pod");
        apply(service("a", FIRST, second), service("b", SECOND, pod));
        assertThat(ask(FIRST)).isEqualTo("pod");

        apply(service("a", FIRST, second), service("b", SECOND, first));
        assertThatThrownBy(() -> ask(FIRST)).hasCauseInstanceOf(ConnectException.class);
        AppliedState applied = reconciler.state().orElseThrow();
        assertThat(applied.warnings()).extracting(w -> w.service().name() + " " + w.message())
                .containsExactly("a port http: the endpoint " + SECOND + ":18080 leads back to this Service and gets no"
                        + " connections",
                        "b port http: the endpoint " + FIRST + ":18080 leads back to this Service and"
                                + " gets no connections");
        assertThat(applied.snapshot().services().get(new ServiceName("default", "a")).ports().getFirst().whyEmpty())
                .isEqualTo(new EmptyReason.LeadsBack(List.of(SECOND + ":18080")));

        apply(service("a", FIRST, second), service("b", SECOND, first, pod));
        assertThat(ask(SECOND)).isEqualTo("pod");
        assertThatThrownBy(() -> ask(FIRST)).hasCauseInstanceOf(ConnectException.class);
        apply(service("a", FIRST, second), service("b", SECOND, first));
        assertThatThrownBy(() -> ask(FIRST)).hasCauseInstanceOf(ConnectException.class);
        apply(service("a", FIRST, second), service("b", SECOND, pod));
        assertThat(ask(FIRST)).isEqualTo("pod");
        assertThat(reconciler.state().orElseThrow().warnings()).isEmpty();
    }

    @Test
    void a_port_in_use_is_told_hurts_nobody_else_and_heals() throws IOException {
        ServiceState other = service("other", SECOND, pod("other-1"));
        try (ServerSocket inTheWay = new ServerSocket()) {
            inTheWay.bind(new InetSocketAddress(FIRST, PORT));
            apply(service("kubia", FIRST, pod("kubia-1")), other);
            assertThat(listener("kubia").status()).isEqualTo(ListenerStatus.FAILED);
            assertThat(listener("kubia").problem()).contains(FIRST + ":" + PORT + " is already in use");
            assertThat(ask(SECOND)).isEqualTo("other-1");
        }
        await().untilAsserted(() -> assertThat(listener("kubia").status()).isEqualTo(ListenerStatus.LISTENING));
        assertThat(ask(FIRST)).isEqualTo("kubia-1");
    }

    @Test
    void a_new_process_keeps_snapshots_until_it_shares_the_sockets_and_accepts_only_when_it_may() throws IOException {
        reconciler.sockets().standBy();
        apply(service("kubia", FIRST, pod("kubia-1")));
        assertThat(reconciler.state()).isEmpty();
        assertThatThrownBy(() -> ask(FIRST)).hasCauseInstanceOf(ConnectException.class);

        dataPath.holdAccepts();
        reconciler.sockets().share().join();
        assertThat(listener("kubia").status()).isEqualTo(ListenerStatus.LISTENING);
        try (Socket early = new Socket()) {
            early.connect(new InetSocketAddress(FIRST, PORT));
            await().during(Duration.ofMillis(200)).until(() -> dataPath.activeConnections() == 0);
            dataPath.accept();
            assertThat(new String(early.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip())
                    .isEqualTo("kubia-1");
        }
    }

    @Test
    void what_it_takes_back_is_left_to_the_old_process_and_may_be_shared_anew() {
        reconciler.sockets().standBy();
        apply(service("kubia", FIRST, pod("kubia-1")));
        reconciler.sockets().share().join();
        assertThat(ask(FIRST)).isEqualTo("kubia-1");
        reconciler.sockets().retreat().join();
        assertThatThrownBy(() -> ask(FIRST)).hasCauseInstanceOf(ConnectException.class);
        apply(service("kubia", SECOND, pod("kubia-2")));
        assertThatThrownBy(() -> ask(SECOND)).hasCauseInstanceOf(ConnectException.class);
        reconciler.sockets().own().join();
        assertThat(ask(SECOND)).isEqualTo("kubia-2");
    }

    @Test
    void while_the_sockets_are_offered_endpoints_change_and_addresses_do_after_that() {
        apply(service("kubia", FIRST, pod("kubia-1")));
        assertThat(reconciler.sockets().offer().join()).hasSize(1);
        apply(service("kubia", FIRST, pod("kubia-2")));
        assertThat(ask(FIRST)).isEqualTo("kubia-2");
        apply(service("kubia", SECOND, pod("kubia-2")));
        assertThatThrownBy(() -> ask(SECOND)).hasCauseInstanceOf(ConnectException.class);
        assertThat(ask(FIRST)).isEqualTo("kubia-2");
        reconciler.sockets().own().join();
        assertThat(ask(SECOND)).isEqualTo("kubia-2");
        assertThatThrownBy(() -> ask(FIRST)).hasCauseInstanceOf(ConnectException.class);
    }

    @Test
    void an_endpoint_that_takes_the_place_of_another_gets_the_next_connection() {
        ServiceState other = service("other", SECOND, pod("other-1"));
        apply(service("kubia", FIRST, pod("kubia-1")), other);
        apply(service("kubia", FIRST, pod("kubia-2")), other);
        assertThat(ask(FIRST)).isEqualTo("kubia-2");
        assertThat(ask(SECOND)).isEqualTo("other-1");
        assertThat(reconciler.state().orElseThrow().snapshot().version()).isEqualTo(version);
    }

    @Test
    void an_endpoint_at_the_address_of_a_service_is_told_to_who_makes_addresses_the_nodes() {
        addresses.on = true;
        apply(service("kubia", FIRST, pod("kubia-1")));
        Endpoint odd = Endpoint.ready(new EndpointAddress(IpAddresses.parse(FIRST), 18_081));
        apply(service("kubia", FIRST, odd));
        assertThat(addresses.endpoints).containsExactly(IpAddresses.parse(FIRST));

        apply(service("kubia", FIRST, pod("kubia-1")));
        assertThat(addresses.endpoints).doesNotContain(IpAddresses.parse(FIRST));
    }

    /** Short ways through a change must not be seen. */
    @Test
    void after_any_sequence_of_changes_listeners_and_endpoints_are_those_of_the_last_snapshot() {
        long seed = Long.getLong("sluice.seed", 11L);
        Random random = new Random(seed);
        List<String> ips = List.of(FIRST, SECOND, OwnAddresses.at(131, 3), OwnAddresses.at(131, 4));
        for (int step = 0; step < 150; step++) {
            List<ServiceState> services = new ArrayList<>();
            for (int i = 0; i < ips.size(); i++) {
                if (random.nextInt(10) > 0) {
                    Endpoint[] endpoints = new Endpoint[random.nextInt(4) == 0 ? 0 : 1 + random.nextInt(3)];
                    for (int e = 0; e < endpoints.length; e++) {
                        endpoints[e] = Endpoint.ready(new EndpointAddress(
                                IpAddresses.parse("127.130.1." + random.nextInt(250)), 18_081));
                    }
                    services.add(service("s" + i, ips.get(i), endpoints));
                }
            }
            apply(services.toArray(ServiceState[]::new));
            AppliedState applied = reconciler.state().orElseThrow();
            assertThat(applied.ports()).as("seed %d, step %d", seed, step).hasSize(services.size());
            for (ServiceState service : services) {
                EndpointSet wanted = service.ports().getFirst().endpoints();
                AppliedPort port = applied.ports()
                        .get(new ServicePortName(service.service().name(), "http", Protocol.TCP));
                assertThat(port.routing().pool(IpFamily.IPV4, Traffic.INTERNAL).endpoints())
                        .as("seed %d, step %d, %s", seed, step, service.service().name())
                        .isEqualTo(wanted.endpoints());
                assertThat(port.listeners()).singleElement().extracting(ListenerState::status)
                        .as("seed %d, step %d, %s", seed, step, service.service().name())
                        .isEqualTo(wanted.isEmpty() ? ListenerStatus.NO_ENDPOINTS : ListenerStatus.LISTENING);
            }
        }
    }

    @Test
    void an_address_that_is_not_of_this_machine_is_told_with_the_way_to_add_it() {
        apply(service("kubia", "192.0.2.1", pod("kubia-1")));
        assertThat(listener("kubia").problem()).contains("is not an address of this machine")
                .contains("ip route add local 192.0.2.1/32 dev lo");
    }

    @Test
    void a_connection_of_the_node_itself_to_an_external_address_goes_to_any_endpoint_under_the_policy_local() {
        Endpoint elsewhere = pod("elsewhere");
        Service local = external("local", List.of(), IpAddresses.parse(SECOND), List.of());
        apply(state(local, elsewhere));
        assertThat(ask(SECOND)).isEqualTo("elsewhere");
    }

    @Test
    void a_load_balancer_address_resets_who_is_outside_its_source_ranges_and_only_there() {
        Service open = external("kubia", List.of(IpAddresses.parse(FIRST)), IpAddresses.parse(SECOND),
                List.of(Cidr.parse("127.0.0.8/29")));
        apply(state(open, pod("kubia-1")));
        assertThat(ask(SECOND, "127.0.0.9")).isEqualTo("kubia-1");
        assertThatThrownBy(() -> ask(SECOND, "127.0.0.1")).hasMessageContaining("reset");
        assertThat(ask(FIRST, "127.0.0.1")).isEqualTo("kubia-1");
        assertThat(registry.scrape()).containsPattern("sluice_connections_refused_total\\{.*source_range.*\\} 1.0");

        apply(state(external("kubia", List.of(IpAddresses.parse(FIRST)), IpAddresses.parse(SECOND), List.of()),
                pod("kubia-2")));
        assertThat(ask(SECOND, "127.0.0.1")).isEqualTo("kubia-2");
    }

    @Test
    void an_external_ip_that_becomes_a_load_balancer_address_obeys_the_source_ranges_from_then_on() {
        InetAddress ip = IpAddresses.parse(SECOND);
        Endpoint pod = pod("kubia-1");
        List<Cidr> ranges = List.of(Cidr.parse("10.0.0.0/8"));
        Service before = Service.builder(new ServiceName("default", "kubia")).type(ServiceType.LOAD_BALANCER)
                .clusterIps(List.of(IpAddresses.parse(FIRST))).ports(PORTS).externalIps(List.of(ip))
                .loadBalancerSourceRanges(ranges).build();
        apply(state(before, pod));
        assertThat(ask(SECOND)).isEqualTo("kubia-1");
        apply(state(external("kubia", List.of(IpAddresses.parse(FIRST)), ip, ranges), pod));
        assertThatThrownBy(() -> ask(SECOND)).hasMessageContaining("reset");
    }

    /** With a load balancer address and the external policy Local. */
    private static Service external(String name, List<InetAddress> clusterIps, InetAddress loadBalancerIp,
            List<Cidr> ranges) {
        return Service.builder(new ServiceName("default", name)).type(ServiceType.LOAD_BALANCER)
                .clusterIps(clusterIps.isEmpty() ? List.of(IpAddresses.parse(FIRST)) : clusterIps).ports(PORTS)
                .externalTrafficPolicy(TrafficPolicy.LOCAL).loadBalancerIps(List.of(loadBalancerIp))
                .loadBalancerSourceRanges(ranges).build();
    }

    private static ServiceState state(Service service, Endpoint... endpoints) {
        return new ServiceState(service,
                List.of(new PortState(PORTS.getFirst(), EndpointSet.of(List.of(endpoints)), null)));
    }

    @Test
    void what_waits_is_counted_and_what_came_with_a_snapshot_that_was_passed_over_is_not_lost() {
        TriggerTime change = new TriggerTime(IpFamily.IPV4, Instant.now());
        apply(service("kubia", FIRST));
        assertThat(reconciler.waiting()).isEqualTo(ChangeCount.NONE);
        CountDownLatch hold = new CountDownLatch(1);
        control.execute(() -> await().until(() -> hold.getCount() == 0));
        CompletableFuture<Void> first = submit(List.of(change), service("kubia", FIRST, pod("kubia-1")));
        CompletableFuture<Void> second = submit(List.of(change, change), service("kubia", FIRST, pod("kubia-2")),
                service("other", SECOND));
        assertThat(reconciler.waiting()).isEqualTo(new ChangeCount(1, 1));
        hold.countDown();
        CompletableFuture.allOf(first, second).join();

        assertThat(reconciler.waiting()).isEqualTo(ChangeCount.NONE);
        assertThat(registry.get("kubeproxy.network.programming.duration").tag("ip.family", "IPv4").timer().count())
                .isEqualTo(3);
        assertThat(registry.get("kubeproxy.sync.proxy.rules.last.queued.timestamp").timeGauges())
                .allSatisfy(gauge -> assertThat(gauge.value(TimeUnit.SECONDS)).isPositive());
    }

    @Test
    void health_checks_follow_endpoints_of_the_services_that_have_one() {
        List<ClusterSnapshot> told = new ArrayList<>();
        reconciler.followers().healthChecks(told::add);
        Service checked = Service.builder(new ServiceName("default", "checked")).type(ServiceType.LOAD_BALANCER)
                .clusterIps(List.of(IpAddresses.parse(FIRST))).ports(PORTS).externalTrafficPolicy(TrafficPolicy.LOCAL)
                .healthCheckNodePort(30_000).build();
        ServiceState other = service("other", SECOND, pod("other-1"));
        apply(state(checked, pod("a")), other);
        apply(state(checked, pod("b")), other);
        assertThat(told).extracting(ClusterSnapshot::version).containsExactly(1L, 2L);
    }

    @Test
    void the_routing_that_is_shown_is_the_one_in_force_after_a_change_of_endpoints_too() {
        Endpoint first = pod("a");
        Endpoint second = pod("b");
        apply(service("kubia", FIRST, first));
        apply(service("kubia", FIRST, second));
        assertThat(reconciler.state().orElseThrow().ports().values()).singleElement().satisfies(port -> assertThat(
                port.selections().get(IpFamily.IPV4).clusterEndpoints()).containsExactly(second));
        assertThat(reconciler.state().orElseThrow().snapshot().version()).isEqualTo(2);
    }

    @Test
    void the_history_tells_what_was_applied_and_nothing_of_what_was_there_at_the_start() throws IOException {
        Endpoint first = pod("a");
        Endpoint second = pod("b");
        apply(service("kubia", FIRST, first));
        apply(service("kubia", FIRST, first, second));
        try (ServerSocket inTheWay = new ServerSocket()) {
            inTheWay.bind(new InetSocketAddress(SECOND, PORT));
            apply(service("kubia", FIRST, second), service("other", SECOND, second));
            apply(service("kubia", FIRST, second), service("other", SECOND, second));
        }
        apply(service("kubia", FIRST), service("other", SECOND, second));
        apply(service("other", SECOND, second));
        assertThat(journal.first(Journal.Wanted.ALL, 100).events().stream().map(Event::change)
                .map(change -> change.type() + " " + change.subject())).containsExactly("Started sluice",
                        "EndpointAdded default/kubia:http", "EndpointRemoved default/kubia:http",
                        "ServiceAdded default/other", "EndpointAdded default/other:http",
                        "ListenerFailed default/other:http", "EndpointRemoved default/kubia:http",
                        "PortEmptied default/kubia:http", "ListenerHealed default/other:http",
                        "ServiceRemoved default/kubia");
    }

    private ListenerState listener(String service) {
        return reconciler.state().orElseThrow().ports()
                .get(new ServicePortName(new ServiceName("default", service), "http", Protocol.TCP)).listeners()
                .getFirst();
    }

    private void apply(ServiceState... services) {
        submit(List.of(), services).join();
    }

    private CompletableFuture<Void> submit(List<TriggerTime> changes, ServiceState... services) {
        Map<ServiceName, ServiceState> byName = new HashMap<>();
        for (ServiceState service : services) {
            byName.put(service.service().name(), service);
        }
        return reconciler.submit(new ClusterSnapshot(++version, Instant.now(), new NodeTopology("node", null), byName,
                List.of(), changes));
    }

    private static ServiceState service(String name, String clusterIp, Endpoint... endpoints) {
        ServicePort port = new ServicePort("http", Protocol.TCP, PORT, 0, "8080", null);
        Service service = Service.builder(new ServiceName("default", name))
                .clusterIps(List.of(IpAddresses.parse(clusterIp))).ports(List.of(port)).build();
        return new ServiceState(service, List.of(new PortState(port, EndpointSet.of(List.of(endpoints)),
                endpoints.length == 0 ? new EmptyReason.NothingWritten() : null)));
    }

    /** A server that says its name and closes. */
    private Endpoint pod(String name) {
        try {
            ServerSocket server = new ServerSocket(0, 50, IpAddresses.parse("127.0.0.1"));
            pods.add(server);
            Thread.ofVirtual().start(() -> serve(server, name));
            return Endpoint.ready(new EndpointAddress(server.getInetAddress(), server.getLocalPort()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void serve(ServerSocket server, String name) {
        while (!server.isClosed()) {
            try (Socket socket = server.accept()) {
                socket.getOutputStream().write(name.getBytes(StandardCharsets.UTF_8));
            } catch (IOException e) {
                return;
            }
        }
    }

    private static String ask(String ip) {
        return ask(ip, "127.0.0.1");
    }

    private static String ask(String ip, String from) {
        try (Socket socket = new Socket()) {
            socket.bind(new InetSocketAddress(from, 0));
            socket.connect(new InetSocketAddress(ip, PORT), 5000);
            socket.setSoTimeout(10_000);
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
