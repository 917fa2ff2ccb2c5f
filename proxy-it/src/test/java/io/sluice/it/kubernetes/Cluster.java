package io.sluice.it.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.apiserver.ApiServer;
import io.sluice.it.testbed.apiserver.Kubeconfig;
import io.sluice.source.kubernetes.KubernetesOptions;
import io.sluice.source.kubernetes.KubernetesOptions.EndpointsFrom;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** An API server, some pods at loopback, and a proxy of which Services, endpoints and readiness can be asked. */
final class Cluster implements AutoCloseable {

    final ApiServer api;
    final RunningSluice sluice = new RunningSluice();
    private Duration watchIdleTimeout = Duration.ofMinutes(3);
    private EndpointsFrom endpointsFrom = EndpointsFrom.AUTO;
    private Optional<Path> stateFile = Optional.empty();
    private Optional<String> server = Optional.empty();
    private boolean headless;
    private String user = "{}";
    private String trust = "";
    private String more = "";
    private Map<String, String> environment = Map.of();

    Cluster() throws IOException {
        this(new ApiServer(0));
    }

    Cluster(ApiServer api) throws IOException {
        this.api = api;
        node("node", "zone-a");
    }

    Cluster watchIdleTimeout(Duration value) {
        watchIdleTimeout = value;
        return this;
    }

    Cluster endpointsFrom(EndpointsFrom value) {
        endpointsFrom = value;
        return this;
    }

    Cluster stateFile(Path value) {
        stateFile = Optional.of(value);
        return this;
    }

    /** The user of the kubeconfig, for example {@code {tokenFile: token}}. */
    Cluster user(String yaml) {
        user = yaml;
        return this;
    }

    /** The PEM file with the certificate of whoever signed the server's. */
    Cluster trust(Path authority) {
        trust = ", certificate-authority: " + authority;
        return this;
    }

    /** What the server's certificate calls it. */
    Cluster tlsServerName(String name) {
        more += ", tls-server-name: " + name;
        return this;
    }

    /** The kubeconfig's. */
    Cluster proxyUrl(String url) {
        more += ", proxy-url: \"" + url + "\"";
        return this;
    }

    Cluster environment(Map<String, String> variables) {
        environment = variables;
        return this;
    }

    /** Asks for the endpoints of headless Services, too. */
    public Cluster headless() {
        headless = true;
        return this;
    }

    /** Another way to the API server than its own address. */
    Cluster server(String url) {
        server = Optional.of(url);
        return this;
    }

    Cluster start() throws Exception {
        Path kubeconfig =
                Files.writeString(sluice.manifests().directory().resolve("kubeconfig"),
                        Kubeconfig.of(api.url(), user, trust + more));
        sluice.kubernetes(KubernetesOptions.builder("node").kubeconfig(Optional.of(kubeconfig)).server(server)
                .endpointsFrom(endpointsFrom).watchIdleTimeout(watchIdleTimeout).stateFile(stateFile)
                .loopbackEndpoints(true).headless(headless).environment(environment).build()).start();
        return this;
    }

    /** Has listed everything and applied it. */
    Cluster awaitSynced() {
        await().ignoreExceptions().atMost(Duration.ofSeconds(60))
                .untilAsserted(() -> assertThat(sluice.sluice().applied())
                        .as("what /readyz says instead: %s; the log: %s", readyz(), sluice.log().lines(Level.INFO, ""))
                        .isPresent());
        return this;
    }

    /** A pod that says its name at once. */
    Backend pod(String name, int number) throws IOException {
        return sluice.with(Backend.named(sluice.address(number), name));
    }

    void node(String name, String zone) {
        api.apply("""
                {"kind": "Node", "metadata": {"name": "%s", "labels": {"topology.kubernetes.io/zone": "%s"}}}"""
                .formatted(name, zone));
    }

    /** A Service in namespace default with one port 80, at an address of this test. */
    void service(String name, int number) {
        api.apply("""
                {"kind": "Service", "metadata": {"name": "%s"}, "spec": {"type": "ClusterIP", "clusterIP": "%s",
                 "clusterIPs": ["%s"], "ipFamilies": ["IPv4"], "selector": {"app": "%s"},
                 "ports": [{"port": 80, "protocol": "TCP", "targetPort": 8080}]}}"""
                .formatted(name, sluice.address(number), sluice.address(number), name));
    }

    /** A slice of {@code service} with ready endpoints at port 8080. */
    void slice(String name, String service, int... numbers) {
        String endpoints = Arrays.stream(numbers).mapToObj(number -> """
                {"addresses": ["%s"], "conditions": {"ready": true, "serving": true, "terminating": false},
                 "nodeName": "node", "zone": "zone-a"}""".formatted(sluice.address(number)))
                .collect(Collectors.joining(","));
        api.apply("""
                {"kind": "EndpointSlice", "metadata": {"name": "%s",
                  "labels": {"kubernetes.io/service-name": "%s",
                             "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}},
                 "addressType": "IPv4", "ports": [{"name": "", "port": 8080, "protocol": "TCP"}],
                 "endpoints": [%s]}""".formatted(name, service, endpoints));
    }

    void awaitEndpoints(String service, int... numbers) {
        sluice.awaitEndpoints(service,
                Arrays.stream(numbers).mapToObj(sluice::address).toArray(String[]::new));
    }

    JsonNode readyz() throws IOException, InterruptedException {
        return ApiServer.JSON.readTree(sluice.get(true, "/readyz").substring(4));
    }

    JsonNode resource(String name) throws IOException, InterruptedException {
        for (JsonNode resource : readyz().path("resources").values()) {
            if (resource.path("resource").asString("").equals(name)) {
                return resource;
            }
        }
        throw new AssertionError("readyz does not know " + name);
    }

    void awaitServicesListed() {
        await().until(() -> resource("services").path("watch").asString("").equals("Watching"));
    }

    /** Every kind is being watched. */
    void awaitWatching() {
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            JsonNode resources = readyz().path("resources");
            return Stream.of(0, 1, 2)
                    .allMatch(i -> resources.path(i).path("watch").asString("").equals("Watching"));
        });
    }

    @Override
    public void close() throws IOException {
        sluice.close();
        api.close();
    }
}
