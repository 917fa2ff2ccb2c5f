package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;

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
import io.sluice.service.ServiceType;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import io.sluice.service.HealthCheck;
import java.util.Arrays;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** How rules, balancers, affinity and ejection come together, and that what is explained is what is done. */
class RoutingTest {

    private static final NodeTopology HERE = new NodeTopology("n1", "a");
    private static final InetAddress CLIENT = Endpoints.CLIENT;

    private final SplittableRandom seeded = new SplittableRandom(1);
    private final Routing.Tools tools = new Routing.Tools(address -> () -> 0, seeded::nextInt);
    private final AffinityTable affinity = new AffinityTable(1000);

    private Map<String, String> annotations = new TreeMap<>();
    private TrafficPolicy internal = TrafficPolicy.CLUSTER;
    private TrafficPolicy external = TrafficPolicy.CLUSTER;
    private SessionAffinity sessionAffinity = SessionAffinity.NONE;
    private List<InetAddress> clusterIps = List.of(IpAddresses.parse("10.96.0.1"));
    private List<EndpointAddress> ejected = List.of();
    private int maxShare = 50;
    private EndpointChecks checks = EndpointChecks.NONE;

    private Service service() {
        return Service.builder(new ServiceName("default", "kubia")).type(ServiceType.NODE_PORT).clusterIps(clusterIps)
                .ports(List.of(new ServicePort("", Protocol.TCP, 80, 30080, "8080", null)))
                .internalTrafficPolicy(internal).externalTrafficPolicy(external).sessionAffinity(sessionAffinity)
                .annotations(annotations).build();
    }

    private Routing routing(Routing before, List<Endpoint> endpoints) {
        return before.next(service(), EndpointSet.of(endpoints), HERE,
                new Routing.Settings(BalancerKind.ROUND_ROBIN, affinity, ejected, maxShare, PortOrders.NONE,
                        checks),
                tools, 0);
    }

    private Routing routing(List<Endpoint> endpoints) {
        return routing(Routing.NONE, endpoints);
    }

    private static Endpoint endpoint(int number, boolean ready, boolean terminating, String node) {
        return Endpoint.builder(Endpoints.address(number)).ready(ready).serving(!terminating || !ready)
                .terminating(terminating).node(node).build();
    }

    private static EndpointAddress pick(Routing routing, Traffic traffic) {
        EndpointPool pool = routing.pool(IpFamily.IPV4, traffic);
        return pool.endpoints().get(pool.pick(CLIENT, Set.of(), 0)).address();
    }

    @Test
    void kinds_of_traffic_that_go_to_the_same_endpoints_share_one_turn() {
        Routing routing = routing(Endpoints.ready(0, 3));
        Set<EndpointAddress> seen = new HashSet<>();
        for (Traffic traffic : Traffic.values()) {
            seen.add(pick(routing, traffic));
        }
        assertThat(seen).hasSize(3);
    }

    @Test
    void a_local_policy_narrows_its_own_kind_of_traffic_alone() {
        external = TrafficPolicy.LOCAL;
        Routing routing = routing(List.of(endpoint(0, true, false, "n1"), endpoint(1, true, false, "n2")));
        assertThat(routing.pool(IpFamily.IPV4, Traffic.EXTERNAL).endpoints()).hasSize(1);
        assertThat(routing.pool(IpFamily.IPV4, Traffic.INTERNAL).endpoints()).hasSize(2);
        assertThat(routing.pool(IpFamily.IPV4, Traffic.SHORT_CIRCUIT).endpoints()).hasSize(2);
    }

    @Test
    void each_family_of_the_service_is_balanced_over_its_own_endpoints() {
        Endpoint four = Endpoint.ready(Endpoints.address(0));
        Endpoint six = Endpoint.ready(new EndpointAddress(IpAddresses.parse("fd00::1"), 8080));
        assertThat(routing(List.of(four, six)).selections()).containsOnlyKeys(IpFamily.IPV4);
        clusterIps = List.of(IpAddresses.parse("fd00:96::1"), IpAddresses.parse("10.96.0.1"));
        Routing dual = routing(List.of(four, six));
        assertThat(dual.pool(IpFamily.IPV4, Traffic.INTERNAL).endpoints()).containsExactly(four);
        assertThat(dual.pool(IpFamily.IPV6, Traffic.INTERNAL).endpoints()).containsExactly(six);
    }

    @Test
    void the_annotation_wins_over_the_default_and_an_unknown_one_does_not() {
        assertThat(routing(Endpoints.ready(0, 3)).balancer()).isEqualTo(BalancerKind.ROUND_ROBIN);
        annotations.put("sluice.io/balancer", "maglev");
        assertThat(routing(Endpoints.ready(0, 3)).balancer()).isEqualTo(BalancerKind.MAGLEV);
        annotations.put("sluice.io/balancer", "quickest");
        assertThat(routing(Endpoints.ready(0, 3)).balancer()).isEqualTo(BalancerKind.ROUND_ROBIN);
    }

    @Test
    void the_turn_goes_on_through_a_change_of_anything_but_the_balancer() {
        Routing before = routing(Endpoints.ready(0, 3));
        EndpointAddress first = pick(before, Traffic.INTERNAL);
        internal = TrafficPolicy.CLUSTER;
        sessionAffinity = new SessionAffinity.ClientIp(Duration.ofHours(3));
        Routing after = routing(before, Endpoints.ready(0, 3));
        EndpointPool pool = after.pool(IpFamily.IPV4, Traffic.INTERNAL);
        EndpointAddress second = pick(after, Traffic.INTERNAL);
        EndpointAddress third = pool.endpoints().get(pool.pick(Endpoints.client(9), Set.of(), 0)).address();
        assertThat(Set.of(first, second, third)).hasSize(3);
    }

    @Test
    void affinity_survives_a_reload_and_a_change_of_the_timeout() {
        sessionAffinity = new SessionAffinity.ClientIp(Duration.ofHours(3));
        Routing before = routing(Endpoints.ready(0, 5));
        EndpointAddress stays = pick(before, Traffic.INTERNAL);
        sessionAffinity = new SessionAffinity.ClientIp(Duration.ofHours(1));
        Routing after = routing(before, Endpoints.ready(0, 9));
        assertThat(pick(after, Traffic.EXTERNAL)).isEqualTo(stays);
    }

    @Test
    void a_client_of_an_endpoint_that_went_and_came_back_is_balanced_anew() {
        sessionAffinity = new SessionAffinity.ClientIp(Duration.ofHours(3));
        Routing before = routing(Endpoints.ready(0, 2));
        EndpointAddress stayed = pick(before, Traffic.INTERNAL);
        Routing without = routing(before,
                Endpoints.ready(0, 2).stream().filter(e -> !e.address().equals(stayed)).toList());
        assertThat(affinity.size()).isZero();
        assertThat(routing(without, Endpoints.ready(0, 2)).pool(IpFamily.IPV4, Traffic.INTERNAL).stays(CLIENT, 0))
                .isNegative();
    }

    @Test
    void an_ejected_endpoint_gets_nothing_and_its_clients_go_elsewhere() {
        sessionAffinity = new SessionAffinity.ClientIp(Duration.ofHours(3));
        Routing before = routing(Endpoints.ready(0, 3));
        EndpointAddress out = pick(before, Traffic.INTERNAL);
        ejected = List.of(out);
        Routing after = routing(before, Endpoints.ready(0, 3));
        for (int i = 0; i < 20; i++) {
            assertThat(pick(after, Traffic.INTERNAL)).isNotEqualTo(out);
        }
        assertThat(after.leftOut(out)).isTrue();
        assertThat(after.leftOut()).isEqualTo(1);
        assertThat(after.selections().get(IpFamily.IPV4).clusterEndpoints()).hasSize(3);
    }

    @Test
    void the_only_endpoint_is_used_whether_it_answers_or_not() {
        ejected = List.of(Endpoints.address(0));
        Routing routing = routing(Endpoints.ready(0, 1));
        assertThat(pick(routing, Traffic.INTERNAL)).isEqualTo(Endpoints.address(0));
        assertThat(routing.leftOut()).isZero();
        assertThat(routing.explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0).endpoints().getFirst().rule())
                .isEqualTo("ready; it does not answer, and there is no other");
        assertThat(routing.explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0).next())
                .isEqualTo("10.0.0.1:8080: there is no other; it does not answer, connections fail until it does");
    }

    @ParameterizedTest
    @EnumSource
    void never_an_unready_endpoint_while_a_ready_one_is_there(BalancerKind kind) {
        annotations.put("sluice.io/balancer", kind.word());
        for (int seed = 0; seed < 150; seed++) {
            SplittableRandom dice = new SplittableRandom(seed);
            annotations.put("sluice.io/slow-start", dice.nextBoolean() ? "1m" : "0s");
            Routing routing = Routing.NONE;
            for (int step = 0; step < 5; step++) {
                List<Endpoint> endpoints = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    if (dice.nextBoolean()) {
                        endpoints.add(endpoint(i, dice.nextInt(3) == 0, dice.nextInt(3) == 0,
                                dice.nextBoolean() ? "n1" : "n2"));
                    }
                }
                ejected = dice.nextBoolean() ? List.of(Endpoints.address(dice.nextInt(8))) : List.of();
                internal = dice.nextBoolean() ? TrafficPolicy.LOCAL : TrafficPolicy.CLUSTER;
                routing = routing(routing, endpoints);
                for (Traffic traffic : Traffic.values()) {
                    EndpointPool pool = routing.pool(IpFamily.IPV4, traffic);
                    boolean local = traffic == Traffic.INTERNAL && internal == TrafficPolicy.LOCAL;
                    List<Endpoint> inReach =
                            endpoints.stream().filter(e -> !local || "n1".equals(e.node())).toList();
                    boolean anyReady = inReach.stream().anyMatch(Endpoint::ready);
                    int index = pool.pick(CLIENT, Set.of(), step);
                    if (index < 0) {
                        assertThat(inReach).as("seed %s step %s", seed, step)
                                .noneMatch(e -> e.ready() || e.serving() && e.terminating());
                    } else {
                        Endpoint picked = pool.endpoints().get(index);
                        assertThat(inReach).as("seed %s step %s", seed, step).contains(picked);
                        assertThat(picked.ready()).as("seed %s step %s: %s", seed, step, picked).isEqualTo(anyReady);
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void what_is_explained_is_what_is_done(BalancerKind kind) {
        annotations.put("sluice.io/balancer", kind.word());
        sessionAffinity = new SessionAffinity.ClientIp(Duration.ofHours(3));
        external = TrafficPolicy.LOCAL;
        ejected = List.of(Endpoints.address(2));
        Routing routing = routing(List.of(endpoint(0, true, false, "n1"), endpoint(1, true, false, "n2"),
                endpoint(2, true, false, "n1"), endpoint(3, false, false, "n1"), endpoint(4, false, true, "n1")));
        for (Traffic traffic : Traffic.values()) {
            for (int i = 0; i < 20; i++) {
                Explanation explanation = routing.explain(IpFamily.IPV4, traffic, Endpoints.client(i), 0);
                EndpointPool pool = routing.pool(IpFamily.IPV4, traffic);
                assertThat(explanation.endpoints().stream().filter(Explanation.Line::candidate)
                        .map(Explanation.Line::endpoint)).isEqualTo(pool.endpoints());
                EndpointAddress picked =
                        pool.endpoints().get(pool.pick(Endpoints.client(i), Set.of(), 0)).address();
                if (explanation.nextIs() != null) {
                    assertThat(explanation.nextIs()).isEqualTo(picked);
                }
                assertThat(routing.explain(IpFamily.IPV4, traffic, Endpoints.client(i), 0).next())
                        .isEqualTo(picked + ": the client stays there (sessionAffinity)");
            }
        }
    }

    @Test
    void an_explanation_names_every_endpoint_and_the_rule() {
        external = TrafficPolicy.LOCAL;
        ejected = List.of(Endpoints.address(4));
        Routing routing = routing(List.of(endpoint(0, true, false, "n1"), endpoint(1, true, false, "n2"),
                endpoint(2, false, false, "n1"), endpoint(3, false, true, "n1"), endpoint(4, true, false, "n1")));
        Explanation explanation = routing.explain(IpFamily.IPV4, Traffic.EXTERNAL, null, 0);
        assertThat(explanation.rules()).containsExactly("externalTrafficPolicy Local: only endpoints of this node",
                "balancer: round-robin");
        assertThat(explanation.endpoints().stream()
                .map(line -> line.endpoint().address() + " " + line.candidate() + " " + line.rule()))
                .containsExactly("10.0.0.1:8080 true ready",
                        "10.0.0.2:8080 false on another node, and the traffic policy is Local",
                        "10.0.0.3:8080 false not ready", "10.0.0.4:8080 false terminating, and others are ready",
                        "10.0.0.5:8080 false ready, but it does not answer: ejected");
        assertThat(explanation.next()).isEqualTo("10.0.0.1:8080: there is no other");
    }

    @Test
    void topology_is_explained_only_where_there_are_hints() {
        assertThat(routing(Endpoints.ready(0, 2)).explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0).rules())
                .containsExactly("internalTrafficPolicy Cluster: endpoints of every node", "balancer: round-robin");
        Endpoint hinted = Endpoint.builder(Endpoints.address(0)).zoneHints(Set.of("elsewhere")).build();
        assertThat(routing(List.of(hinted)).explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0).rules())
                .contains("topology: not every ready endpoint has hints, or none is for here; all count alike");
    }

    @Test
    void where_the_client_decides_its_address_is_asked_for() {
        annotations.put("sluice.io/balancer", "maglev");
        assertThat(routing(Endpoints.ready(0, 3)).explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0).next())
                .isEqualTo("it depends on the client's address: say --from");
        assertThat(routing(Endpoints.ready(0, 3)).explain(IpFamily.IPV4, Traffic.INTERNAL, CLIENT, 0).next())
                .endsWith(": by the client's address");
    }

    @Test
    void a_port_without_endpoints_takes_nothing() {
        Routing routing = routing(List.of());
        assertThat(routing.pool(IpFamily.IPV4, Traffic.INTERNAL).pick(CLIENT, Set.of(), 0)).isEqualTo(-1);
        assertThat(routing.explain(IpFamily.IPV4, Traffic.INTERNAL, CLIENT, 0).next())
                .isEqualTo("nowhere: no endpoint takes such connections");
    }

    /** Of four endpoints; each is checked, and those that are named fail. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            nobody fails                                  | ''      | '' | 0 1 2 3 | 0
            one fails and is left out                     | 1       | '' | 0 2 3   | 1
            so are more than may be ejected               | 0 1 2   | '' | 3       | 3
            all fail, then none is left out               | 0 1 2 3 | '' | 0 1 2 3 | 0
            one that is ejected is left out of the others | 0 1     | 2  | 3       | 3
            but never the last one                        | 0 1 2   | 3  | 3       | 3
            """)
    void endpoints_that_fail_their_check_are_left_out_unless_all_do(String what, String failing, String silent,
            String used, int leftOut) {
        Map<EndpointAddress, EndpointHealth> health = new TreeMap<>();
        for (int i = 0; i < 4; i++) {
            boolean fails = failing.contains(Integer.toString(i));
            health.put(Endpoints.address(i), new EndpointHealth(!fails, 0, fails ? "it answered 503" : ""));
        }
        checks = new EndpointChecks(new HealthCheck("/healthz", Duration.ofSeconds(5), Duration.ofSeconds(1), 2, 3),
                health);
        ejected = silent.isEmpty() ? List.of() : List.of(Endpoints.address(Integer.parseInt(silent)));
        Routing routing = routing(Endpoints.ready(0, 4));
        assertThat(routing.pool(IpFamily.IPV4, Traffic.INTERNAL).endpoints()).extracting(Endpoint::address)
                .containsExactlyElementsOf(
                        Arrays.stream(used.split(" ")).map(Integer::parseInt).map(Endpoints::address).toList());
        assertThat(routing.leftOut()).isEqualTo(leftOut);
        Explanation explained = routing.explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0);
        assertThat(explained.rules())
                .contains("health check: http:/healthz every 5s, timeout 1s, rise 2, fall 3");
        assertThat(explained.endpoints().stream().filter(line -> routing.checks().fails(line.endpoint().address())))
                .allMatch(line -> line.rule().equals(leftOut == 0
                        ? "ready; it fails its health check: it answered 503, but so does every other"
                        : "ready, but it fails its health check: it answered 503"));
    }

    @Test
    void an_only_endpoint_that_fails_its_check_takes_connections_and_is_said_to_be_the_only_one() {
        checks = new EndpointChecks(new HealthCheck(null, Duration.ofSeconds(5), Duration.ofSeconds(1), 2, 3),
                Map.of(Endpoints.address(0), new EndpointHealth(false, 0, "it refused the connection")));
        Explanation explained = routing(Endpoints.ready(0, 1)).explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0);
        assertThat(explained.endpoints()).extracting(Explanation.Line::rule)
                .containsExactly("ready; it fails its health check: it refused the connection, and there is no other");
    }

    @Test
    void an_endpoint_that_was_not_checked_yet_takes_connections_and_says_so() {
        checks = new EndpointChecks(new HealthCheck(null, Duration.ofSeconds(5), Duration.ofSeconds(1), 2, 3),
                Map.of());
        Routing routing = routing(Endpoints.ready(0, 2));
        assertThat(routing.pool(IpFamily.IPV4, Traffic.INTERNAL).endpoints()).hasSize(2);
        assertThat(routing.explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0).endpoints())
                .allMatch(line -> line.rule().equals("ready; not checked yet"));
    }

    @Test
    void a_port_that_is_not_checked_although_its_service_asks_for_it_says_why() {
        checks = EndpointChecks.not("as they are off");
        assertThat(routing(Endpoints.ready(0, 1)).explain(IpFamily.IPV4, Traffic.INTERNAL, null, 0).rules())
                .contains("health check: none, as they are off");
    }
}
