package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.LocalListeners.Listener;
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
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which ports a daemon would take from programs that are yet to start; a Service is written as {@code name:port>endpoint}. */
class TakenPortsTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            the program's own port            | api:8080>127.0.0.1:8080                          | ''              | 0     | api
            it runs at its address            | api:8080>127.0.0.1:8080                          | 127.0.0.1:8080  | 0     | ''
            it runs at all addresses          | api:8080>127.0.0.1:8080                          | 0.0.0.0:8080    | 0     | ''
            another runs at another address   | api:8080>127.0.0.1:8080                          | 127.0.0.9:8080  | 0     | api
            another port                      | api:80>127.0.0.1:8080                            | ''              | 0     | ''
            the offset moves it away          | api:8080>127.0.0.1:8080                          | ''              | 10000 | ''
            the offset moves it there         | api:80>127.0.0.1:8080                            | ''              | 8000  | api
            the port of another Service       | api:80>127.0.0.1:8080 web:8080>127.0.0.1:3000    | ''              | 0     | web
            two programs at one port          | api:8080>127.0.0.1:8080 web:80>127.0.0.2:8080    | ''              | 0     | api
            it runs elsewhere                 | api:8080>10.0.0.1:8080                           | ''              | 0     | ''
            it is not ready anyway            | api:8080>-127.0.0.1:8080                         | ''              | 0     | ''
            """)
    void a_port_that_a_program_needs_at_all_addresses_is_named(String what, String services, String listening,
            int offset, String named) {
        assertThat(TakenPorts.byServices(snapshot(services), offset, sockets(listening)))
                .extracting(TakenPorts.Taken::port)
                .isEqualTo(named.isEmpty() ? List.of() : List.of("Service default/" + named + " port "
                        + services.replaceAll(".*\\b" + named + ":([0-9]+)>.*", "$1") + "/TCP"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|',
            value = "api:8080>127.0.0.1:8080 | nothing listens at the endpoint 127.0.0.1:8080 (pod api-1) yet:"
                    + " have that program listen at 127.0.0.1 alone (HOST=, --host, server.address), as at all addresses it cannot start"
                    + " while Sluice listens at 127.9.0.1:8080; or use --port-offset 10000")
    void the_message_names_who_is_in_the_way_and_the_ways_out(String services, String message) {
        assertThat(TakenPorts.byServices(snapshot(services), 0, List.of())).singleElement()
                .extracting(TakenPorts.Taken::message).isEqualTo(message);
    }

    private static List<Listener> sockets(String text) {
        return Stream.of(text.split(" ", -1)).filter(word -> !word.isEmpty()).map(TakenPortsTest::address)
                .map(at -> new Listener(at.ip(), at.port(), 1)).toList();
    }

    private static EndpointAddress address(String text) {
        String[] parts = text.split(":", -1);
        return new EndpointAddress(IpAddresses.parse(parts[0]), Integer.parseInt(parts[1]));
    }

    private static ClusterSnapshot snapshot(String services) {
        Map<ServiceName, ServiceState> states = new HashMap<>();
        for (String text : services.split(" ", -1)) {
            String[] parts = text.split("[:>]", 3);
            ServiceName name = new ServiceName("default", parts[0]);
            ServicePort port = new ServicePort("", Protocol.TCP, Integer.parseInt(parts[1]), 0, parts[1], null);
            boolean ready = !parts[2].startsWith("-");
            Endpoint endpoint =
                    Endpoint.builder(address(parts[2].replace("-", ""))).ready(ready).target(parts[0] + "-1").build();
            states.put(name, new ServiceState(
                    Service.builder(name).clusterIps(List.of(IpAddresses.parse("127.9.0.1"))).ports(List.of(port))
                            .build(),
                    List.of(new PortState(port, EndpointSet.of(List.of(endpoint)), null))));
        }
        return new ClusterSnapshot(1, Instant.EPOCH, new NodeTopology("node", null), states);
    }
}
