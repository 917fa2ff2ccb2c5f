package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.reconcile.ChangeScope.Dependents;
import io.sluice.service.ClusterFacts;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.NodeTopology;
import io.sluice.service.Pod;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which way a change goes; without a socket. */
class ChangeScopeTest {

    private static final NodeTopology NODE = new NodeTopology("node", "a");
    private static final ServiceName LOOPED = new ServiceName("default", "looped");
    private static final EndpointAddress CLAIMED = new EndpointAddress(IpAddresses.parse("10.96.0.1"), 80);
    private static final Dependents DEPENDENTS = new Dependents(CLAIMED::equals, LOOPED::equals, false);

    /** Services are separated by semicolons. */
    @ParameterizedTest(name = "{0}: {3}")
    @CsvSource(delimiter = '|', textBlock = """
            the same once more                         | s/web cluster 10.96.0.1 endpoint 10.1.0.1:80 | s/web cluster 10.96.0.1 endpoint 10.1.0.1:80 | nothing
            no Service before and after                | ''                                           | ''                                           | nothing
            an endpoint comes                          | s/web cluster 10.96.0.1                      | s/web cluster 10.96.0.1 endpoint 10.1.0.1:80 | endpoints of web
            an endpoint goes                           | s/web cluster 10.96.0.1 endpoint 10.1.0.1:80 | s/web cluster 10.96.0.1                      | endpoints of web
            an endpoint takes another's place          | s/web cluster 10.96.0.1 endpoint 10.1.0.1:80 | s/web cluster 10.96.0.1 endpoint 10.1.0.2:80 | endpoints of web
            two of three Services get an endpoint      | s/a; s/b; s/c                                | s/a endpoint 10.1.0.1:80; s/b; s/c endpoint 10.1.0.1:80 | endpoints of a c
            a Service comes                            | s/web cluster 10.96.0.1                      | s/web cluster 10.96.0.1; s/other             | all
            a Service goes                             | s/web cluster 10.96.0.1; s/other             | s/web cluster 10.96.0.1                      | all
            a Service takes another's place            | s/web cluster 10.96.0.1                      | s/new cluster 10.96.0.1                      | all
            a Service gets another address             | s/web cluster 10.96.0.1                      | s/web cluster 10.96.0.2                      | all
            a Service gets another port                | s/web cluster 10.96.0.1                      | s/web cluster 10.96.0.1 port 81              | all
            a Service gets an annotation               | s/web                                        | s/web annotation sluice.io/balancer=random   | all
            an endpoint comes where addresses are decided | s/web                                     | s/web endpoint 10.96.0.1:80                  | all
            an endpoint goes where addresses are decided  | s/web endpoint 10.96.0.1:80               | s/web                                        | all
            an endpoint stays where addresses are decided | s/web endpoint 10.96.0.1:80               | s/web endpoint 10.96.0.1:80 endpoint 10.1.0.1:80 | endpoints of web
            an endpoint of a Service with loops comes  | default/looped                               | default/looped endpoint 10.1.0.1:80          | all
            endpoints that see the client's address    | s/web annotation sluice.io/preserve-source=true | s/web annotation sluice.io/preserve-source=true endpoint 10.1.0.1:80 | all
            """)
    void a_change_reaches_as_far_as_what_depends_on_it(String what, String before, String now, String scope) {
        assertThat(describe(ChangeScope.between(snapshot(1, before), snapshot(2, now), DEPENDENTS))).isEqualTo(scope);
    }

    @Test
    void nothing_is_known_of_a_first_snapshot_so_everything_is_looked_at() {
        assertThat(ChangeScope.between(null, snapshot(1, "s/web"), DEPENDENTS)).isEqualTo(new ChangeScope.All());
    }

    @Test
    void a_snapshot_that_is_applied_once_more_has_a_reason_outside_of_it() {
        ClusterSnapshot snapshot = snapshot(1, "s/web");
        assertThat(ChangeScope.between(snapshot, snapshot, DEPENDENTS)).isEqualTo(new ChangeScope.All());
    }

    @Test
    void while_replies_are_routed_every_change_of_endpoints_may_concern_the_routes() {
        Dependents routed = new Dependents(e -> false, s -> false, true);
        assertThat(ChangeScope.between(snapshot(1, "s/web"), snapshot(2, "s/web endpoint 10.1.0.1:80"), routed))
                .isEqualTo(new ChangeScope.All());
    }

    @Test
    void another_zone_of_the_node_and_other_facts_of_the_cluster_concern_every_service() {
        ClusterSnapshot before = snapshot(1, "s/web");
        assertThat(ChangeScope.between(before, new ClusterSnapshot(2, Instant.EPOCH, new NodeTopology("node", "b"),
                before.services(), List.of(), List.of()), DEPENDENTS)).isEqualTo(new ChangeScope.All());
        assertThat(ChangeScope.between(before, new ClusterSnapshot(2, Instant.EPOCH, NODE, before.services(), List.of(),
                List.of(), new ClusterFacts(true, Map.of(IpAddresses.parse("192.168.77.2"), "worker-2"), Set.of(),
                        Set.of())),
                DEPENDENTS)).isEqualTo(new ChangeScope.All());
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            a Service with a cluster address | s/web cluster 10.96.0.1                   | false | false
            a headless Service               | s/web                                     | true  | false
            a Service with a health check    | s/web cluster 10.96.0.1 healthcheck 30000 | false | true
            """)
    void names_and_health_checks_follow_endpoints_of_services_that_show_them(String what, String service,
            boolean names, boolean healthChecks) {
        ChangeScope scope = ChangeScope.between(snapshot(1, service), snapshot(2, service + " endpoint 10.1.0.1:80"),
                DEPENDENTS);
        assertThat(scope.concernsNames()).as("names").isEqualTo(names);
        assertThat(scope.concernsHealthChecks()).as("health checks").isEqualTo(healthChecks);
    }

    @Test
    void names_follow_pods_although_no_service_changes() {
        ClusterSnapshot before = snapshot(1, "s/web");
        ChangeScope scope = ChangeScope.between(before, new ClusterSnapshot(2, Instant.EPOCH, NODE, before.services(),
                List.of(new Pod("s", "web-1", List.of(IpAddresses.parse("10.1.0.1")), true))), DEPENDENTS);
        assertThat(describe(scope)).isEqualTo("endpoints of");
        assertThat(scope.concernsNames()).isTrue();
        assertThat(scope.concernsHealthChecks()).isFalse();
    }

    @Test
    void where_everything_is_looked_at_names_and_health_checks_are_too_and_where_nothing_is_they_are_not() {
        assertThat(new ChangeScope.All().concernsNames()).isTrue();
        assertThat(new ChangeScope.All().concernsHealthChecks()).isTrue();
        assertThat(new ChangeScope.Nothing().concernsNames()).isFalse();
        assertThat(new ChangeScope.Nothing().concernsHealthChecks()).isFalse();
    }

    private static String describe(ChangeScope scope) {
        return switch (scope) {
            case ChangeScope.Nothing() -> "nothing";
            case ChangeScope.Endpoints endpoints -> ("endpoints of " + endpoints.services().stream()
                    .map(state -> state.service().name().name()).collect(Collectors.joining(" "))).strip();
            case ChangeScope.All() -> "all";
        };
    }

    private static ClusterSnapshot snapshot(long version, String services) {
        Map<ServiceName, ServiceState> states = new HashMap<>();
        Stream.of(services.split(";", -1)).filter(words -> !words.isBlank()).map(Claimant::of)
                .forEach(state -> states.put(state.service().name(), state));
        return new ClusterSnapshot(version, Instant.EPOCH, NODE, states);
    }
}
