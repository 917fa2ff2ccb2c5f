package io.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.http.AllowedHosts;
import io.sluice.http.HttpLimits;
import io.sluice.metrics.EndpointMeters;
import io.sluice.liveness.Stall;
import io.sluice.liveness.ThreadKind;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.reconcile.AppliedState;
import io.sluice.service.ChangeCount;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.service.ServiceType;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import io.sluice.source.Freshness;
import java.io.ByteArrayInputStream;
import io.sluice.source.Problem;
import io.sluice.text.Printable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The admin addresses over real sockets. */
class AdminTest {

    private static final Instant NOW = Instant.parse("2026-11-23T12:00:00Z");
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(IpAddresses.parse("127.0.0.1"), 0);

    private final HttpClient client = HttpClient.newHttpClient();
    private final ScriptedDaemon daemon = new ScriptedDaemon();
    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final ProxyMetrics metrics = new ProxyMetrics(registry);
    private Admin admin = admin(Optional.of(ANY_PORT), Optional.of(ANY_PORT));

    @AfterEach
    void close() {
        admin.close();
        client.close();
    }

    @ParameterizedTest
    @CsvSource({"/metrics, text/plain; version=0.0.4; charset=utf-8", "/healthz, application/json",
            "/livez, application/json", "/readyz, application/json", "/proxyMode, text/plain; charset=utf-8",
            "/api/v1/services, application/json", "/api/v1/connections, application/json",
            "/api/v1/version, application/json", "/api/v1/environment?namespace=default, application/json",
            "/, text/html; charset=utf-8"})
    void everyPathSaysWhatItIs(String path, String contentType) throws Exception {
        ready();
        start();
        HttpResponse<String> got = get(path);

        assertThat(got.statusCode()).isEqualTo(200);
        assertThat(got.headers().firstValue("Content-Type")).hasValue(contentType);
        assertThat(got.headers().firstValue("X-Content-Type-Options")).hasValue("nosniff");
        assertThat(got.headers().firstValue("Cache-Control")).hasValue("no-store");

        HttpResponse<String> head = send(request(path).HEAD());
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.body()).isEmpty();
        assertThat(head.headers().firstValue("Content-Length")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/readyz", "/metrics", "/api/v1/services",
            "/api/v1/explain?namespace=default&service=%1b[2K"})
    void what_others_have_written_is_shown_and_obeyed_nowhere(String path) throws Exception {
        String hostile = "<b>'x'\n\u001b[2K\u009b\u202e\ud83d\"";
        ready();
        daemon.freshness = new Freshness(true, false, NOW, hostile,
                List.of(new Problem(Problem.Severity.ERROR, hostile, hostile, hostile)));
        start();
        String body = get(path).body();

        assertThat(body).isNotEmpty().doesNotContain("<b>'x'\n").satisfies(
                text -> assertThat(text.codePoints().filter(c -> c != '\n' && !Printable.isSafe(c)).toArray())
                        .isEmpty());
        if (path.equals("/readyz")) {
            assertThat(JsonMapper.shared().readTree(body).path("detail").asString()).isEqualTo(hostile);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/nothing", "/metrics/", "/api/v1", "/API/v1/services"})
    void anUnknownPathIs404WithAHint(String path) throws Exception {
        start();
        HttpResponse<String> got = get(path);

        assertThat(got.statusCode()).isEqualTo(404);
        assertThat(json(got).get("error").asString()).contains("/ lists what is");
    }

    @ParameterizedTest
    @ValueSource(strings = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
    void whatWouldChangeSomethingIs405(String method) throws Exception {
        start();
        HttpResponse<String> got = send(request("/readyz").method(method, BodyPublishers.ofString("x")));

        assertThat(got.statusCode()).isEqualTo(405);
        assertThat(got.headers().firstValue("Allow")).hasValue("GET, HEAD");
    }

    @ParameterizedTest(name = "{0} by the name {1}: {2}")
    @CsvSource({"/metrics, evil.example, 403", "/api/v1/services, evil.example:10249, 403", "/, evil.example, 403",
            "/proxyMode, evil.example, 403", "/nothing, evil.example, 403", "/metrics, node-a, 200",
            "/api/v1/services, localhost, 200", "/livez, evil.example, 200", "/healthz, evil.example, 200",
            "/readyz, evil.example, 200"})
    void anotherNameIsRefusedSaveForHealthChecks(String path, String host, int status) throws Exception {
        ready();
        daemon.freshness = ScriptedDaemon.BROKEN;
        start();
        String answer = raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");

        assertThat(answer).startsWith("HTTP/1.1 " + status);
        assertThat(answer.contains("--metrics-allowed-hosts")).isEqualTo(status == 403);
        if (host.startsWith("evil")) {
            assertThat(answer).as("no name of a Service").doesNotContain("kubia").doesNotContain("1.2.3");
        }
    }

    @Test
    void theProxyModeIsUserspace() throws Exception {
        start();
        assertThat(get("/proxyMode").body()).isEqualTo("userspace");
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', value = {"namespace=default | 200 | KUBIA_SERVICE_HOST",
            "namespace=default&pod=kubia-1 | 404 | no Pods are known here", "pod=kubia-1 | 400 | namespace is missing"})
    void theVariablesOfANamespaceAreTold(String query, int expected, String text) throws Exception {
        ready();
        start();
        HttpResponse<String> got = get("/api/v1/environment?" + query);

        assertThat(got.statusCode()).isEqualTo(expected);
        assertThat(got.body()).contains(text);
    }

    @Test
    void theVersionIsTold() throws Exception {
        start();
        JsonNode version = json(get("/api/v1/version"));

        assertThat(version.propertyNames()).containsExactly("version", "java", "startedAt");
        assertThat(version.get("version").asString()).isEqualTo("1.2.3");
        assertThat(version.get("startedAt").asString()).isEqualTo("2026-11-01T08:00:00Z");
    }

    @Test
    void metricsAreOpenMetricsForWhoAsks() throws Exception {
        start();
        HttpResponse<String> open = send(request("/metrics").header("Accept",
                "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.1"));

        assertThat(open.headers().firstValue("Content-Type"))
                .hasValue("application/openmetrics-text; version=1.0.0; charset=utf-8");
        assertThat(open.body()).endsWith("# EOF\n");
        assertThat(get("/metrics").body()).doesNotContain("# EOF").contains("sluice_source_current ");
    }

    @Test
    void aLargeBodyIsCompressedForWhoAsks() throws Exception {
        metrics.port(new ServicePortName(new ServiceName("default", "kubia"), "http", Protocol.TCP));
        start();
        HttpResponse<byte[]> got = client.send(request("/metrics").header("Accept-Encoding", "gzip").build(),
                BodyHandlers.ofByteArray());

        assertThat(got.headers().firstValue("Content-Encoding")).hasValue("gzip");
        try (InputStream in = new GZIPInputStream(new ByteArrayInputStream(got.body()))) {
            assertThat(new String(in.readAllBytes(), StandardCharsets.UTF_8)).contains("sluice_connections_active{");
        }
    }

    @ParameterizedTest(name = "waiting for {0} s, node eligible {1}: healthz {2}, livez {3}")
    @CsvSource({", true, 200, 200", "60, true, 200, 200", "61, true, 503, 503", ", false, 503, 200",
            "61, false, 503, 503"})
    void healthIsKubeProxys(Integer waiting, boolean eligible, int healthz, int livez) throws Exception {
        daemon.applied = ScriptedDaemon.threeServices();
        daemon.waitingSince = waiting == null ? null : NOW.minusSeconds(waiting);
        daemon.nodeEligible = eligible;
        start();
        HttpResponse<String> health = get("/healthz");
        HttpResponse<String> live = get("/livez");

        String updated = livez == 200 ? "2026-11-23T12:00:00Z" : "2026-11-23T10:00:00Z";
        assertThat(health.statusCode()).isEqualTo(healthz);
        assertThat(health.body()).isEqualTo("{\"lastUpdated\":\"" + updated
                + "\",\"currentTime\":\"2026-11-23T12:00:00Z\",\"nodeEligible\":" + eligible + "}\n");
        assertThat(live.statusCode()).isEqualTo(livez);
        assertThat(live.body()).isEqualTo(
                "{\"lastUpdated\":\"" + updated + "\",\"currentTime\":\"2026-11-23T12:00:00Z\"}\n");
        assertThat(get("/metrics").body()).contains("kubeproxy_proxy_healthz_total{code=\"" + healthz + "\"} 1.0",
                "kubeproxy_proxy_livez_total{code=\"" + livez + "\"} 1.0");
    }

    @ParameterizedTest(name = "{0}, ended {1}: {2}")
    @CsvSource({"EVENT_LOOP, false, 503", "CONTROL, false, 503", "SOURCE, false, 200", "SOURCE, true, 503"})
    void a_stalled_thread_that_a_restart_would_help_fails_healthz_and_livez_and_is_named(ThreadKind kind, boolean ended,
            int code) throws Exception {
        daemon.applied = ScriptedDaemon.threeServices();
        daemon.stalls = List.of(new Stall(kind, "sluice-x", NOW.minusSeconds(31), ended));
        start();
        String named = code == 200
                ? ""
                : ",\"stalled\":[{\"thread\":\"sluice-x\",\"since\":\"2026-11-23T11:59:29Z\",\"ended\":" + ended + "}]";
        for (String path : List.of("/livez", "/healthz")) {
            HttpResponse<String> answer = get(path);
            assertThat(answer.statusCode()).as(path).isEqualTo(code);
            assertThat(answer.body()).as(path).endsWith(named + "}\n");
        }
    }

    @Test
    void whileStartingItIsHealthyButNotReady() throws Exception {
        start();
        assertThat(get("/healthz").statusCode()).isEqualTo(200);
        assertThat(get("/livez").statusCode()).isEqualTo(200);
        assertThat(get("/readyz").statusCode()).isEqualTo(503);
        assertThat(json(get("/api/v1/services")).get("services").size()).isZero();
    }

    @ParameterizedTest(name = "synced {0}, applied {1}, draining {2}: {3}")
    @CsvSource({"false, false, false, 503", "true, false, false, 503", "false, true, false, 503",
            "true, true, false, 200", "true, true, true, 503"})
    void readyOnceSyncedAndAppliedUntilItDrains(boolean synced, boolean applied, boolean draining, int status)
            throws Exception {
        daemon.freshness = synced ? ScriptedDaemon.FRESH : daemon.freshness;
        daemon.applied = applied ? ScriptedDaemon.threeServices() : null;
        daemon.draining = draining;
        start();
        HttpResponse<String> got = get("/readyz");

        assertThat(got.statusCode()).isEqualTo(status);
        JsonNode body = json(got);
        assertThat(body.get("ready").asBoolean()).isEqualTo(status == 200);
        assertThat(body.get("synced").asBoolean()).isEqualTo(synced);
        assertThat(body.get("applied").asBoolean()).isEqualTo(applied);
        assertThat(body.get("draining").asBoolean()).isEqualTo(draining);
    }

    @ParameterizedTest(name = "{1} while a successor gets ready, {0}: {3}")
    @CsvSource({"true, kube-probe/1.34, /readyz, 503", "true, curl/8.5, /readyz, 200",
            "true, kube-probe/1.34, /livez, 200",
            "true, kube-probe/1.34, /healthz, 200", "false, kube-probe/1.34, /readyz, 200"})
    void kubeletAloneIsToldOfASuccessorThatGetsReady(boolean awaited, String userAgent, String path, int status)
            throws Exception {
        ready();
        daemon.successorAwaited = awaited;
        start();
        HttpResponse<String> got = send(request(path).header("User-Agent", userAgent));
        assertThat(got.statusCode()).isEqualTo(status);
        if (path.equals("/readyz")) {
            assertThat(json(got).get("ready").asBoolean()).isEqualTo(status == 200);
            assertThat(json(got).get("successorAwaited").asBoolean()).isEqualTo(awaited);
        }
    }

    @Test
    void whatIsOddAboutEndpointsIsAProblem() throws Exception {
        ready();
        AppliedState plain = ScriptedDaemon.threeServices();
        daemon.applied = new AppliedState(plain.snapshot(), plain.appliedAt(), plain.took(), plain.ports(),
                List.of(new AppliedState.Warning(new ServiceName("default", "kubia"), "has an odd endpoint")));
        start();
        assertThat(json(get("/readyz")).get("problems")).isEqualTo(json("""
                [{"severity": "Warning", "location": "endpoints", "subject": "default/kubia",
                  "message": "has an odd endpoint"}]"""));
    }

    @Test
    void aBrokenEditLeavesItReadyAndIsTold() throws Exception {
        ready();
        daemon.freshness = ScriptedDaemon.BROKEN;
        start();
        HttpResponse<String> got = get("/readyz");

        assertThat(got.statusCode()).isEqualTo(200);
        assertThat(json(got)).isEqualTo(json("""
                {"ready": true, "successorAwaited": false, "synced": true, "applied": true, "draining": false, "current": false,
                 "asOf": "2026-11-23T10:00:00Z", "detail": "an edit is broken",
                 "problems": [{"severity": "Error", "location": "svc.yaml:7",
                               "subject": "Service default/kubia spec.ports[0].port",
                               "message": "must be between 1 and 65535"}],
                 "resources": [],
                 "failedListeners": [{"namespace": "default", "service": "kubia", "port": "http",
                                      "address": "127.0.0.1:30080", "kind": "NodePort",
                                      "problem": "in use by another program"}],
                 "version": "1.2.3"}"""));
        assertThat(get("/metrics").body()).contains("sluice_source_current 0.0", "sluice_source_synced 1.0",
                "sluice_source_problems{severity=\"error\"} 1.0", "sluice_source_problems{severity=\"warning\"} 0.0",
                "sluice_source_last_good_timestamp_seconds 1.795428E9", "sluice_listeners{status=\"listening\"} 2.0",
                "sluice_listeners{status=\"no_endpoints\"} 1.0", "sluice_listeners{status=\"failed\"} 1.0",
                "sluice_services 3.0", "sluice_service_ports_empty 1.0");
    }

    @ParameterizedTest(name = "internal {0}, external {1}, endpoints {2}: {3} {4} without a local one")
    @CsvSource({"CLUSTER, CLUSTER, there, 0, 0", "LOCAL, CLUSTER, there, 1, 0", "CLUSTER, LOCAL, there, 0, 1",
            "LOCAL, LOCAL, there, 1, 1", "LOCAL, LOCAL, here, 0, 0", "LOCAL, LOCAL, nowhere, 0, 0",
            "LOCAL, LOCAL, notReady, 0, 0"})
    void portsWhoseEndpointsAreAllElsewhereAreCountedByFamilyAndPolicy(TrafficPolicy internal, TrafficPolicy external,
            String endpoints, int internally, int externally) {
        ServicePort port = new ServicePort("http", Protocol.TCP, 80, 30080, "web", null);
        Service service = new Service(new ServiceName("default", "kubia"), ServiceType.NODE_PORT,
                List.of(IpAddresses.parse("10.96.0.1"), IpAddresses.parse("fd00::1")), false, null, List.of(port),
                internal, external, SessionAffinity.NONE, List.of(), List.of(), List.of(), 0, false, Map.of(), Map.of(),
                NOW);
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
    void whatWaitsToBeAppliedIsShown() {
        daemon.waiting = new ChangeCount(3, 4);

        assertThat(registry.scrape()).contains("kubeproxy_sync_proxy_rules_service_changes_pending 3.0",
                "kubeproxy_sync_proxy_rules_endpoint_changes_pending 4.0");
    }

    @Test
    void servicesShowWhatIsApplied() throws Exception {
        ready();
        EndpointMeters first = metrics
                .port(new ServicePortName(new ServiceName("default", "kubia"), "http", Protocol.TCP))
                .endpoint(new EndpointAddress(IpAddresses.parse("10.1.0.3"), 8080));
        first.opened();
        first.opened();
        first.closed();
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
                     "proxied": true, "balancer": "round-robin",
                     "listeners": [
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
                       "node": "node-a", "pod": "kubia-3", "ejected": false, "activeConnections": 1, "totalConnections": 2},
                      {"address": "10.1.0.4:8080", "ready": false, "serving": false, "terminating": false,
                       "ejected": false, "activeConnections": 0, "totalConnections": 0},
                      {"address": "10.1.0.20:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-b", "ejected": false, "activeConnections": 0, "totalConnections": 0},
                      {"address": "[fd01::3]:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-b", "ejected": false, "activeConnections": 0, "totalConnections": 0}]},
                    {"name": "dns", "protocol": "UDP", "port": 53, "nodePort": 0, "targetPort": "53",
                     "proxied": false, "listeners": [], "clusterEndpoints": [], "localEndpoints": [],
                     "internalEndpoints": [], "externalEndpoints": [],
                     "endpoints": [
                      {"address": "10.1.0.3:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-a", "pod": "kubia-3", "ejected": false, "activeConnections": 0, "totalConnections": 0},
                      {"address": "10.1.0.4:8080", "ready": false, "serving": false, "terminating": false,
                       "ejected": false, "activeConnections": 0, "totalConnections": 0},
                      {"address": "10.1.0.20:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-b", "ejected": false, "activeConnections": 0, "totalConnections": 0},
                      {"address": "[fd01::3]:8080", "ready": true, "serving": true, "terminating": false,
                       "node": "node-b", "ejected": false, "activeConnections": 0, "totalConnections": 0}]}]},
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
                   "selector": {}, "createdAt": "2026-11-01T08:00:00Z", "warnings": [], "ports": []}]}"""));
    }

    @ParameterizedTest(name = "internalTrafficPolicy {0}, endpoint on {1}: {2}")
    @CsvSource({"LOCAL, node-b, NoneOnThisNode", "LOCAL, node-a,", "CLUSTER, node-b,"})
    void aLocalPolicyThatLeavesNothingIsExplained(TrafficPolicy policy, String node, String reason) throws Exception {
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
    void servicesCanBeFiltered(String query, String names) throws Exception {
        ready();
        start();
        List<String> found = json(get("/api/v1/services?" + query)).get("services")
                .valueStream().map(service -> service.get("name").asString()).toList();

        assertThat(String.join(" ", found)).isEqualTo(names);
    }

    @ParameterizedTest(name = "?{0}: {1} of {2}")
    @CsvSource({"'', 3 1 2, 3", "limit=2, 3 1, 3", "limit=0, '', 3", "service=kubia, 1 2, 2",
            "service=kubia&limit=1, 1, 2", "namespace=other, '', 0"})
    void connectionsAreListedOldestFirst(String query, String ids, int total) throws Exception {
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
    void aConnectionHasAllItsFields() throws Exception {
        daemon.connections = List.of(ScriptedDaemon.connection(1, "kubia", NOW));
        start();

        assertThat(json(get("/api/v1/connections"))).isEqualTo(json("""
                {"total": 1, "connections": [
                 {"id": 1, "client": "10.0.0.9:40001", "listener": "10.96.0.1:80", "namespace": "default",
                  "service": "kubia", "port": "http", "endpoint": "10.1.0.3:8080", "state": "established",
                  "acceptedAt": "2026-11-23T12:00:00Z", "bytesFromClient": 78, "bytesFromBackend": 1024,
                  "retries": 0}]}"""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"limit=x", "limit=-1", "limit=", "limit=99999999999", "service=%zz"})
    void aBadQueryIs400(String query) throws Exception {
        start();
        // The JDK's URI refuses a stray per cent sign, which a client need not.
        String status = raw("GET /api/v1/connections?" + query + " HTTP/1.0\r\n\r\n").lines().findFirst().orElse("");

        assertThat(status).contains(" 400 ");
    }

    @Test
    void anOversizedHeaderIsNotAnswered() throws Exception {
        start();
        assertThat(raw("GET /proxyMode HTTP/1.0\r\nX-Large: " + "x".repeat(1000) + "\r\n\r\n")).contains("userspace");
        String answer;
        try {
            answer = raw("GET /proxyMode HTTP/1.0\r\nX-Large: " + "x".repeat(40_000) + "\r\n\r\n");
        } catch (SocketException e) {
            answer = "reset";
        }
        assertThat(answer).doesNotContain("userspace");
    }

    @Test
    void aQuestionThatFailsIs500WithoutItsStackTrace() throws Exception {
        daemon.connections = null;
        start();
        HttpResponse<String> got = get("/api/v1/connections");

        assertThat(got.statusCode()).isEqualTo(500);
        assertThat(got.body()).doesNotContain("NullPointerException");
    }

    @Test
    void thePageShowsWhatIsHereAndEscapesWhatIsNotOurs() throws Exception {
        ready();
        daemon.freshness = new Freshness(true, true, NOW, "watching <b>", List.of());
        start();

        assertThat(get("/").body()).contains("sluice 1.2.3", "href=\"/api/v1/services\"", "Ready. 3 Services",
                "watching &lt;b&gt;").doesNotContain("<b>");
    }

    @Test
    void twoAddressesShareThePathsAsKubeProxyDoes() throws Exception {
        admin = admin(Optional.of(ANY_PORT),
                Optional.of(new InetSocketAddress(IpAddresses.parse("127.0.0.2"), 0)));
        start();
        InetSocketAddress health = admin.healthAddress().orElseThrow();

        assertThat(get("/healthz").body()).isEqualTo("ok");
        assertThat(get("/readyz").statusCode()).isEqualTo(404);
        assertThat(send(HttpRequest.newBuilder(uri(health, "/healthz"))).body()).contains("nodeEligible");
        assertThat(send(HttpRequest.newBuilder(uri(health, "/metrics"))).statusCode()).isEqualTo(404);
    }

    @Test
    void whatIsWatchedIsToldWithItsAge() throws Exception {
        ready();
        daemon.freshness = ScriptedDaemon.CLUSTER;
        start();
        JsonNode resources = json(get("/readyz")).get("resources");

        assertThat(resources.get(0).get("ageSeconds").isNumber()).isTrue();
        assertThat(resources.get(0).get("watch").asString()).isEqualTo("Watching");
        assertThat(resources.get(0).has("problem")).isFalse();
        assertThat(resources.get(1).get("watch").asString()).isEqualTo("Waiting");
        assertThat(resources.get(1).get("resourceVersion").asString()).isEqualTo("1230");
        assertThat(resources.get(1).get("problem").asString()).isEqualTo("cannot be reached");
    }

    @Test
    void noAddressServesNothing() throws Exception {
        admin = admin(Optional.empty(), Optional.empty());
        start();

        assertThat(admin.metricsAddress()).isEmpty();
        assertThat(admin.healthAddress()).isEmpty();
    }

    @Test
    void itServesOverIpv6() throws Exception {
        admin = admin(Optional.of(new InetSocketAddress(IpAddresses.parse("::1"), 0)), Optional.empty());
        start();

        assertThat(get("/healthz").body()).isEqualTo("ok");
    }

    @Test
    void anAddressInUseIsTriedAgainUntilItIsFree() throws Exception {
        InetSocketAddress taken;
        try (ServerSocket other = new ServerSocket(0, 1, IpAddresses.parse("127.0.0.1"))) {
            taken = (InetSocketAddress) other.getLocalSocketAddress();
            admin = admin(Optional.of(taken), Optional.empty());
            admin.start(false);
            assertThat(admin.metricsAddress()).isEmpty();
        }
        await().until(() -> admin.metricsAddress().isPresent());

        assertThat(get("/healthz").body()).isEqualTo("ok");
    }

    @Test
    void closeEndsTheAttemptsToBind() throws Exception {
        try (ServerSocket other = new ServerSocket(0, 1, IpAddresses.parse("127.0.0.1"))) {
            admin = admin(Optional.of((InetSocketAddress) other.getLocalSocketAddress()), Optional.empty());
            admin.start(false);
            admin.close();
        }
        assertThat(admin.metricsAddress()).isEmpty();
    }

    @Test
    void anAddressInUseIsFatalIfAskedFor() throws Exception {
        try (ServerSocket other = new ServerSocket(0, 1, IpAddresses.parse("127.0.0.1"))) {
            InetSocketAddress taken = (InetSocketAddress) other.getLocalSocketAddress();
            admin = admin(Optional.of(ANY_PORT), Optional.of(taken));

            assertThatThrownBy(() -> admin.start(true)).isInstanceOf(IOException.class)
                    .hasMessageContaining("health checks")
                    .hasMessageContaining("127.0.0.1:" + taken.getPort()).hasMessageContaining("in use")
                    .hasMessageContaining("--healthz-bind-address");
            assertThat(admin.metricsAddress()).as("the other address is closed again").isEmpty();
        }
    }

    private Admin admin(Optional<InetSocketAddress> metricsAddress, Optional<InetSocketAddress> healthAddress) {
        AllowedHosts hosts = new AllowedHosts(List.of("node-a"), "--metrics-allowed-hosts");
        return new Admin(metricsAddress, healthAddress,
                new AdminServer.Serving(hosts, HttpLimits.DEFAULT, Duration.ofMillis(50)), daemon, metrics,
                registry, Clock.fixed(NOW, ZoneOffset.UTC));
    }

    private void ready() {
        daemon.freshness = ScriptedDaemon.FRESH;
        daemon.applied = ScriptedDaemon.threeServices();
    }

    private void start() throws IOException {
        admin.start(true);
    }

    private HttpResponse<String> get(String path) throws Exception {
        return send(request(path));
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(uri(admin.metricsAddress().orElseThrow(), path)).timeout(Duration.ofSeconds(20));
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    /** What comes back for {@code bytes}, until the server closes. */
    private String raw(String bytes) throws IOException {
        InetSocketAddress address = admin.metricsAddress().orElseThrow();
        try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static URI uri(InetSocketAddress address, String path) {
        return URI.create("http://" + IpAddresses.format(address.getAddress(), address.getPort()) + path);
    }

    private static JsonNode json(HttpResponse<String> response) {
        return json(response.body());
    }

    private static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }
}
