package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.Routing;
import io.sluice.proxy.AddressKind;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
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
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceType;
import io.sluice.source.Problem;
import io.sluice.source.manifest.LoadedManifests;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How a snapshot is shown by {@code check}, {@code run} and {@code demo}. */
class SnapshotViewTest {

    private static final ServicePort HTTP = new ServicePort("http", Protocol.TCP, 80, 0, "8080", null);
    private static final ServicePort HTTPS = new ServicePort("https", Protocol.TCP, 443, 30443, "8443", null);

    private final ClusterSnapshot snapshot = snapshot(
            service("kubia", ServiceType.CLUSTER_IP, "127.120.1.2",
                    new PortState(HTTP, endpoints(6, 8080), null),
                    new PortState(HTTPS, EndpointSet.EMPTY, new EmptyReason.NothingWritten())),
            service("out", ServiceType.EXTERNAL_NAME, null));

    @Test
    void there_is_one_row_for_each_port_and_empty_ports_say_why() {
        assertThat(SnapshotView.table(snapshot).toString().lines()).containsExactly(
                "NAMESPACE   NAME    TYPE           CLUSTER-IP    PORT            TARGET   ENDPOINTS",
                "default     kubia   ClusterIP      127.120.1.2   80/TCP          8080     127.0.0.1:8080,127.0.0.2:8080,"
                        + "127.0.0.3:8080,127.0.0.4:8080 + 2 more...",
                "default     kubia   ClusterIP      127.120.1.2   443:30443/TCP   8443     <none> (no selector, and no "
                        + "Endpoints or EndpointSlice is written for it)",
                "default     out     ExternalName   <none>        <none>          <none>   not proxied: a name for "
                        + "api.example.com");
    }

    @Test
    void what_is_applied_is_shown_with_where_it_is_served() {
        InetSocketAddress address = new InetSocketAddress(IpAddresses.parse("127.120.1.2"), 8080);
        Map<ServicePortName, AppliedPort> ports = new LinkedHashMap<>();
        ServiceName name = new ServiceName("default", "kubia");
        ports.put(new ServicePortName(name, "http", Protocol.TCP), new AppliedPort(List.of(
                new ListenerState(address, AddressKind.CLUSTER_IP, ListenerStatus.LISTENING, null)), Routing.NONE));
        ports.put(new ServicePortName(name, "https", Protocol.TCP), new AppliedPort(List.of(
                new ListenerState(address, AddressKind.CLUSTER_IP, ListenerStatus.NO_ENDPOINTS, null),
                new ListenerState(address, AddressKind.NODE_PORT, ListenerStatus.FAILED, "in use")), Routing.NONE));

        String table = SnapshotView.table(new AppliedState(snapshot, Instant.EPOCH, Duration.ZERO, ports)).toString();

        assertThat(table).contains("80/TCP          127.120.1.2:8080  ",
                "127.120.1.2:8080 (refused),127.120.1.2:8080 (failed)");
    }

    @Test
    void the_summary_counts_what_there_is() {
        assertThat(SnapshotView.summary(snapshot))
                .isEqualTo("2 Services, 2 ports, 6 endpoints, 1 port without endpoints");
        assertThat(SnapshotView.summary(snapshot())).isEqualTo("0 Services, 0 ports, 0 endpoints");
    }

    @Test
    void json_has_services_and_problems() {
        JsonNode json = JsonMapper.shared().readTree(SnapshotView.json(new LoadedManifests(snapshot, List.of(
                new Problem(Problem.Severity.WARNING, "a.yaml:3", "Service default/x", "is doubtful")), Map.of(),
                List.of("a/values.yaml"), List.of(), List.of(), List.of())));

        JsonNode port = json.at("/services/0/ports/0");
        assertThat(port.path("port").asInt()).isEqualTo(80);
        assertThat(port.at("/endpoints/0/address").asString()).isEqualTo("127.0.0.1:8080");
        assertThat(json.at("/services/0/ports/1/whyEmpty/reason").asString()).isEqualTo("NothingWritten");
        assertThat(json.at("/services/1/externalName").asString()).isEqualTo("api.example.com");
        assertThat(json.at("/problems/0/severity").asString()).isEqualTo("warning");
        assertThat(json.at("/passedOver/0").asString()).isEqualTo("a/values.yaml");
        assertThat(json.at("/problems/0/location").asString()).isEqualTo("a.yaml:3");
    }

    private static EndpointSet endpoints(int count, int port) {
        return EndpointSet.of(IntStream.rangeClosed(1, count).mapToObj(
                i -> Endpoint.ready(new EndpointAddress(IpAddresses.parse("127.0.0." + i), port))).toList());
    }

    private static ClusterSnapshot snapshot(ServiceState... services) {
        Map<ServiceName, ServiceState> byName = new LinkedHashMap<>();
        for (ServiceState service : services) {
            byName.put(service.service().name(), service);
        }
        return new ClusterSnapshot(1, Instant.EPOCH, new NodeTopology("node", null), byName);
    }

    private static ServiceState service(String name, ServiceType type, String clusterIp, PortState... ports) {
        Service service = Service.builder(new ServiceName("default", name)).type(type)
                .clusterIps(clusterIp == null ? List.of() : List.of(IpAddresses.parse(clusterIp)))
                .externalName(type == ServiceType.EXTERNAL_NAME ? "api.example.com" : null)
                .ports(List.of(ports).stream().map(PortState::port).toList()).build();
        return new ServiceState(service, List.of(ports));
    }
}
