package io.sluice.history;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Cidr;
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
import io.sluice.service.ServiceType;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What differs between two states, as sentences. An endpoint is written as {@code 1 ready pod=a}: its address is 10.1.0.1. */
class DifferencesTest {

    private static final ServiceName NAME = new ServiceName("shop", "api");
    private static final ServicePort HTTP = new ServicePort("http", Protocol.TCP, 80, 0, "8080", null);

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '"', nullValues = "-", textBlock = """
            a Service comes                    | -                    | 1 ready        | ServiceAdded added: ClusterIP 10.96.0.1, ports http 80/TCP to 8080; EndpointAdded 10.1.0.1:8080 added: ready
            it comes without endpoints         | -                    | ""             | ServiceAdded added: ClusterIP 10.96.0.1, ports http 80/TCP to 8080; PortEmptied has no endpoint, connections are refused: no selector, and no Endpoints or EndpointSlice is written for it
            it goes                            | 1 ready              | -              | ServiceRemoved removed
            nothing                            | 1 ready; 2           | 1 ready; 2     | ""
            an endpoint comes                  | 1 ready              | 1 ready; 2 ready pod=b | EndpointAdded 10.1.0.2:8080 (pod b) added: ready
            one comes that is not ready        | 2 ready              | 1; 2 ready     | EndpointAdded 10.1.0.1:8080 added: not ready
            one goes                           | 1 ready pod=a; 2 ready | 2 ready      | EndpointRemoved 10.1.0.1:8080 (pod a) removed
            one takes another's place          | 1 ready              | 2 ready        | EndpointRemoved 10.1.0.1:8080 removed; EndpointAdded 10.1.0.2:8080 added: ready
            one becomes ready                  | 1; 2 ready           | 1 ready; 2 ready | EndpointReady 10.1.0.1:8080 is ready
            one becomes unready                | 1 ready; 2 ready     | 1; 2 ready     | EndpointNotReady 10.1.0.1:8080 is not ready
            one terminates and serves          | 1 ready; 2 ready     | 1 serving terminating; 2 ready | EndpointTerminating 10.1.0.1:8080 is terminating: it still serves
            one terminates and serves no more  | 1 ready; 2 ready     | 1 terminating; 2 ready | EndpointTerminating 10.1.0.1:8080 is terminating: it does not serve
            one that terminates ends serving   | 1 serving terminating; 2 ready | 1 terminating; 2 ready | EndpointNotReady 10.1.0.1:8080 is not ready: it does not serve any more
            another pod has its address        | 1 ready pod=a        | 1 ready pod=b  | EndpointChanged 10.1.0.1:8080 (pod b) changed: pod a → b
            one is elsewhere                   | 1 ready node=n1      | 1 ready node=n2 | EndpointChanged 10.1.0.1:8080 changed: node n1 → n2
            the last one goes                  | 1 ready              | ""             | EndpointRemoved 10.1.0.1:8080 removed; PortEmptied has no endpoint, connections are refused: no selector, and no Endpoints or EndpointSlice is written for it
            the first one comes                | ""                   | 1 ready        | EndpointAdded 10.1.0.1:8080 added: ready; PortFilled has endpoints, connections are taken
            """)
    void changes_of_a_service(String name, String before, String now, String expected) {
        assertThat(changes(before == null ? null : state(before), now == null ? null : state(now)))
                .as(name).isEqualTo(expected);
    }

    /** A field that is added to Services must not change without a word. */
    @Test
    void every_field_of_a_service_that_differs_is_named() {
        Map<String, UnaryOperator<Service.Builder>> edits = new HashMap<>();
        edits.put("type", b -> b.type(ServiceType.NODE_PORT));
        edits.put("clusterIps", b -> b.clusterIps(List.of(IpAddresses.parse("10.96.0.2"))));
        edits.put("headless", b -> b.headless(true));
        edits.put("externalName", b -> b.externalName("x.example"));
        edits.put("ports", b -> b.ports(List.of()));
        edits.put("internalTrafficPolicy", b -> b.internalTrafficPolicy(TrafficPolicy.LOCAL));
        edits.put("externalTrafficPolicy", b -> b.externalTrafficPolicy(TrafficPolicy.LOCAL));
        edits.put("sessionAffinity", b -> b.sessionAffinity(new SessionAffinity.ClientIp(Duration.ofSeconds(9))));
        edits.put("externalIps", b -> b.externalIps(List.of(IpAddresses.parse("192.0.2.1"))));
        edits.put("loadBalancerIps", b -> b.loadBalancerIps(List.of(IpAddresses.parse("192.0.2.2"))));
        edits.put("loadBalancerSourceRanges", b -> b.loadBalancerSourceRanges(List.of(Cidr.parse("10.0.0.0/8"))));
        edits.put("healthCheckNodePort", b -> b.healthCheckNodePort(30000));
        edits.put("publishNotReadyAddresses", b -> b.publishNotReadyAddresses(true));
        edits.put("selector", b -> b.selector(Map.of("app", "x")));
        edits.put("annotations", b -> b.annotations(Map.of("sluice.io/balancer", "maglev")));
        edits.put("createdAt", b -> b.createdAt(Instant.ofEpochSecond(1)));
        edits.put("exclusion", b -> b.exclusion("service.kubernetes.io/headless"));
        Set<String> components = new TreeSet<>(Arrays.stream(Service.class.getRecordComponents())
                .map(RecordComponent::getName).filter(name -> !name.equals("name")).toList());
        assertThat(edits.keySet()).isEqualTo(components);
        edits.forEach((field, edit) -> {
            String text = changes(new ServiceState(builder().build(), List.of()),
                    new ServiceState(edit.apply(builder()).build(), List.of()));
            assertThat(text).as(field).startsWith("ServiceChanged changed: ").contains(" → ").doesNotContain("; ");
        });
    }

    @Test
    void fields_are_shown_as_manifests_write_them() {
        Service before = builder().build();
        Service now = builder().ports(List.of(new ServicePort("http", Protocol.TCP, 81, 30080, "web", null)))
                .selector(Map.of("b", "2", "a", "1")).internalTrafficPolicy(TrafficPolicy.LOCAL).build();
        assertThat(changes(new ServiceState(before, List.of()), new ServiceState(now, List.of()))).isEqualTo(
                "ServiceChanged changed: ports http 80/TCP to 8080 → http 81:30080/TCP to web; internalTrafficPolicy Cluster"
                        + " → Local; selector {} → {a=1, b=2}");
    }

    @Test
    void a_long_value_is_cut() {
        Map<String, String> labels = new TreeMap<>();
        for (int i = 0; i < 1000; i++) {
            labels.put("label" + i, "value");
        }
        String text = changes(new ServiceState(builder().build(), List.of()),
                new ServiceState(builder().selector(labels).build(), List.of()));
        assertThat(text).hasSizeLessThan(Change.LONGEST).contains("characters left out");
    }

    @Test
    void a_port_that_is_empty_for_the_same_reason_is_no_change_and_for_another_one_is() {
        ServiceState none = empty(new EmptyReason.NoneReady(1, List.of("a")));
        assertThat(changes(none, empty(new EmptyReason.NoneReady(2, List.of("a", "b"))))).isEmpty();
        assertThat(changes(none, empty(new EmptyReason.NothingWritten()))).startsWith("PortEmptied");
    }

    private static ServiceState empty(EmptyReason reason) {
        return new ServiceState(builder().build(), List.of(new PortState(HTTP, EndpointSet.EMPTY, reason)));
    }

    /** Played back on the state before, the changes of endpoints make the state after. */
    @Test
    void changes_between_random_snapshots_tell_which_endpoints_and_services_there_are() {
        for (long seed = 0; seed < 500; seed++) {
            Random random = new Random(seed);
            ClusterSnapshot before = random(random, 1);
            ClusterSnapshot now = random(random, 2);
            Set<String> names = names(before);
            List<Change> changes = new ArrayList<>();
            Differences.between(before, now, changes::add);
            for (Change change : changes) {
                String service = String.valueOf(change.service());
                switch (change) {
                    case Change.ServiceAdded added -> names.add(service);
                    case Change.ServiceRemoved removed -> names.removeIf(name -> name.startsWith(service));
                    case Change.EndpointChange(var port, var endpoint, var pod, var step, var detail) -> {
                        if (step == Change.Step.ADDED) {
                            names.add(service + " " + endpoint);
                        } else if (step == Change.Step.REMOVED) {
                            names.remove(service + " " + endpoint);
                        }
                    }
                    default -> {
                        // Does not change what is there.
                    }
                }
            }
            assertThat(names).as("seed %s", seed).isEqualTo(names(now));
            assertThat(changes.isEmpty()).as("seed %s", seed).isEqualTo(before.services().equals(now.services()));
        }
    }

    private static ClusterSnapshot random(Random random, long version) {
        Map<ServiceName, ServiceState> services = new HashMap<>();
        for (char letter = 'a'; letter < 'e'; letter++) {
            if (random.nextBoolean()) {
                StringBuilder endpoints = new StringBuilder();
                for (int i = 1; i < 5; i++) {
                    if (random.nextBoolean()) {
                        endpoints.append(i).append(random.nextBoolean() ? " ready;" : ";");
                    }
                }
                ServiceName name = new ServiceName("shop", "s" + letter);
                services.put(name, state(name, endpoints.toString()));
            }
        }
        return new ClusterSnapshot(version, Instant.EPOCH, new NodeTopology("n", "z"), services);
    }

    private static Set<String> names(ClusterSnapshot snapshot) {
        Set<String> names = new TreeSet<>();
        snapshot.services().values().forEach(state -> {
            names.add(state.service().name().toString());
            state.ports().forEach(port -> port.endpoints().endpoints()
                    .forEach(e -> names.add(state.service().name() + " " + e.address())));
        });
        return names;
    }

    private static String changes(ServiceState before, ServiceState now) {
        List<String> texts = new ArrayList<>();
        Differences.between(before, now, change -> {
            assertThat(change.service()).isEqualTo(NAME);
            texts.add(change.type() + " " + change.message());
        });
        return String.join("; ", texts);
    }

    private static ServiceState state(String endpoints) {
        return state(NAME, endpoints);
    }

    private static ServiceState state(ServiceName name, String endpoints) {
        List<Endpoint> list = new ArrayList<>();
        for (String text : endpoints.split(";", -1)) {
            if (!text.isBlank()) {
                list.add(endpoint(List.of(text.strip().split(" ", -1))));
            }
        }
        boolean empty = list.stream().noneMatch(e -> e.ready() || e.serving() && e.terminating());
        Service service = builder(name).build();
        return new ServiceState(service, List.of(new PortState(HTTP, EndpointSet.of(list),
                empty ? new EmptyReason.NothingWritten() : null)));
    }

    private static Endpoint endpoint(List<String> words) {
        Endpoint.Builder endpoint = Endpoint
                .builder(new EndpointAddress(IpAddresses.parse("10.1.0." + words.getFirst()), 8080))
                .ready(words.contains("ready")).serving(words.contains("ready") || words.contains("serving"))
                .terminating(words.contains("terminating"));
        words.stream().filter(word -> word.startsWith("pod=")).forEach(word -> endpoint.target(word.substring(4)));
        words.stream().filter(word -> word.startsWith("node=")).forEach(word -> endpoint.node(word.substring(5)));
        return endpoint.build();
    }

    private static Service.Builder builder() {
        return builder(NAME);
    }

    private static Service.Builder builder(ServiceName name) {
        return Service.builder(name).clusterIps(List.of(IpAddresses.parse("10.96.0.1"))).ports(List.of(HTTP));
    }
}
