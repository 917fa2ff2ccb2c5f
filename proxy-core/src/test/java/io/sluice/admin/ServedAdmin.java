package io.sluice.admin;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.http.AllowedHosts;
import io.sluice.http.HttpLimits;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The admin addresses of a {@link ScriptedDaemon} over real sockets, and a client that asks them. Tests of it extend this. */
abstract class ServedAdmin {

    static final Instant NOW = Instant.parse("2026-11-23T12:00:00Z");
    static final InetSocketAddress ANY_PORT = new InetSocketAddress(IpAddresses.parse("127.0.0.1"), 0);

    final HttpClient client = HttpClient.newHttpClient();
    final ScriptedDaemon daemon = new ScriptedDaemon();
    final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    final ProxyMetrics metrics = new ProxyMetrics(registry);
    Admin admin = admin(Optional.of(ANY_PORT), Optional.of(ANY_PORT));

    @AfterEach
    void close() {
        admin.close();
        client.close();
    }

    Admin admin(Optional<InetSocketAddress> metricsAddress, Optional<InetSocketAddress> healthAddress) {
        AllowedHosts hosts = new AllowedHosts(List.of("node-a"), "--metrics-allowed-hosts");
        return new Admin(metricsAddress, healthAddress,
                new AdminServer.Serving(hosts, HttpLimits.DEFAULT, Duration.ofMillis(50)), daemon, metrics,
                registry, Clock.fixed(NOW, ZoneOffset.UTC));
    }

    void ready() {
        daemon.freshness = ScriptedDaemon.FRESH;
        daemon.applied = ScriptedDaemon.threeServices();
    }

    void start() throws IOException {
        admin.start(true);
    }

    HttpResponse<String> get(String path) throws Exception {
        return send(request(path));
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(uri(admin.metricsAddress().orElseThrow(), path)).timeout(Duration.ofSeconds(20));
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    /** What comes back for {@code bytes}, until the server closes. */
    String raw(String bytes) throws IOException {
        InetSocketAddress address = admin.metricsAddress().orElseThrow();
        try (Socket socket = new Socket(address.getAddress(), address.getPort())) {
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    static URI uri(InetSocketAddress address, String path) {
        return URI.create("http://" + IpAddresses.format(address.getAddress(), address.getPort()) + path);
    }

    static JsonNode json(HttpResponse<String> response) {
        return json(response.body());
    }

    static JsonNode json(String text) {
        return JsonMapper.shared().readTree(text);
    }
}
