package io.sluice.admin;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.metrics.ProxyMetrics;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The admin addresses, as kube-proxy has them: one for metrics and the API, one for health checks; if both are the same,
 * one server has all. Started and closed on the control thread; requests run on virtual threads.
 */
public final class Admin implements AutoCloseable {

    private static final Duration RETRY_INTERVAL = Duration.ofSeconds(5);
    private static final String OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    private static final String PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8";

    private final @Nullable AdminServer metricsServer;
    private final @Nullable AdminServer healthServer;

    /**
     * Opens nothing yet; registers gauges over {@code status}.
     *
     * @param metricsAddress for {@code /metrics} and {@code /api/v1}; empty for none; port 0 for any
     * @param healthAddress  for {@code /healthz}, {@code /livez} and {@code /readyz}; empty for none; may equal the
     *                       former
     * @param registry       what {@code /metrics} shows
     */
    public Admin(Optional<InetSocketAddress> metricsAddress, Optional<InetSocketAddress> healthAddress,
            DaemonStatus status, ProxyMetrics metrics, PrometheusMeterRegistry registry) {
        this(metricsAddress, healthAddress, status, metrics, registry, Clock.systemUTC(), RETRY_INTERVAL);
    }

    Admin(Optional<InetSocketAddress> metricsAddress, Optional<InetSocketAddress> healthAddress, DaemonStatus status,
            ProxyMetrics metrics, PrometheusMeterRegistry registry, Clock clock, Duration retryInterval) {
        registry.config().namingConvention(new MetricNames());
        new StateMetrics(status).bindTo(registry);
        Health health = new Health(status, registry, clock);
        Map<String, Route> healthRoutes = Map.of("/healthz", request -> health.healthz(), "/livez",
                request -> health.livez(), "/readyz", request -> health.readyz());
        Map<String, Route> metricsRoutes = Map.of("/metrics", request -> scrape(registry, request), "/healthz",
                request -> Answer.text("ok"), "/proxyMode", request -> Answer.text("userspace"), "/api/v1/services",
                request -> Answer.json(ServicesView.of(status, metrics, request)), "/api/v1/connections",
                request -> Answer.json(ConnectionsView.of(status, request)), "/api/v1/environment",
                request -> EnvironmentView.answer(status, request), "/api/v1/explain",
                request -> ExplainView.answer(status, request), "/api/v1/version",
                request -> Answer.json(VersionView.of(status.build())));
        if (metricsAddress.isPresent() && metricsAddress.equals(healthAddress)) {
            Map<String, Route> all = new TreeMap<>(metricsRoutes);
            all.putAll(healthRoutes);
            metricsServer = new AdminServer("metrics, API and health checks", "--metrics-bind-address",
                    metricsAddress.get(), withPage(status, health, all), retryInterval);
            healthServer = metricsServer;
        } else {
            metricsServer = metricsAddress.map(address -> new AdminServer("metrics and API", "--metrics-bind-address",
                    address, withPage(status, health, metricsRoutes), retryInterval)).orElse(null);
            healthServer = healthAddress.map(address -> new AdminServer("health checks", "--healthz-bind-address",
                    address, withPage(status, health, healthRoutes), retryInterval)).orElse(null);
        }
    }

    /**
     * Serves. An address that cannot be bound is logged once and tried again every 5 s.
     *
     * @param bindAddressHardFail whether such an address is an error instead
     * @throws IOException if so; nothing is served then, and the message says what, where, and what to do
     */
    public void start(boolean bindAddressHardFail) throws IOException {
        try {
            for (AdminServer server : servers()) {
                server.start(bindAddressHardFail);
            }
        } catch (IOException e) {
            close();
            throw e;
        }
    }

    /** Where metrics and the API are served; empty if nowhere, or while the address cannot be bound. Any thread. */
    public Optional<InetSocketAddress> metricsAddress() {
        return metricsServer == null ? Optional.empty() : metricsServer.boundAddress();
    }

    /** Where health checks are answered; empty if nowhere, or while the address cannot be bound. Any thread. */
    public Optional<InetSocketAddress> healthAddress() {
        return healthServer == null ? Optional.empty() : healthServer.boundAddress();
    }

    /** Stops at once; requests that are being answered are cut off. */
    @Override
    public void close() {
        servers().forEach(AdminServer::close);
    }

    private List<AdminServer> servers() {
        List<AdminServer> servers = new ArrayList<>();
        if (metricsServer != null) {
            servers.add(metricsServer);
        }
        if (healthServer != null && healthServer != metricsServer) {
            servers.add(healthServer);
        }
        return servers;
    }

    private static Map<String, Route> withPage(DaemonStatus status, Health health, Map<String, Route> routes) {
        Map<String, Route> all = new TreeMap<>(routes);
        StatusPage page = new StatusPage(status, health, routes.keySet());
        all.put("/", request -> page.show());
        return all;
    }

    private static Answer scrape(PrometheusMeterRegistry registry, Request request) {
        String contentType =
                request.accept().contains("application/openmetrics-text") ? OPEN_METRICS : PROMETHEUS_TEXT;
        ByteArrayOutputStream out = new ByteArrayOutputStream(64 * 1024);
        try {
            registry.scrape(out, contentType);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new Answer(200, contentType, out.toByteArray());
    }

    private record VersionView(String version, String java, Instant startedAt) {
        static VersionView of(DaemonStatus.Build build) {
            return new VersionView(build.version(), Runtime.version().toString(), build.startedAt());
        }
    }
}
