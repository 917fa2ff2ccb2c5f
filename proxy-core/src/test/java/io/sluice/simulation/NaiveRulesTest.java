package io.sluice.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.EndpointSelection;
import io.sluice.balance.Traffic;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceType;
import io.sluice.service.TrafficPolicy;
import io.sluice.simulation.NaiveRules.Backend;
import io.sluice.simulation.NaiveRules.From;
import io.sluice.simulation.NaiveRules.Policies;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The oracle against kube-proxy's rules (pkg/proxy/topology.go, KEP-1669, KEP-2086, KEP-2433, KEP-3015), row by row, and the
 * real selection against the oracle.
 */
class NaiveRulesTest {

    /**
     * An endpoint is written as its last number and its marks: {@code r} ready, {@code n} not ready, {@code t} terminating and
     * serving, {@code x} terminating and not serving, {@code u} nothing is said; {@code @} on this node, {@code /} on the other;
     * {@code a}, {@code b} hinted for that zone, {@code h} for this node, {@code o} for the other. This node is in zone a.
     */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            ready ones take it                                        | cluster        | to  | 1r 2r        | 1 2
            one that says nothing is ready                            | cluster        | to  | 1u           | 1
            one that is not ready takes nothing                       | cluster        | to  | 1n 2r        | 2
            none at all                                               | cluster        | to  |              |
            nobody is ready                                           | cluster        | to  | 1n           |
            terminating ones wait while others are ready              | cluster        | to  | 1t 2r        | 2
            terminating ones that serve are the last resort           | cluster        | to  | 1t 2x 3n     | 1
            … but not those that serve no more                        | cluster        | to  | 1x           |
            internal policy Local: those of this node                 | internal-local | to  | 1r@ 2r/      | 1
            … whose node is known                                     | internal-local | to  | 1r 2r/       |
            … a terminating one of this node before others elsewhere  | internal-local | to  | 1t@ 2r/      | 1
            … and hints do not matter                                 | internal-local | to  | 1r@b 2r/a    | 1
            external policy Local: those of this node                 | external-local | out | 1r@ 2r/      | 1
            … nobody here                                             | external-local | out | 2r/          |
            … pods and the node go anywhere                           | external-local | in  | 1r@ 2r/      | 1 2
            … connections to the cluster address go anywhere          | external-local | to  | 1r@ 2r/      | 1 2
            not reachable from outside: the external policy is void   | void-local     | out | 1r@ 2r/      | 1 2
            hints for this zone                                       | cluster        | to  | 1ra 2rb      | 1
            one without hints: hints are ignored                      | cluster        | to  | 1ra 2r       | 1 2
            no hint for this zone: hints are ignored                  | cluster        | to  | 1rb 2rb      | 1 2
            hints of one that is not ready do not count               | cluster        | to  | 1ra 2n 3rb   | 1
            hints for this node come first                            | cluster        | to  | 1rah 2rao    | 1
            … unless one has none: then zones count                   | cluster        | to  | 1rah 2ra 3rb | 1 2
            terminating ones are the last resort whatever their hints | cluster        | to  | 1tb          | 1
            an address twice: the ready one counts                    | cluster        | to  | 1n 1r        | 1
            an address twice: the terminating one that serves counts  | cluster        | to  | 1n 1t        | 1
            """)
    void a_rule_of_kube_proxy(String rule, String policies, String from, @Nullable String endpoints,
            @Nullable String expected) {
        assertThat(numbers(NaiveRules.allowed(policies(policies), backends(endpoints), Cluster.NODE, "a", from(from))))
                .as(rule).isEqualTo(expected == null ? List.of() : Arrays.asList(expected.split(" ")));
        assertThat(numbers(selected(policies(policies), backends(endpoints), "a", from(from)))).as("the real rules")
                .isEqualTo(expected == null ? List.of() : Arrays.asList(expected.split(" ")));
    }

    @Test
    void the_real_selection_is_what_the_naive_rules_say_for_any_service() {
        for (long seed = 0; seed < 100_000; seed++) {
            RandomGenerator random = new SplittableRandom(seed);
            Policies policies = new Policies(random.nextBoolean(), random.nextBoolean(), random.nextBoolean());
            String zone = random.nextInt(4) == 0 ? null : "a";
            double hinted = random.nextDouble();
            List<Backend> backends = new ArrayList<>();
            for (int i = random.nextInt(6); i > 0; i--) {
                backends.add(new Backend("10.244.0." + random.nextInt(1, 9), maybe(random), maybe(random),
                        random.nextBoolean(), random.nextInt(3) == 0 ? null
                                : random.nextBoolean() ? Cluster.NODE : Cluster.OTHER_NODE,
                        random.nextDouble() < hinted ? Set.of(random.nextBoolean() ? "a" : "b") : Set.of(),
                        random.nextDouble() < hinted * hinted
                                ? Set.of(random.nextBoolean() ? Cluster.NODE : Cluster.OTHER_NODE)
                                : Set.of()));
            }
            for (From from : From.values()) {
                assertThat(selected(policies, backends, zone, from))
                        .as("seed %d: %s %s in zone %s %s", seed, from, policies, zone, backends)
                        .isEqualTo(NaiveRules.allowed(policies, backends, Cluster.NODE, zone, from));
            }
        }
    }

    private static @Nullable Boolean maybe(RandomGenerator random) {
        return switch (random.nextInt(3)) {
            case 0 -> null;
            case 1 -> true;
            default -> false;
        };
    }

    private static Policies policies(String word) {
        return switch (word) {
            case "cluster" -> new Policies(false, false, true);
            case "internal-local" -> new Policies(true, false, true);
            case "external-local" -> new Policies(false, true, true);
            case "void-local" -> new Policies(false, true, false);
            default -> throw new IllegalArgumentException(word);
        };
    }

    private static From from(String word) {
        return switch (word) {
            case "to" -> From.TO_CLUSTER_ADDRESS;
            case "out" -> From.OUTSIDE;
            case "in" -> From.INSIDE;
            default -> throw new IllegalArgumentException(word);
        };
    }

    private static List<Backend> backends(@Nullable String words) {
        return words == null ? List.of() : Arrays.stream(words.split(" ")).map(NaiveRulesTest::backend).toList();
    }

    private static Backend backend(String word) {
        Boolean ready = word.contains("u") ? null : word.contains("r");
        Boolean serving = word.contains("u") ? null : word.contains("r") || word.contains("t");
        return new Backend("10.244.0." + word.charAt(0), ready, serving, word.contains("t") || word.contains("x"),
                word.contains("@") ? Cluster.NODE : word.contains("/") ? Cluster.OTHER_NODE : null,
                word.contains("a") ? Set.of("a") : word.contains("b") ? Set.of("b") : Set.of(),
                word.contains("h")
                        ? Set.of(Cluster.NODE)
                        : word.contains("o") ? Set.of(Cluster.OTHER_NODE) : Set.of());
    }

    private static List<String> numbers(List<String> addresses) {
        return addresses.stream().map(ip -> ip.substring(ip.lastIndexOf('.') + 1)).toList();
    }

    /** By the rules that ship. */
    private static List<String> selected(Policies policies, List<Backend> backends, @Nullable String zone, From from) {
        Service service = Service.builder(new ServiceName("blue", "web")).type(ServiceType.NODE_PORT)
                .clusterIps(List.of(IpAddresses.parse("10.96.0.9")))
                .ports(List.of(new ServicePort("", Protocol.TCP, 80, policies.reachableFromOutside() ? 30_080 : 0, "80",
                        null)))
                .internalTrafficPolicy(policies.internalLocal() ? TrafficPolicy.LOCAL : TrafficPolicy.CLUSTER)
                .externalTrafficPolicy(policies.externalLocal() ? TrafficPolicy.LOCAL : TrafficPolicy.CLUSTER).build();
        EndpointSet endpoints = EndpointSet.of(backends.stream()
                .map(b -> Endpoint.builder(new EndpointAddress(IpAddresses.parse(b.address()), 8080))
                        .ready(b.ready() == null || b.ready()).serving(b.serving() == null || b.serving())
                        .terminating(b.terminating()).node(b.node()).zoneHints(b.zoneHints())
                        .nodeHints(b.nodeHints()).build())
                .collect(Collectors.toList()));
        return EndpointSelection.of(service, endpoints, new NodeTopology(Cluster.NODE, zone))
                .endpoints(switch (from) {
                    case TO_CLUSTER_ADDRESS -> Traffic.INTERNAL;
                    case OUTSIDE -> Traffic.EXTERNAL;
                    case INSIDE -> Traffic.SHORT_CIRCUIT;
                }).stream().map(e -> IpAddresses.format(e.address().ip())).toList();
    }
}
