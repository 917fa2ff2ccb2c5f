package io.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.metrics.EndpointFailure;
import io.sluice.metrics.EndpointMeters;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceType;
import io.sluice.service.TrafficPolicy;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What the views of the API show. */
class ViewsTest extends ServedAdmin {

    @Test
    void a_daemon_that_drains_says_so_in_each_answer() throws Exception {
        ready();
        start();
        assertThat(get("/api/v1/services").headers().map()).doesNotContainKey("sluice-draining");
        daemon.draining = true;
        for (String view : List.of("services", "connections", "environment?namespace=default",
                "explain?namespace=default&service=kubia")) {
            assertThat(get("/api/v1/" + view).headers().firstValue("Sluice-Draining")).as(view).isPresent();
        }
    }

    @Test
    void services_show_what_is_applied() throws Exception {
        ready();
        EndpointMeters first = metrics
                .port(new ServicePortName(new ServiceName("default", "kubia"), "http", Protocol.TCP))
                .endpoint(new EndpointAddress(IpAddresses.parse("10.1.0.3"), 8080));
        first.opened();
        first.opened();
        first.closed();
        first.connectFailed(EndpointFailure.REFUSED);
        first.connected(1 << 20);
        start();

        assertThat(json(get("/api/v1/services"))).isEqualTo(json("""
                {"snapshotVersion": 7, "asOf": "2026-11-23T10:00:00Z", "appliedAt": "2026-11-23T10:00:00Z",
                 "services": [
                  {"namespace": "default", "name": "kubia", "type": "NodePort",
                   "clusterIPs": ["10.96.0.1", "fd00::1"], "headless": false, "externalIPs": [],
                   "loadBalancerIPs": [], "selector": {"app": "kubia", "tier": "web"},
                   "createdAt": "2026-11-01T08:00:00Z", "warnings": [],
                   "ports": [
                    {"name": "http", "protocol": "TCP", "port": 80, "nodePort": 30080, "targetPort": "web",
                     "proxied": true, "balancer": "round-robin", "listeners": [
                      {"address": "10.96.0.1:80", "kind": "ClusterIP", "status": "Listening"},
                      {"address": "[fd00::1]:80", "kind": "ClusterIP", "status": "Listening"},
                      {"address": "127.0.0.1:30080", "kind": "NodePort", "status": "Failed",
                       "problem": "in use by another program"}],
                     "clusterEndpoints": ["10.1.0.20:8080", "10.1.0.3:8080", "[fd01::3]:8080"],
                     "localEndpoints": ["10.1.0.3:8080"],
                     "internalEndpoints": ["10.1.0.3:8080"],
                     "externalEndpoints": ["10.1.0.20:8080", "10.1.0.3:8080", "[fd01::3]:8080"],
                     "endpoints": [
                      {"address": "10.1.0.3:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-a", "pod": "kubia-3", "ejected": false, "drained": false, "activeConnections": 1,
                       "totalConnections": 2, UNUSED, "failedConnections": {"refused": 1},
                       "connect": {"count": 1, "p50Ms": 1.179, "p99Ms": 1.179}},
                      {"address": "10.1.0.4:8080", "ready": false, "serving": false, "terminating": false,
                       "ejected": false, NOTHING},
                      {"address": "10.1.0.20:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-b", "ejected": false, NOTHING},
                      {"address": "[fd01::3]:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-b", "ejected": false, NOTHING}]},
                    {"name": "dns", "protocol": "SCTP", "port": 53, "nodePort": 0, "targetPort": "53",
                     "proxied": false, "listeners": [], "clusterEndpoints": [], "localEndpoints": [],
                     "internalEndpoints": [], "externalEndpoints": [],
                     "endpoints": [
                      {"address": "10.1.0.3:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-a", "pod": "kubia-3", "ejected": false, NOTHING},
                      {"address": "10.1.0.4:8080", "ready": false, "serving": false, "terminating": false,
                       "ejected": false, NOTHING},
                      {"address": "10.1.0.20:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-b", "ejected": false, NOTHING},
                      {"address": "[fd01::3]:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-b", "ejected": false, NOTHING}]}]},
                  {"namespace": "default", "name": "lonely", "type": "ClusterIP", "clusterIPs": ["10.96.0.2"],
                   "headless": false, "externalIPs": [], "loadBalancerIPs": [], "selector": {"app": "nobody"},
                   "createdAt": "2026-11-01T08:00:00Z", "warnings": [],
                   "ports": [
                    {"name": "", "protocol": "TCP", "port": 80, "nodePort": 0, "targetPort": "8080",
                     "proxied": true, "balancer": "round-robin",
                     "listeners": [{"address": "10.96.0.2:80", "kind": "ClusterIP", "status": "NoEndpoints"}],
                     "clusterEndpoints": [], "localEndpoints": [], "internalEndpoints": [],
                     "externalEndpoints": [], "endpoints": [],
                     "whyEmpty": {"reason": "SelectorMatchesNoPod",
                                  "message": "selector app=nobody matches 0 of 0 pods"}}]},
                  {"namespace": "default", "name": "outside", "type": "ExternalName", "clusterIPs": [],
                   "headless": false, "externalName": "api.example.com", "externalIPs": [], "loadBalancerIPs": [],
                   "selector": {}, "createdAt": "2026-11-01T08:00:00Z", "warnings": [], "ports": []}]}"""
                .replace("NOTHING", "\"drained\": false, \"activeConnections\": 0, \"totalConnections\": 0, UNUSED")
                .replace("UNUSED", "\"bytesFromClient\": 0, \"bytesFromBackend\": 0")));
    }

    @ParameterizedTest(name = "internalTrafficPolicy {0}, endpoint on {1}: {2}")
    @CsvSource({"LOCAL, node-b, NoneOnThisNode", "LOCAL, node-a,", "CLUSTER, node-b,"})
    void a_local_policy_that_leaves_nothing_is_explained(TrafficPolicy policy, String node, String reason)
            throws Exception {
        ServicePort port = new ServicePort("", Protocol.TCP, 80, 0, "8080", null);
        Service service = ScriptedDaemon.service("kubia", ServiceType.CLUSTER_IP, List.of("10.96.0.1"), false, null,
                policy, Map.of(), port);
        Endpoint endpoint = ScriptedDaemon.endpoint("10.1.0.3", true, node, null);
        daemon.applied = ScriptedDaemon.applied(
                List.of(new ServiceState(service,
                        List.of(new PortState(port, EndpointSet.of(List.of(endpoint)), null)))),
                Map.of());
        start();
        JsonNode why = json(get("/api/v1/services")).at("/services/0/ports/0/whyEmpty/reason");

        assertThat(why.asString("")).isEqualTo(reason == null ? "" : reason);
    }

    @ParameterizedTest(name = "?{0}: {1}")
    @CsvSource({"'', kubia lonely outside", "namespace=default, kubia lonely outside", "namespace=other, ''",
            "namespace=, kubia lonely outside", "service=kubia, kubia", "namespace=default&service=lonely, lonely",
            "service=k%75bia, kubia"})
    void services_can_be_filtered(String query, String names) throws Exception {
        ready();
        start();
        List<String> found = json(get("/api/v1/services?" + query)).get("services")
                .valueStream().map(service -> service.get("name").asString()).toList();

        assertThat(String.join(" ", found)).isEqualTo(names);
    }

    @ParameterizedTest(name = "?{0}: {1} of {2}")
    @CsvSource({"'', 3 1 2, 3", "limit=2, 3 1, 3", "limit=0, '', 3", "service=kubia, 1 2, 2",
            "service=kubia&limit=1, 1, 2", "namespace=other, '', 0"})
    void connections_are_listed_oldest_first(String query, String ids, int total) throws Exception {
        daemon.connections = List.of(ScriptedDaemon.connection(2, "kubia", NOW),
                ScriptedDaemon.connection(1, "kubia", NOW),
                ScriptedDaemon.connection(3, "other", ScriptedDaemon.CREATED));
        start();
        JsonNode got = json(get("/api/v1/connections?" + query));

        assertThat(got.get("total").asInt()).isEqualTo(total);
        assertThat(String.join(" ",
                got.get("connections").valueStream().map(c -> Long.toString(c.get("id").asLong())).toList()))
                .isEqualTo(ids);
    }

    @Test
    void a_connection_has_all_its_fields() throws Exception {
        daemon.connections = List.of(ScriptedDaemon.connection(1, "kubia", NOW));
        start();

        assertThat(json(get("/api/v1/connections"))).isEqualTo(json("""
                {"total": 1, "connections": [
                 {"id": 1, "protocol": "TCP", "client": "10.0.0.9:40001", "listener": "10.96.0.1:80", "namespace": "default",
                  "service": "kubia", "port": "http", "endpoint": "10.1.0.3:8080", "state": "established",
                  "acceptedAt": "2026-11-23T12:00:00Z", "bytesFromClient": 78, "bytesFromBackend": 1024,
                  "retries": 0}]}"""));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', value = {"namespace=default | 200 | KUBIA_SERVICE_HOST",
            "namespace=default | 200 | \"KUBIA_SERVICE_PORT\":\"80\"",
            "namespace=default&hosts=1 | 200 | {\"address\":\"10.96.0.1\",\"names\":[\"kubia.default.svc.cluster.local\"",
            "namespace=defualt | 200 | no Service is in namespace defualt; did you mean default?",
            "namespace=x | 200 | no Service is in namespace x; there are Services in default",
            "namespace=default&pod=kubia-1 | 404 | no Pods are known here", "pod=kubia-1 | 400 | namespace is missing"})
    void the_variables_of_a_namespace_are_told(String query, int expected, String text) throws Exception {
        ready();
        start();
        HttpResponse<String> got = get("/api/v1/environment?" + query);

        assertThat(got.statusCode()).isEqualTo(expected);
        assertThat(got.body()).contains(text);
    }

    @Test
    void the_version_is_told() throws Exception {
        start();
        JsonNode version = json(get("/api/v1/version"));

        assertThat(version.propertyNames()).containsExactly("version", "java", "startedAt");
        assertThat(version.get("version").asString()).isEqualTo("1.2.3");
        assertThat(version.get("startedAt").asString()).isEqualTo("2026-11-01T08:00:00Z");
    }
}
