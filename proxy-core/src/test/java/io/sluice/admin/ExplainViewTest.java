package io.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.proxy.AddressKind;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.Cidr;
import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceType;
import io.sluice.service.TrafficPolicy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Whoever asks where connections go learns first why they are refused. */
class ExplainViewTest extends ServedAdmin {

    private static final String DROPPED =
            "loadBalancerSourceRanges: the client is outside; what it sends to the load balancer"
                    + " addresses is dropped (with local routes, its connections are reset), not what it sends to node ports and"
                    + " external addresses";

    /**
     * The Service has the cluster address 10.96.0.1 and the port 80. Words of a state: {@code endpoint} (ready), {@code other}
     * (ready on another node), {@code empty}, {@code local} (both policies), {@code lb} (a load balancer address for clients in
     * 192.0.2.0/24), {@code node-port}, {@code fails:KIND} (the listeners of this kind), {@code offset}, {@code full},
     * {@code crowded}.
     */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            all is well               | endpoint                     | ''                | ''                             | 10.1.0.3:8080: there is no other
            its listener failed       | endpoint fails:CLUSTER_IP    | ''                | in use at 10.96.0.1:80         | nowhere: no address is served
            another one failed        | endpoint node-port fails:NODE_PORT | ''          | ''                             | 10.1.0.3:8080: there is no other
            it failed, seen from outside | endpoint node-port fails:NODE_PORT | &external=true | 127.0.0.1:30080: in use | nowhere: no address is served
            one of two failed         | endpoint node-port lb fails:NODE_PORT | &external=true | 127.0.0.1:30080: in use | 10.1.0.3:8080: there is no other
            it is empty               | empty                        | ''                | ''                             | nowhere: no endpoint takes such connections: no selector, and no Endpoints or EndpointSlice is written for it
            empty and failed          | empty fails:CLUSTER_IP       | ''                | in use at 10.96.0.1:80         | nowhere: no endpoint takes such connections: no selector, and no Endpoints or EndpointSlice is written for it
            none here                 | other local                  | ''                | ''                             | nowhere: no endpoint takes such connections: traffic policy Local, and no ready endpoint is on node node-a
            nothing outside           | endpoint                     | &external=true    | ''                             | nowhere: the Service has no node port, external or load balancer address
            a client that may         | endpoint lb                  | &external=true&from=192.0.2.7 | ''                 | 10.1.0.3:8080: there is no other
            a client that may not     | endpoint lb                  | &external=true&from=198.51.100.7 | DROPPED         | nowhere: the client is outside loadBalancerSourceRanges
            it may use the node port  | endpoint lb node-port        | &external=true&from=198.51.100.7 | DROPPED         | 10.1.0.3:8080: there is no other
            as many as may be         | endpoint full                | ''                | the limit of --max-connections (100) is reached: one more is reset | nowhere: a limit is reached
            """)
    void a_refusal_comes_first(String what, String state, String query, String refusals, String next) throws Exception {
        daemon.freshness = ScriptedDaemon.FRESH;
        if (state.contains("full")) {
            daemon.limits = new DaemonStatus.Limits(100, 100, 0);
        }
        apply(List.of(state.split(" ", -1)));
        start();
        JsonNode port = explain("service=web" + query).path(0);
        List<String> lines = new ArrayList<>();
        port.path("refusals").forEach(line -> lines.add(line.asString()));
        assertThat(String.join("; ", lines)).isEqualTo(refusals.replace("DROPPED", DROPPED)
                .replace("in use at 10.96.0.1:80", "10.96.0.1:80 is in use"));
        assertThat(port.path("next").asString()).isEqualTo(next);
        assertThat(port.has("nextEndpoint")).isEqualTo(!next.startsWith("nowhere"));
    }

    @Test
    void an_address_that_is_served_at_another_port_is_named() throws Exception {
        ready();
        apply(List.of("endpoint", "offset"));
        start();
        assertThat(explain("service=web").path(0).path("rules").valueStream().map(JsonNode::asString))
                .contains("--port-offset: connect to 10.96.0.1:8080, not to port 80");
    }

    @Test
    void a_service_of_another_namespace_is_found() throws Exception {
        ready();
        start();
        assertThat(get("/api/v1/explain?service=kubia&namespace=shop").body()).contains(
                "there is no Service kubia in namespace shop; it exists in namespace default: -n default");
        assertThat(get("/api/v1/explain?service=kubja&namespace=shop").body())
                .contains("\"there is no Service kubja in namespace shop\"");
    }

    @Test
    void a_port_that_is_not_there_is_told_with_the_names_of_those_that_are() throws Exception {
        ready();
        start();
        assertThat(get("/api/v1/explain?service=kubia&port=htpp").body())
                .contains("kubia has no port htpp: it has http 80:30080/TCP, dns 53/SCTP");
    }

    private void apply(List<String> words) {
        ServicePort port =
                new ServicePort("http", Protocol.TCP, 80, words.contains("node-port") ? 30080 : 0, "8080", null);
        TrafficPolicy policy = words.contains("local") ? TrafficPolicy.LOCAL : TrafficPolicy.CLUSTER;
        Service.Builder service = Service.builder(new ServiceName("default", "web"))
                .type(words.contains("lb") ? ServiceType.LOAD_BALANCER : ServiceType.CLUSTER_IP)
                .clusterIps(List.of(IpAddresses.parse("10.96.0.1"))).ports(List.of(port)).internalTrafficPolicy(policy)
                .externalTrafficPolicy(policy);
        List<ListenerState> listeners = new ArrayList<>();
        listeners.add(listener(words, "10.96.0.1", words.contains("offset") ? 8080 : 80, AddressKind.CLUSTER_IP));
        if (words.contains("node-port")) {
            listeners.add(listener(words, "127.0.0.1", 30080, AddressKind.NODE_PORT));
        }
        if (words.contains("lb")) {
            service.loadBalancerIps(List.of(IpAddresses.parse("203.0.113.1")))
                    .loadBalancerSourceRanges(List.of(Cidr.parse("192.0.2.0/24")));
            listeners.add(listener(words, "203.0.113.1", 80, AddressKind.LOAD_BALANCER));
        }
        Endpoint endpoint =
                ScriptedDaemon.endpoint("10.1.0.3", true, words.contains("other") ? "node-b" : "node-a", "web-1");
        PortState state = words.contains("empty")
                ? new PortState(port, EndpointSet.EMPTY, new EmptyReason.NothingWritten())
                : new PortState(port, EndpointSet.of(List.of(endpoint)), null);
        daemon.applied = ScriptedDaemon.applied(List.of(new ServiceState(service.build(), List.of(state))),
                Map.of("web", listeners));
    }

    private static ListenerState listener(List<String> words, String ip, int port, AddressKind kind) {
        boolean fails = words.contains("fails:" + kind.name());
        return ScriptedDaemon.listener(ip, port, kind, fails ? ListenerStatus.FAILED : ListenerStatus.LISTENING, !fails
                ? null
                : kind == AddressKind.CLUSTER_IP ? ip + ":" + port + " is in use" : "in use");
    }

    private JsonNode explain(String query) throws Exception {
        return JsonMapper.shared().readTree(get("/api/v1/explain?" + query).body()).path("explain");
    }
}
