package io.sluice.env;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.ClusterSnapshot;
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
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Names of Services for hosts(5). */
class HostNamesTest {

    private static Endpoint pod(String ip, String hostname, boolean ready) {
        return Endpoint.builder(new EndpointAddress(IpAddresses.parse(ip), 5432)).hostname(hostname).ready(ready)
                .build();
    }

    @Test
    void a_service_has_all_names_that_a_pods_search_list_makes_and_a_headless_ones_pods_have_theirs() {
        Service api = Service.builder(new ServiceName("shop", "api"))
                .clusterIps(List.of(IpAddresses.parse("127.120.0.1"), IpAddresses.parse("fd00::1"))).build();
        Service db = Service.builder(new ServiceName("shop", "db")).headless(true).build();
        Service other =
                Service.builder(new ServiceName("a", "web")).clusterIps(List.of(IpAddresses.parse("127.120.0.2")))
                        .build();
        Service name = Service.builder(new ServiceName("shop", "name")).type(ServiceType.EXTERNAL_NAME)
                .externalName("example.com").build();
        ServicePort port = new ServicePort("", Protocol.TCP, 5432, 0, "5432", null);
        ClusterSnapshot snapshot = new ClusterSnapshot(1, Instant.EPOCH, new NodeTopology("n", null),
                Map.of(api.name(), new ServiceState(api, List.of()), other.name(), new ServiceState(other, List.of()),
                        name.name(), new ServiceState(name, List.of()),
                        db.name(), new ServiceState(db, List.of(new PortState(port, EndpointSet.of(List.of(
                                pod("127.122.1.1", "db-0", true), pod("127.122.1.2", "db-1", true),
                                pod("127.122.1.3", "db-2", false))), null)))));

        assertThat(HostNames.text(HostNames.of(snapshot, "shop", "cluster.local"))).isEqualTo("""
                127.120.0.2\tweb.a.svc.cluster.local web.a.svc web.a
                127.120.0.1\tapi.shop.svc.cluster.local api.shop.svc api.shop api
                fd00::1\tapi.shop.svc.cluster.local api.shop.svc api.shop api
                127.122.1.1\tdb.shop.svc.cluster.local db.shop.svc db.shop db
                127.122.1.2\tdb.shop.svc.cluster.local db.shop.svc db.shop db
                127.122.1.1\tdb-0.db.shop.svc.cluster.local db-0.db.shop.svc db-0.db.shop db-0.db
                127.122.1.2\tdb-1.db.shop.svc.cluster.local db-1.db.shop.svc db-1.db.shop db-1.db
                """);
    }
}
