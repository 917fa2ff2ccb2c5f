package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.ServiceState.PortState;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Services are written as {@code name=port:endpoint}. */
class ChangeCountTest {

    @ParameterizedTest(name = "from ''{0}'' to ''{1}''")
    @CsvSource({"'', '', 0, 0", "a=1:1, a=1:1, 0, 0", "a=1:1, a=1:2, 0, 1", "a=1:1, a=2:1, 1, 0",
            "a=1:1, a=2:2, 1, 1", "'', a=1:1, 1, 1", "a=1:1, '', 1, 1", "a=1:1, b=1:1, 2, 2",
            "a=1:1 b=1:1, a=1:1 c=1:1, 2, 2", "a=1:1 b=1:1 c=1:1, a=1:2 b=2:1 c=1:1, 1, 1",
            "a=1:1 b=1:1, b=1:2, 1, 2", "a=1:1 c=1:1, b=1:1 c=1:2, 2, 3"})
    void counts_services_and_those_with_other_endpoints(String before, String after, int services, int endpoints) {
        assertThat(ChangeCount.between(ServiceMap.of(read(before)), ServiceMap.of(read(after))))
                .isEqualTo(new ChangeCount(services, endpoints));
    }

    private static Map<ServiceName, ServiceState> read(String text) {
        Map<ServiceName, ServiceState> services = new TreeMap<>();
        for (String word : text.isEmpty() ? new String[0] : text.split(" ", -1)) {
            String[] parts = word.split("[=:]", -1);
            ServiceName name = new ServiceName("default", parts[0]);
            ServicePort port = new ServicePort("", Protocol.TCP, Integer.parseInt(parts[1]), 0, "80", null);
            Service service = Service.builder(name).clusterIps(List.of(IpAddresses.parse("10.96.0.1")))
                    .ports(List.of(port)).build();
            EndpointSet endpoints = EndpointSet.of(List.of(Endpoint.ready(
                    new EndpointAddress(IpAddresses.parse("10.1.0." + parts[2]), 80))));
            services.put(name, new ServiceState(service, List.of(new PortState(port, endpoints, null))));
        }
        return services;
    }
}
