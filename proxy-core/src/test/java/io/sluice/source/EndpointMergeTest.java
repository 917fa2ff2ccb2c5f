package io.sluice.source;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.EmptyReason;
import io.sluice.service.EmptyReason.NoneInCluster;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState.PortState;
import io.sluice.source.EndpointSubset.Address;
import io.sluice.source.EndpointSubset.Port;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The endpoints of a port are all that subsets have for its name and protocol; if none takes connections, it says why. */
class EndpointMergeTest {

    private static final EmptyReason NOTHING = new NoneInCluster(Map.of("app", "kubia"));

    private static EndpointSubset subset(String text) {
        String[] parts = text.split(" with ", -1);
        List<Port> ports = Arrays.stream(parts[0].split(",")).map(port -> {
            String[] fields = port.strip().split("[=/]", -1);
            return new Port(fields[0], Protocol.valueOf(fields[2]), Integer.parseInt(fields[1]));
        }).toList();
        List<Address> addresses =
                parts.length == 1 ? List.of() : Arrays.stream(parts[1].split(",")).map(address -> {
                    String[] fields = address.strip().split(" ", 2);
                    String condition = fields.length == 1 ? "ready" : fields[1];
                    return Address.builder(IpAddresses.parse(fields[0])).ready(condition.equals("ready"))
                            .serving(!condition.equals("gone"))
                            .terminating(condition.equals("leaving") || condition.equals("gone"))
                            .target(condition.equals("unready") ? "pod-x" : null).build();
                }).toList();
        return new EndpointSubset(ports, addresses);
    }

    private static List<EndpointSubset> subsets(String text) {
        return text == null ? List.of() : Arrays.stream(text.split(";")).map(s -> subset(s.strip())).toList();
    }

    private static PortState merge(List<EndpointSubset> written, ServicePort port, boolean proxied) {
        Service service = Service.builder(new ServiceName("shop", "kubia"))
                .clusterIps(proxied ? List.of(IpAddresses.parse("10.96.0.1")) : List.of()).ports(List.of(port)).build();
        EndpointMerge merge = new EndpointMerge(service, port, EnumSet.of(IpFamily.IPV4));
        written.forEach(merge::add);
        return merge.state(() -> EndpointMerge.portNotWritten(port.name(), written).orElse(NOTHING));
    }

    private static ServicePort port(Protocol protocol) {
        return new ServicePort("web", protocol, 80, 0, "8080", null);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', emptyValue = "", textBlock = """
            addresses of a slice share its port        | web=8080/TCP with 10.1.0.1, 10.1.0.2                            | 10.1.0.1:8080 10.1.0.2:8080 |
            each slice has its own port number         | web=8080/TCP with 10.1.0.1; web=9090/TCP with 10.1.0.2          | 10.1.0.1:8080 10.1.0.2:9090 |
            other ports of a slice are left out        | web=8080/TCP,metrics=9/TCP with 10.1.0.1                        | 10.1.0.1:8080 |
            both families are kept                     | web=8080/TCP with 10.1.0.1; web=8080/TCP with fd00::1           | 10.1.0.1:8080 [fd00::1]:8080 |
            a duplicate is one and the ready one       | web=8080/TCP with 10.1.0.1 unready; web=8080/TCP with 10.1.0.1  | 10.1.0.1:8080 |
            serving while terminating takes connections| web=8080/TCP with 10.1.0.1 leaving                              | 10.1.0.1:8080! |
            a duplicate that can serve wins            | web=8080/TCP with 10.1.0.1 unready; web=8080/TCP with 10.1.0.1 leaving | 10.1.0.1:8080! |
            neither ready nor terminating              | web=8080/TCP with 10.1.0.1 unready                              | 10.1.0.1:8080! | 1 endpoint, not ready: pod-x
            terminated                                 | web=8080/TCP with 10.1.0.1 gone, 10.1.0.2 gone                  | 10.1.0.1:8080! 10.1.0.2:8080! | 2 endpoints, none ready: 10.1.0.1:8080, 10.1.0.2:8080
            the other family only                      | web=8080/TCP with fd00::1                                       | [fd00::1]:8080 | 1 endpoint, but none with an IPv4 address as the Service has
            an unready one and the other family        | web=8080/TCP with 10.1.0.1 gone; web=8080/TCP with fd00::1      | 10.1.0.1:8080! [fd00::1]:8080 | 1 endpoint, not ready: 10.1.0.1:8080
            another port name only                     | metrics=9/TCP with 10.1.0.1                                     | '' | its endpoints have no port named 'web', only 'metrics'
            another protocol only                      | web=8080/UDP with 10.1.0.1                                      | '' | its endpoints have no port named 'web', only 'web/UDP'
            a slice without addresses                  | web=8080/TCP                                                    | '' | the cluster has no endpoint for selector app=kubia: it matches no Pod that has an address
            no slice at all                            |                                                                 | '' | the cluster has no endpoint for selector app=kubia: it matches no Pod that has an address
            """)
    void what_is_written_for_a_port_is_merged(String rule, String written, String endpoints, String why) {
        List<EndpointSubset> subsets = new ArrayList<>(subsets(written));
        for (int i = 0; i < 2; i++) {
            PortState state = merge(subsets, port(Protocol.TCP), true);
            assertThat(state.endpoints().endpoints().stream().map(e -> e.address() + (e.ready() ? "" : "!")))
                    .containsExactly(endpoints.isEmpty() ? new String[0] : endpoints.split(" "));
            assertThat(state.whyEmpty() == null ? null : state.whyEmpty().describe()).isEqualTo(why);
            Collections.reverse(subsets);
        }
    }

    @Test
    void only_ports_that_are_proxied_are_said_to_be_empty() {
        assertThat(merge(List.of(), port(Protocol.TCP), true).whyEmpty()).isEqualTo(NOTHING);
        assertThat(merge(List.of(), port(Protocol.UDP), true).whyEmpty()).isEqualTo(NOTHING);
        assertThat(merge(List.of(), port(Protocol.SCTP), true).whyEmpty()).isNull();
        assertThat(merge(List.of(), port(Protocol.TCP), false).whyEmpty()).isNull();
    }
}
