package io.sluice.admin;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sluice.balance.EndpointSelection;
import io.sluice.balance.EndpointSelection.Categorized;
import io.sluice.balance.Traffic;
import io.sluice.metrics.MetricCatalog;
import io.sluice.metrics.TroubledPorts;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.IpFamily;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.source.Problem;
import io.sluice.source.ResourceFreshness;
import io.sluice.source.ResourceFreshness.WatchState;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;

/**
 * Gauges of the daemon's state, read at each scrape. It lives here and not with the other meters, because it reads the
 * applied state, and {@code reconcile} is above {@code metrics}.
 */
final class StateMetrics implements MeterBinder {

    private final DaemonStatus status;

    StateMetrics(DaemonStatus status) {
        this.status = status;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        MetricCatalog.SOURCE_SYNCED.gauge(registry, () -> status.freshness().synced() ? 1 : 0);
        MetricCatalog.SOURCE_CURRENT.gauge(registry, () -> status.freshness().current() ? 1 : 0);
        for (Problem.Severity severity : Problem.Severity.values()) {
            MetricCatalog.SOURCE_PROBLEMS.gauge(registry, () -> problems(severity), word(severity));
        }
        MetricCatalog.SOURCE_LAST_GOOD.gauge(registry, this::lastGood, TimeUnit.MILLISECONDS);
        status.freshness().resources().forEach(resource -> bind(resource.resource(), registry));
        MetricCatalog.SERVICES.gauge(registry,
                () -> status.applied().map(a -> a.snapshot().services().size()).orElse(0));
        MetricCatalog.SERVICE_PORTS_EMPTY.gauge(registry, this::emptyPorts);
        bindForKubeProxysDashboards(registry);
        for (ListenerStatus of : ListenerStatus.values()) {
            MetricCatalog.LISTENERS.gauge(registry, () -> listeners(of), word(of));
        }
    }

    /** Adds series that name Services. */
    void nameTroubledPorts(PrometheusMeterRegistry registry) {
        TroubledPorts.bind(registry, () -> ports(StateMetrics::failed),
                () -> ports(port -> isEmpty(port) ? 1 : 0));
    }

    /** The ports for which {@code count} is more than 0. */
    private Map<ServicePortName, Long> ports(ToLongFunction<AppliedPort> count) {
        Map<ServicePortName, Long> counted = new HashMap<>();
        status.applied().ifPresent(applied -> applied.ports().forEach((name, port) -> {
            long of = count.applyAsLong(port);
            if (of > 0) {
                counted.put(name, of);
            }
        }));
        return counted;
    }

    private static long failed(AppliedPort port) {
        return port.listeners().stream().filter(listener -> listener.status() == ListenerStatus.FAILED).count();
    }

    private static boolean isEmpty(AppliedPort port) {
        return port.selections().values().stream()
                .allMatch(s -> s.internalEndpoints().isEmpty() && s.externalEndpoints().isEmpty());
    }

    private void bindForKubeProxysDashboards(MeterRegistry registry) {
        MetricCatalog.KUBE_PROXY_SERVICE_CHANGES_PENDING.gauge(registry, () -> status.waiting().services());
        MetricCatalog.KUBE_PROXY_ENDPOINT_CHANGES_PENDING.gauge(registry, () -> status.waiting().endpoints());
        for (IpFamily family : IpFamily.values()) {
            for (Traffic traffic : List.of(Traffic.INTERNAL, Traffic.EXTERNAL)) {
                MetricCatalog.KUBE_PROXY_NO_LOCAL_ENDPOINTS.gauge(registry,
                        () -> withoutLocalEndpoints(family, traffic), family.apiName(), word(traffic));
            }
        }
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    /** Counted as by kube-proxy: ports without any usable endpoint anywhere do not count. */
    private long withoutLocalEndpoints(IpFamily family, Traffic traffic) {
        AppliedState applied = status.applied().orElse(null);
        if (applied == null) {
            return 0;
        }
        return applied.ports().entrySet().stream().filter(port -> {
            EndpointSelection selection = port.getValue().selections().get(family);
            ServiceState service = applied.snapshot().services().get(port.getKey().service());
            return selection != null && service != null && EndpointSelection.local(service.service(), traffic)
                    && selection.localEndpoints().isEmpty()
                    && selection.categorized().stream().map(Categorized::endpoint)
                            .anyMatch(e -> e.ready() || e.serving() && e.terminating());
        }).count();
    }

    private void bind(String resource, MeterRegistry registry) {
        MetricCatalog.RESOURCE_AGE.gauge(registry, () -> age(resource), TimeUnit.SECONDS, resource);
        MetricCatalog.RESOURCE_WATCHING.gauge(registry,
                () -> resource(status, resource).filter(r -> r.watch() == WatchState.WATCHING).isPresent() ? 1 : 0,
                resource);
        MetricCatalog.RESOURCE_OBJECTS.gauge(registry,
                () -> resource(status, resource).map(ResourceFreshness::objects).orElse(0), resource);
        MetricCatalog.RESOURCE_LISTS.counter(registry, status,
                s -> resource(s, resource).map(ResourceFreshness::lists).orElse(0L), resource);
        MetricCatalog.RESOURCE_FAILURES.counter(registry, status,
                s -> resource(s, resource).map(ResourceFreshness::failures).orElse(0L), resource);
    }

    private static Optional<ResourceFreshness> resource(DaemonStatus status, String name) {
        return status.freshness().resources().stream().filter(r -> r.resource().equals(name)).findFirst();
    }

    private double age(String name) {
        Instant heard = resource(status, name).map(ResourceFreshness::lastHeard).orElse(null);
        return heard == null ? Double.NaN : Duration.between(heard, Instant.now()).toMillis() / 1000.0;
    }

    private long problems(Problem.Severity severity) {
        return status.freshness().problems().stream().filter(problem -> problem.severity() == severity).count();
    }

    private long lastGood() {
        Instant asOf = status.freshness().asOf();
        return asOf == null ? 0 : asOf.toEpochMilli();
    }

    private long listeners(ListenerStatus of) {
        return status.applied().map(AppliedState::ports).map(ports -> ports.values().stream()
                .flatMap(port -> port.listeners().stream()).filter(listener -> listener.status() == of).count())
                .orElse(0L);
    }

    private long emptyPorts() {
        return status.applied().map(AppliedState::ports)
                .map(ports -> ports.values().stream().filter(StateMetrics::isEmpty).count()).orElse(0L);
    }
}
