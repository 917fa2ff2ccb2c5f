package io.sluice.balance;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.EndpointSelection.Categorized;
import io.sluice.balance.EndpointSelection.Rule;
import io.sluice.balance.EndpointSelection.TopologyMode;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.TrafficPolicy;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The rules of kube-proxy's {@code CategorizeEndpoints} as a table. An endpoint is written as the last octet of its
 * address and words: {@code ready}, {@code unready}, {@code leaving} (terminating and still serving), {@code gone}
 * (terminating and not serving), {@code n1} for its node, {@code zone=a} and {@code node=n1} for its hints. This node is
 * n1 in zone a, unless a row says otherwise.
 */
class EndpointSelectionTest {

    private static final NodeTopology HERE = new NodeTopology("n1", "a");

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            all ready endpoints, wherever they are                      | 1 ready n1; 2 ready n2; 3 ready                                           | 1 2 3 | 1
            no endpoints                                                | ''                                                                        | ''    | ''
            what is not ready is not used                               | 1 ready n1; 2 unready n1; 3 unready n2                                    | 1     | 1
            nothing is ready: nothing is used                           | 1 unready n1; 2 unready n2                                                | ''    | ''
            what leaves is not used while others are ready              | 1 ready n1; 2 leaving n1; 3 leaving n2                                    | 1     | 1
            only leaving ones: all that serve are used                  | 1 leaving n1; 2 leaving n2; 3 gone n1; 4 unready n1                       | 1 2   | 1
            what leaves and does not serve is never used                | 1 gone n1; 2 gone n2                                                      | ''    | ''
            local falls back although remote ones are ready             | 1 leaving n1; 2 ready n2                                                  | 2     | 1
            cluster does not fall back while a remote one is ready      | 1 leaving n1; 2 ready n2; 3 leaving n2                                    | 2     | 1
            local does not fall back while a local one is ready         | 1 ready n1; 2 leaving n1                                                  | 1     | 1
            no local endpoints                                          | 1 ready n2; 2 leaving n2                                                  | 1     | ''
            an endpoint of an unknown node is not local                 | 1 ready                                                                   | 1     | ''
            published though not ready: ready and not serving           | 1 published n1; 2 unready n1                                              | 1     | 1
            published though leaving: ready while terminating           | 1 published leaving n1; 2 leaving n1                                      | 1     | 1
            """)
    void without_hints(String rule, String endpoints, String cluster, String local) {
        EndpointSelection selection = select(endpoints, HERE);
        assertThat(selection.topology()).isEqualTo(TopologyMode.NONE);
        assertThat(octets(selection.clusterEndpoints())).isEqualTo(cluster);
        assertThat(octets(selection.localEndpoints())).isEqualTo(local);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            endpoints of this zone                                      | a  | 1 ready n1 zone=a; 2 ready n2 zone=b; 3 ready n3 zone=a                   | SAME_ZONE | 1 3
            a hint may name several zones                               | a  | 1 ready n1 zone=b+a; 2 ready n2 zone=b                                    | SAME_ZONE | 1
            it is the hint that counts, not where an endpoint is        | b  | 1 ready n1 zone=a; 2 ready n2 zone=b                                      | SAME_ZONE | 2
            one ready endpoint has no hint: hints are ignored           | a  | 1 ready n1 zone=a; 2 ready n2                                             | NONE      | 1 2
            no hint names this zone: hints are ignored                  | c  | 1 ready n1 zone=a; 2 ready n2 zone=b                                      | NONE      | 1 2
            this node has no zone: hints are ignored                    | -  | 1 ready n1 zone=a; 2 ready n2 zone=b                                      | NONE      | 1 2
            this node's zone is empty: hints are ignored                | '' | 1 ready n1 zone=a; 2 ready n2 zone=b                                      | NONE      | 1 2
            a missing hint of what is not ready does not matter         | a  | 1 ready n1 zone=a; 2 unready n2; 3 leaving n2; 4 ready n2 zone=b          | SAME_ZONE | 1
            a hint of what is not ready does not count                  | a  | 1 unready n1 zone=a; 2 ready n2 zone=b                                    | NONE      | 2
            a hint of what leaves does not count                        | a  | 1 leaving n1 zone=a; 2 ready n2 zone=b                                    | NONE      | 2
            nothing ready: what leaves is used whatever its hints       | a  | 1 leaving n1 zone=a; 2 leaving n2 zone=b                                  | NONE      | 1 2
            endpoints of this node                                      | a  | 1 ready n1 node=n1; 2 ready n2 node=n2                                    | SAME_NODE | 1
            the node comes before the zone                              | a  | 1 ready n1 node=n1 zone=a; 2 ready n2 node=n2 zone=a                      | SAME_NODE | 1
            none on this node: this zone                                | a  | 1 ready n2 node=n2 zone=a; 2 ready n3 node=n3 zone=b                      | SAME_ZONE | 1
            none on this node nor in this zone: all                     | c  | 1 ready n2 node=n2 zone=a; 2 ready n3 node=n3 zone=b                      | NONE      | 1 2
            one ready endpoint has no node hint: the zone               | a  | 1 ready n1 node=n1 zone=a; 2 ready n2 zone=a; 3 ready n3 zone=b           | SAME_ZONE | 1 2
            one has no node hint, another no zone hint: all             | a  | 1 ready n1 node=n1; 2 ready n2 zone=a                                     | NONE      | 1 2
            node hints need no zone                                     | -  | 1 ready n1 node=n1; 2 ready n2 node=n2                                    | SAME_NODE | 1
            a node hint may name several nodes                          | a  | 1 ready n2 node=n2+n1; 2 ready n3 node=n3                                 | SAME_NODE | 1
            a node hint of what is not ready does not count             | a  | 1 unready n1 node=n1 zone=a; 2 ready n2 node=n2 zone=b                    | NONE      | 2
            """)
    void with_hints(String rule, String zone, String endpoints, TopologyMode mode, String cluster) {
        EndpointSelection selection = select(endpoints, new NodeTopology("n1", zone.equals("-") ? null : zone));
        assertThat(selection.topology()).isEqualTo(mode);
        assertThat(octets(selection.clusterEndpoints())).isEqualTo(cluster);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            hints do not narrow local endpoints          | 1 ready n1 zone=b; 2 ready n2 zone=a                    | 2   | 1
            a node hint does not make an endpoint local  | 1 ready n2 node=n1; 2 ready n1 node=n2                  | 1   | 2
            hints do not narrow local leaving endpoints  | 1 leaving n1 zone=b; 2 ready n2 zone=a                  | 2   | 1
            """)
    void local_endpoints_ignore_hints(String rule, String endpoints, String cluster, String local) {
        EndpointSelection selection = select(endpoints, HERE);
        assertThat(octets(selection.clusterEndpoints())).isEqualTo(cluster);
        assertThat(octets(selection.localEndpoints())).isEqualTo(local);
    }

    @ParameterizedTest(name = "internal {0}, external {1}: {2}")
    @CsvSource(delimiter = '|', textBlock = """
            CLUSTER | CLUSTER | 1 ready n1; 2 ready n2   | 1 2 | 1 2
            LOCAL   | CLUSTER | 1 ready n1; 2 ready n2   | 1   | 1 2
            CLUSTER | LOCAL   | 1 ready n1; 2 ready n2   | 1 2 | 1
            LOCAL   | LOCAL   | 1 ready n1; 2 ready n2   | 1   | 1
            LOCAL   | CLUSTER | 1 ready n2               | ''  | 1
            CLUSTER | LOCAL   | 1 ready n2               | 1   | ''
            LOCAL   | LOCAL   | 1 leaving n1; 2 ready n2 | 1   | 1
            LOCAL   | LOCAL   | 1 unready n1; 2 ready n2 | ''  | ''
            """)
    void traffic_policies(TrafficPolicy internal, TrafficPolicy external, String endpoints, String inside,
            String outside) {
        EndpointSelection selection =
                EndpointSelection.of(service(internal, external), endpoints(endpoints), HERE);
        assertThat(octets(selection.internalEndpoints())).isEqualTo(inside);
        assertThat(octets(selection.externalEndpoints())).isEqualTo(outside);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            no policy is Local: there is no local category             | CLUSTER | CLUSTER | 30080 | 1 2 | ''  | 1 2 | 1 2
            internal Local without outside: no cluster category        | LOCAL   | CLUSTER | 0     | ''  | 1   | 1   | ''
            internal Local with outside: both categories               | LOCAL   | CLUSTER | 30080 | 1 2 | 1   | 1   | 1 2
            external Local: both, the cluster's own goes anywhere      | CLUSTER | LOCAL   | 30080 | 1 2 | 1   | 1 2 | 1
            external Local without outside is ignored                  | CLUSTER | LOCAL   | 0     | 1 2 | ''  | 1 2 | 1 2
            both Local without outside                                 | LOCAL   | LOCAL   | 0     | ''  | 1   | 1   | ''
            """)
    void which_categories_a_service_uses(String rule, TrafficPolicy internal, TrafficPolicy external, int nodePort,
            String cluster, String local, String inside, String outside) {
        EndpointSelection selection = EndpointSelection.of(service(internal, external, nodePort),
                endpoints("1 ready n1; 2 ready n2"), HERE);
        assertThat(octets(selection.clusterEndpoints())).isEqualTo(cluster);
        assertThat(octets(selection.localEndpoints())).isEqualTo(local);
        assertThat(octets(selection.internalEndpoints())).isEqualTo(inside);
        assertThat(octets(selection.externalEndpoints())).isEqualTo(outside);
        assertThat(octets(selection.endpoints(Traffic.SHORT_CIRCUIT))).isEqualTo(cluster);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            1 ready n1; 2 ready n2 zone=a; 3 unready n1; 4 ready              | READY READY NOT_READY READY                                  | READY ON_ANOTHER_NODE NOT_READY ON_UNKNOWN_NODE
            1 ready n1 zone=b; 2 ready n2 zone=a; 3 leaving n1; 4 gone n1     | HINTED_FOR_OTHER_ZONES READY_IN_ZONE TERMINATING TERMINATED  | READY ON_ANOTHER_NODE TERMINATING TERMINATED
            1 ready n1 node=n1; 2 ready n2 node=n2                            | READY_FOR_NODE HINTED_FOR_OTHER_NODES                        | READY ON_ANOTHER_NODE
            1 leaving n1; 2 ready n2; 3 unready n1                            | TERMINATING READY NOT_READY                                  | LAST_RESORT_HERE ON_ANOTHER_NODE NOT_READY
            1 leaving n1; 2 leaving n2                                        | LAST_RESORT LAST_RESORT                                      | LAST_RESORT_HERE ON_ANOTHER_NODE
            """)
    void the_rule_that_decided_is_named(String endpoints, String cluster, String local) {
        EndpointSelection selection = select(endpoints, HERE);
        assertThat(rules(selection, Categorized::cluster)).isEqualTo(cluster);
        assertThat(rules(selection, Categorized::local)).isEqualTo(local);
    }

    private static String rules(EndpointSelection selection, Function<Categorized, Rule> category) {
        return selection.categorized().stream().map(j -> category.apply(j).name()).collect(Collectors.joining(" "));
    }

    @Test
    void the_order_by_address_is_kept() {
        assertThat(octets(select("3 ready n1; 1 ready n2; 2 ready n1", HERE).clusterEndpoints())).isEqualTo("1 2 3");
    }

    private static EndpointSelection select(String endpoints, NodeTopology node) {
        return EndpointSelection.of(service(TrafficPolicy.LOCAL, TrafficPolicy.CLUSTER), endpoints(endpoints), node);
    }

    private static Service service(TrafficPolicy internal, TrafficPolicy external) {
        return service(internal, external, 30080);
    }

    private static Service service(TrafficPolicy internal, TrafficPolicy external, int nodePort) {
        return Service.builder(new ServiceName("default", "kubia"))
                .ports(List.of(new ServicePort("", Protocol.TCP, 80, nodePort, "80", null)))
                .internalTrafficPolicy(internal).externalTrafficPolicy(external).build();
    }

    private static String octets(List<Endpoint> endpoints) {
        return endpoints.stream().map(e -> Integer.toString(e.address().ip().getAddress()[3]))
                .collect(Collectors.joining(" "));
    }

    private static EndpointSet endpoints(String text) {
        List<Endpoint> endpoints = new ArrayList<>();
        if (!text.isEmpty()) {
            for (String endpoint : text.split("; *", -1)) {
                endpoints.add(endpoint(List.of(endpoint.split(" ", -1))));
            }
        }
        return EndpointSet.of(endpoints);
    }

    private static Endpoint endpoint(List<String> words) {
        boolean ready = false;
        boolean serving = false;
        boolean terminating = false;
        @Nullable
        String node = null;
        Set<String> zones = new HashSet<>();
        Set<String> nodes = new HashSet<>();
        for (String word : words.subList(1, words.size())) {
            switch (word) {
                case "ready" -> {
                    ready = true;
                    serving = true;
                }
                case "published" -> ready = true;
                case "leaving" -> {
                    serving = !ready;
                    terminating = true;
                }
                case "gone" -> terminating = true;
                case "unready" -> {
                }
                default -> {
                    if (word.startsWith("zone=")) {
                        zones.addAll(List.of(word.substring(5).split("\\+", -1)));
                    } else if (word.startsWith("node=")) {
                        nodes.addAll(List.of(word.substring(5).split("\\+", -1)));
                    } else {
                        node = word;
                    }
                }
            }
        }
        return Endpoint.builder(new EndpointAddress(IpAddresses.parse("10.0.0." + words.getFirst()), 80)).ready(ready)
                .serving(serving).terminating(terminating).node(node).zoneHints(zones).nodeHints(nodes).build();
    }
}
