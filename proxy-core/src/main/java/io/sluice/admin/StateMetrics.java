package io.sluice.admin;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.sluice.balance.EndpointSelection;
import io.sluice.balance.EndpointSelection.Judged;
import io.sluice.balance.Traffic;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.IpFamily;
import io.sluice.service.ServiceState;
import io.sluice.source.Problem;
import io.sluice.source.ResourceFreshness;
import io.sluice.source.ResourceFreshness.WatchState;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Gauges over what the daemon says of itself; each scrape asks anew. */
final class StateMetrics implements MeterBinder {

    private final DaemonStatus status;

    StateMetrics(DaemonStatus status) {
        this.status = status;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        Gauge.builder("sluice.source.synced", () -> status.freshness().synced() ? 1 : 0)
                .description("1 once the source has handed over a complete view").register(registry);
        Gauge.builder("sluice.source.current", () -> status.freshness().current() ? 1 : 0)
                .description("1 while the view is known to be up to date, 0 while an edit is broken or a watch silent")
                .register(registry);
        for (Problem.Severity severity : Problem.Severity.values()) {
            Gauge.builder("sluice.source.problems", () -> problems(severity))
                    .tag("severity", severity.name().toLowerCase(Locale.ROOT))
                    .description("What is wrong with the source's input now").register(registry);
        }
        TimeGauge.builder("sluice.source.last.good.timestamp", this::lastGood, TimeUnit.MILLISECONDS)
                .description("When the source's view was last known to be true").register(registry);
        status.freshness().resources().forEach(resource -> bind(resource.resource(), registry));
        Gauge.builder("sluice.services", () -> status.applied().map(a -> a.snapshot().services().size()).orElse(0))
                .description("Services that are known").register(registry);
        Gauge.builder("sluice.service.ports.empty", this::emptyPorts)
                .description("Proxied Service ports without an endpoint that may take a connection").register(registry);
        bindForKubeProxysDashboards(registry);
        for (ListenerStatus of : ListenerStatus.values()) {
            Gauge.builder("sluice.listeners", () -> listeners(of)).tag("status", of.name().toLowerCase(Locale.ROOT))
                    .description("Addresses that are or should be listened at").register(registry);
        }
    }

    private void bindForKubeProxysDashboards(MeterRegistry registry) {
        Gauge.builder("kubeproxy.sync.proxy.rules.service.changes.pending", () -> status.waiting().services())
                .description("Services whose changes are not applied yet").register(registry);
        Gauge.builder("kubeproxy.sync.proxy.rules.endpoint.changes.pending", () -> status.waiting().endpoints())
                .description("Services whose changed endpoints are not applied yet").register(registry);
        for (IpFamily family : IpFamily.values()) {
            for (Traffic traffic : List.of(Traffic.INTERNAL, Traffic.EXTERNAL)) {
                Gauge.builder(MetricNames.NO_LOCAL_ENDPOINTS,
                        () -> withoutLocalEndpoints(family, traffic)).tag("ip.family", family.apiName())
                        .tag("traffic.policy", traffic.name().toLowerCase(Locale.ROOT))
                        .description("Service ports with a Local traffic policy whose endpoints are all elsewhere")
                        .register(registry);
            }
        }
    }

    /** As kube-proxy counts them: a port that has no usable endpoint anywhere is another matter. */
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
                    && selection.judged().stream().map(Judged::endpoint)
                            .anyMatch(e -> e.ready() || e.serving() && e.terminating());
        }).count();
    }

    private void bind(String resource, MeterRegistry registry) {
        TimeGauge.builder("sluice.source.resource.age", () -> age(resource), TimeUnit.SECONDS).tag("resource", resource)
                .description("Since when the API server has said nothing about it, not even that nothing is new")
                .register(registry);
        Gauge.builder("sluice.source.resource.watching",
                () -> resource(status, resource).filter(r -> r.watch() == WatchState.WATCHING).isPresent() ? 1 : 0)
                .tag("resource", resource).description("1 while changes are watched").register(registry);
        Gauge.builder("sluice.source.resource.objects",
                () -> resource(status, resource).map(ResourceFreshness::objects).orElse(0)).tag("resource", resource)
                .description("Objects that are known").register(registry);
        FunctionCounter.builder("sluice.source.resource.lists", status,
                s -> resource(s, resource).map(ResourceFreshness::lists).orElse(0L))
                .tag("resource", resource).description("How often all were listed").register(registry);
        FunctionCounter.builder("sluice.source.resource.failures", status,
                s -> resource(s, resource).map(ResourceFreshness::failures).orElse(0L))
                .tag("resource", resource).description("Lists and watches that failed").register(registry);
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
                .map(ports -> ports.values().stream().filter(port -> port.selections().values().stream()
                        .allMatch(s -> s.internalEndpoints().isEmpty() && s.externalEndpoints().isEmpty())).count())
                .orElse(0L);
    }
}
