package io.sluice.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.Timer;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointSet;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * How often and how fast snapshots are applied, under names of our own and under kube-proxy's, so that dashboards made
 * for kube-proxy show it. Control thread; scrapes read from any thread.
 */
public final class SyncMetrics {

    /** kube-proxy's: 1 ms doubled fourteen times. */
    private static final Duration[] BUCKETS = buckets();

    private final Timer sync;
    private final Timer kubeProxySync;
    private final AtomicLong lastSync = new AtomicLong();
    private final LongAdder serviceChanges = new LongAdder();
    private final LongAdder endpointChanges = new LongAdder();
    private @Nullable ClusterSnapshot last;

    /** Registers the meters. */
    public SyncMetrics(MeterRegistry registry) {
        sync = timer(registry, "sluice.sync.duration", "How long it took to apply a snapshot");
        kubeProxySync = timer(registry, "kubeproxy.sync.proxy.rules.duration", "The same as sluice_sync_duration");
        timestamp(registry, "sluice.sync.last.timestamp", "When a snapshot was last applied");
        timestamp(registry, "kubeproxy.sync.proxy.rules.last.timestamp", "The same as sluice_sync_last_timestamp");
        counter(registry, "kubeproxy.sync.proxy.rules.service.changes",
                "Services added, changed or removed by applied snapshots", serviceChanges);
        counter(registry, "kubeproxy.sync.proxy.rules.endpoint.changes",
                "Services whose endpoints differed between applied snapshots", endpointChanges);
    }

    /** {@code snapshot} was applied, which ended at {@code at} and took {@code took}. */
    public void synced(ClusterSnapshot snapshot, Instant at, Duration took) {
        countChanges(last == null ? Map.of() : last.services(), snapshot.services());
        last = snapshot;
        lastSync.set(at.toEpochMilli());
        sync.record(took);
        kubeProxySync.record(took);
    }

    private void countChanges(Map<ServiceName, ServiceState> before, Map<ServiceName, ServiceState> after) {
        Set<ServiceName> names = new HashSet<>(before.keySet());
        names.addAll(after.keySet());
        for (ServiceName name : names) {
            ServiceState old = before.get(name);
            ServiceState now = after.get(name);
            if (old == null || now == null || !old.service().equals(now.service())) {
                serviceChanges.increment();
            }
            if (!endpoints(old).equals(endpoints(now))) {
                endpointChanges.increment();
            }
        }
    }

    /** Of each port that has any. */
    private static List<EndpointSet> endpoints(@Nullable ServiceState state) {
        return state == null
                ? List.of()
                : state.ports().stream().map(PortState::endpoints).filter(set -> !set.isEmpty()).toList();
    }

    private static Timer timer(MeterRegistry registry, String name, String description) {
        return Timer.builder(name).description(description).serviceLevelObjectives(BUCKETS).register(registry);
    }

    private void timestamp(MeterRegistry registry, String name, String description) {
        TimeGauge.builder(name, lastSync, TimeUnit.MILLISECONDS, AtomicLong::get).description(description)
                .register(registry);
    }

    private static void counter(MeterRegistry registry, String name, String description, LongAdder count) {
        FunctionCounter.builder(name, count, LongAdder::sum).description(description).register(registry);
    }

    private static Duration[] buckets() {
        Duration[] buckets = new Duration[15];
        for (int i = 0; i < buckets.length; i++) {
            buckets[i] = Duration.ofMillis(1L << i);
        }
        return buckets;
    }
}
