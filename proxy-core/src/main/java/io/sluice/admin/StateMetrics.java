package io.sluice.admin;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.sluice.reconcile.AppliedState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.source.Problem;
import java.time.Instant;
import java.util.Locale;
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
        Gauge.builder("sluice.services", () -> status.applied().map(a -> a.snapshot().services().size()).orElse(0))
                .description("Services that are known").register(registry);
        Gauge.builder("sluice.service.ports.empty", this::emptyPorts)
                .description("Proxied Service ports without an endpoint that may take a connection").register(registry);
        for (ListenerStatus of : ListenerStatus.values()) {
            Gauge.builder("sluice.listeners", () -> listeners(of)).tag("status", of.name().toLowerCase(Locale.ROOT))
                    .description("Addresses that are or should be listened at").register(registry);
        }
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
