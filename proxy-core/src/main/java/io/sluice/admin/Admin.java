package io.sluice.admin;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.healthcheck.Health;
import io.sluice.healthcheck.HealthStatus;
import io.sluice.http.AllowedHosts;
import io.sluice.http.Response;
import io.sluice.http.HttpLimits;
import io.sluice.http.Request;
import io.sluice.http.Route;
import io.sluice.live.LivePage;
import io.sluice.metrics.CatalogNames;
import io.sluice.metrics.Exposition;
import io.sluice.metrics.ProxyMetrics;
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
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The admin addresses, as kube-proxy has them: one for metrics and the API, one for health checks; if both are the same,
 * one server has everything. Health checks are answered on their server's event loop, everything else on virtual threads.
 * Started and closed on the control thread.
 */
public final class Admin implements AutoCloseable {

    /** A header of the API while the daemon drains: the number of connections that are still open. */
    public static final String DRAINING = "Sluice-Draining";

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
     * @param hosts          the host names for which {@code /metrics} and {@code /api/v1} are served
     * @param registry       the meters of {@code /metrics}
     */
    public Admin(Optional<InetSocketAddress> metricsAddress, Optional<InetSocketAddress> healthAddress,
            AllowedHosts hosts, DaemonStatus status, ProxyMetrics metrics,
            PrometheusMeterRegistry registry) {
        this(metricsAddress, healthAddress, new AdminServer.Serving(hosts, HttpLimits.DEFAULT, RETRY_INTERVAL), status,
                metrics, registry, Clock.systemUTC());
    }

    Admin(Optional<InetSocketAddress> metricsAddress, Optional<InetSocketAddress> healthAddress,
            AdminServer.Serving serving,
            DaemonStatus status, ProxyMetrics metrics, PrometheusMeterRegistry registry, Clock clock) {
        registry.config().namingConvention(new CatalogNames());
        StateMetrics state = new StateMetrics(status);
        state.bindTo(registry);
        state.nameTroubledPorts(registry);
        Health health = new Health(status, registry, clock);
        Map<String, Route> healthRoutes = Map.of("/healthz", Route.probe(request -> health.healthz()), "/livez",
                Route.probe(request -> health.livez()), "/readyz", Route.probe(request -> readyz(health, request)));
        Map<String, Route> metricsRoutes = new TreeMap<>(Map.of("/metrics",
                Route.view(request -> scrape(registry, metrics, request)),
                "/healthz", Route.probe(request -> Response.text("ok")),
                "/proxyMode", Route.view(request -> Response.text("userspace")),
                "/api/v1/services", view(status, request -> ServicesView.answer(status, metrics, request)),
                "/api/v1/connections", view(status, request -> Response.json(ConnectionsView.of(status, request))),
                "/api/v1/events",
                view(status, request -> EventsView.answer(status.journal(), request, clock)),
                "/api/v1/environment", view(status, request -> EnvironmentView.answer(status, request)),
                "/api/v1/explain", view(status, request -> ExplainView.answer(status, metrics, request)),
                "/api/v1/version", Route.view(request -> Response.json(VersionView.of(status.build())))));
        metricsRoutes.put("/api/v1/tap", Route.view(request -> TapView.answer(status.taps(), request)));
        metricsRoutes.put("/api/v1/orders", Route.view(request -> Response.json(OrdersView.of(status))));
        metricsRoutes.putAll(new LivePage(status, health, metrics).routes());
        if (metricsAddress.isPresent() && metricsAddress.equals(healthAddress)) {
            Map<String, Route> all = new TreeMap<>(metricsRoutes);
            all.putAll(healthRoutes);
            metricsServer = new AdminServer("metrics, API and health checks", "--metrics-bind-address",
                    metricsAddress.get(), all, serving);
            healthServer = metricsServer;
        } else {
            metricsServer = metricsAddress.map(address -> new AdminServer("metrics and API", "--metrics-bind-address",
                    address, metricsRoutes, serving)).orElse(null);
            healthServer = healthAddress.map(address -> new AdminServer("health checks", "--healthz-bind-address",
                    address, withPage(status, health, healthRoutes), serving)).orElse(null);
        }
    }

    /**
     * Begins to serve. An address that cannot be bound is logged once and tried again every 5 s.
     *
     * @param bindAddressHardFail whether such an address is an error instead
     * @throws IOException if it is; then nothing is served, and the message says what, where, and what to do
     */
    public void start(boolean bindAddressHardFail) throws IOException {
        try {
            for (AdminServer server : servers()) {
                server.start(bindAddressHardFail);
            }
        } catch (IOException e) {
            stop();
            throw e;
        }
    }

    /** Stops at once, and may be started again; requests that are being answered are cut off. */
    public void stop() {
        servers().forEach(AdminServer::stop);
    }

    /** The address of metrics and the API; empty if there is none, or while it cannot be bound. Any thread. */
    public Optional<InetSocketAddress> metricsAddress() {
        return metricsServer == null ? Optional.empty() : metricsServer.boundAddress();
    }

    /** The address of health checks; empty if there is none, or while it cannot be bound. Any thread. */
    public Optional<InetSocketAddress> healthAddress() {
        return healthServer == null ? Optional.empty() : healthServer.boundAddress();
    }

    /** Stops for good. */
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
        all.put("/", Route.view(request -> page.show()));
        return all;
    }

    /** A view of a daemon that may be about to end: then it says so, with the number of connections that are open. */
    private static Route view(DaemonStatus status, Function<Request, Response> view) {
        return Route.view(request -> {
            Response response = view.apply(request);
            if (!status.draining()) {
                return response;
            }
            return response.with(DRAINING, Integer.toString(status.limits().open()));
        });
    }

    private static Response scrape(PrometheusMeterRegistry registry, ProxyMetrics metrics, Request request) {
        String contentType =
                request.accept().contains("application/openmetrics-text") ? OPEN_METRICS : PROMETHEUS_TEXT;
        try {
            Exposition exposition = Exposition.of(registry, metrics, contentType);
            return Response.pieces(contentType, () -> exposition.open()::writeSome);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A load balancer may ask with any host name, but the body names Services and addresses only for an allowed one. */
    private static Response readyz(Health health, Request request) {
        Response whole = health.readyz(request);
        return request.trusted() ? whole : Response.json(whole.status(), new ReadyWord(whole.status() == 200));
    }

    private record ReadyWord(boolean ready) {}

    private record VersionView(String version, String java, Instant startedAt) {
        static VersionView of(HealthStatus.Build build) {
            return new VersionView(build.version(), Runtime.version().toString(), build.startedAt());
        }
    }
}
