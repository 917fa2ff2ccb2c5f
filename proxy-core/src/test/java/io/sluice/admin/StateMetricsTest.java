package io.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.ChangeCount;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceType;
import io.sluice.service.TrafficPolicy;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What metrics show of the state that is applied. */
class StateMetricsTest extends ServedAdmin {

    @ParameterizedTest(name = "internal {0}, external {1}, endpoints {2}: {3} {4} without a local one")
    @CsvSource({"CLUSTER, CLUSTER, there, 0, 0", "LOCAL, CLUSTER, there, 1, 0", "CLUSTER, LOCAL, there, 0, 1",
            "LOCAL, LOCAL, there, 1, 1", "LOCAL, LOCAL, here, 0, 0", "LOCAL, LOCAL, nowhere, 0, 0",
            "LOCAL, LOCAL, notReady, 0, 0"})
    void ports_whose_endpoints_are_all_elsewhere_are_counted_by_family_and_policy(TrafficPolicy internal,
            TrafficPolicy external,
            String endpoints, int internally, int externally) {
        ServicePort port = new ServicePort("http", Protocol.TCP, 80, 30080, "web", null);
        Service service = Service.builder(new ServiceName("default", "kubia")).type(ServiceType.NODE_PORT)
                .clusterIps(List.of(IpAddresses.parse("10.96.0.1"), IpAddresses.parse("fd00::1"))).ports(List.of(port))
                .internalTrafficPolicy(internal).externalTrafficPolicy(external).createdAt(NOW).build();
        List<Endpoint> known = switch (endpoints) {
            case "there" -> List.of(ScriptedDaemon.endpoint("fd01::3", true, "node-b", null));
            case "here" -> List.of(ScriptedDaemon.endpoint("fd01::3", true, "node-b", null),
                    ScriptedDaemon.endpoint("fd01::4", true, "node-a", null));
            case "notReady" -> List.of(ScriptedDaemon.endpoint("fd01::3", false, "node-b", null));
            default -> List.of();
        };
        daemon.applied = ScriptedDaemon.applied(
                List.of(new ServiceState(service, List.of(new PortState(port, EndpointSet.of(known), null)))),
                Map.of());

        assertThat(registry.scrape("application/openmetrics-text; version=1.0.0; charset=utf-8")).contains(
                "# TYPE kubeproxy_sync_proxy_rules_no_local_endpoints_total gauge");
        String name = "kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family=\"";
        assertThat(registry.scrape()).contains(name + "IPv6\",traffic_policy=\"internal\"} " + internally + ".0",
                name + "IPv6\",traffic_policy=\"external\"} " + externally + ".0",
                name + "IPv4\",traffic_policy=\"internal\"} 0.0", name + "IPv4\",traffic_policy=\"external\"} 0.0");
    }

    @Test
    void what_waits_to_be_applied_is_shown() {
        daemon.waiting = new ChangeCount(3, 4);

        assertThat(registry.scrape()).contains("kubeproxy_sync_proxy_rules_service_changes_pending 3.0",
                "kubeproxy_sync_proxy_rules_endpoint_changes_pending 4.0");
    }

    @Test
    void ports_that_cannot_be_served_have_a_series_with_their_name() {
        daemon.applied = ScriptedDaemon.threeServices();

        assertThat(registry.scrape().lines().filter(line -> line.startsWith("sluice_service_listeners")
                || line.startsWith("sluice_service_without"))).containsExactlyInAnyOrder(
                        "sluice_service_listeners_failed{namespace=\"default\",port=\"http\",service=\"kubia\"} 1.0",
                        "sluice_service_without_endpoints{namespace=\"default\",port=\"\",service=\"lonely\"} 1.0");
    }

    @Test
    void of_many_ports_that_cannot_be_served_the_first_by_name_have_a_series() {
        daemon.applied = ScriptedDaemon.applied(IntStream.range(0, 60).mapToObj(i -> {
            ServicePort port = new ServicePort("http", Protocol.TCP, 80, 0, "web", null);
            Service service = Service.builder(new ServiceName("default", "s%02d".formatted(i)))
                    .clusterIps(List.of(IpAddresses.parse("10.96.0." + (i + 1)))).ports(List.of(port)).build();
            return new ServiceState(service, List.of(new PortState(port, EndpointSet.EMPTY, null)));
        }).toList(), Map.of());

        assertThat(registry.scrape().lines().filter(line -> line.startsWith("sluice_service_without"))).hasSize(50)
                .anyMatch(line -> line.contains("s49")).noneMatch(line -> line.contains("s50"))
                .allMatch(line -> line.endsWith(" 1.0"));
        assertThat(registry.scrape()).contains("sluice_service_ports_empty 60.0");
    }
}
