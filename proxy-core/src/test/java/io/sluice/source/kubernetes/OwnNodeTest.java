package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.source.Problem;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A node that the cluster does not know is told, with the name that was probably meant. */
class OwnNodeTest {

    private static OwnNode.Endpoints endpoints(Set<String> zones, String... nodes) {
        return new OwnNode.Endpoints() {
            @Override
            public Set<String> nodeNames() {
                return Set.of(nodes);
            }

            @Override
            public Set<String> hintedZones() {
                return zones;
            }
        };
    }

    private static String problem(OwnNode node) {
        return node.problem().map(Problem::toString).orElse("");
    }

    @ParameterizedTest(name = "{0} among {1}: {2}")
    @CsvSource({"worker-1, worker-1.example.internal, '; did you mean worker-1.example.internal?'",
            "worker-1.example.internal, worker-1, ; did you mean worker-1?",
            "wroker-1, worker-1, ; did you mean worker-1?",
            "worker-1, elsewhere, ''"})
    void a_name_that_no_node_has_is_told_with_the_nearest(String name, String other, String meant) {
        OwnNode node = new OwnNode(name);
        node.look(null, endpoints(Set.of(), other), 0);

        assertThat(problem(node)).startsWith("node: the cluster has no Node '" + name + "'")
                .contains("--hostname-override or NODE_NAME").endsWith("this node's Node" + meant);
    }

    @Test
    void it_is_over_when_the_node_is_there() {
        OwnNode node = new OwnNode("a");
        assertThat(problem(node)).isEmpty();
        node.look(null, endpoints(Set.of("z", "y")), 0);
        node.look(new NodeFacts("z", false, List.of()), endpoints(Set.of("z", "y")), 0);

        assertThat(problem(node)).isEmpty();
    }

    @Test
    void a_node_without_a_zone_is_told_only_where_endpoints_are_meant_for_zones() {
        OwnNode node = new OwnNode("a");
        node.look(new NodeFacts(null, false, List.of()), endpoints(Set.of()), 0);
        assertThat(problem(node)).isEmpty();
        node.look(new NodeFacts(null, false, List.of()), endpoints(Set.of("z", "y")), TimeUnit.MINUTES.toNanos(1));

        assertThat(problem(node)).contains("has no label topology.kubernetes.io/zone");
    }

    @Test
    void a_node_whose_zone_no_endpoint_is_meant_for_is_told() {
        OwnNode node = new OwnNode("a");
        node.look(new NodeFacts("x", false, List.of()), endpoints(Set.of("z", "y")), 0);

        assertThat(problem(node)).contains("topology.kubernetes.io/zone=x", "other zones alone (y, z)");
    }
}
