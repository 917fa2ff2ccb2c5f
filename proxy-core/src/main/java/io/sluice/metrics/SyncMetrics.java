package io.sluice.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.sluice.service.ChangeCount;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.TriggerTime;
import io.sluice.service.IpFamily;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * How often and how fast snapshots are applied, under names of our own and under kube-proxy's, so that dashboards made
 * for kube-proxy show it. Control thread; scrapes read from any thread.
 */
public final class SyncMetrics {

    /** kube-proxy's: 1 ms doubled fourteen times. */
    private static final Duration[] BUCKETS = buckets();
    /** kube-proxy's: quarters of a second, seconds up to a minute, then ever wider ones up to five. */
    private static final Duration[] PROGRAMMING_BUCKETS = programmingBuckets();

    private final Timer sync;
    private final Map<IpFamily, Timer> kubeProxySync = new EnumMap<>(IpFamily.class);
    private final Map<IpFamily, Timer> programming = new EnumMap<>(IpFamily.class);
    private final AtomicLong lastSync = new AtomicLong();
    private final AtomicLong lastQueued = new AtomicLong();
    private final LongAdder serviceChanges = new LongAdder();
    private final LongAdder endpointChanges = new LongAdder();
    private long lastVersion = Long.MIN_VALUE;

    /** Registers the meters. */
    public SyncMetrics(MeterRegistry registry) {
        sync = MetricCatalog.SYNC_DURATION.timer(registry, BUCKETS);
        MetricCatalog.SYNC_LAST.gauge(registry, lastSync::get, TimeUnit.MILLISECONDS);
        for (IpFamily family : IpFamily.values()) {
            String name = family.apiName();
            kubeProxySync.put(family, MetricCatalog.KUBE_PROXY_SYNC_DURATION.timer(registry, BUCKETS, name));
            MetricCatalog.KUBE_PROXY_SYNC_LAST.gauge(registry, lastSync::get, TimeUnit.MILLISECONDS, name);
            MetricCatalog.KUBE_PROXY_LAST_QUEUED.gauge(registry, lastQueued::get, TimeUnit.MILLISECONDS, name);
            programming.put(family,
                    MetricCatalog.KUBE_PROXY_NETWORK_PROGRAMMING.timer(registry, PROGRAMMING_BUCKETS, name));
        }
        MetricCatalog.KUBE_PROXY_SERVICE_CHANGES.counter(registry, serviceChanges, LongAdder::sum);
        MetricCatalog.KUBE_PROXY_ENDPOINT_CHANGES.counter(registry, endpointChanges, LongAdder::sum);
    }

    /** Notes that a snapshot waits to be applied since {@code at}; any thread. */
    public void queued(Instant at) {
        lastQueued.accumulateAndGet(at.toEpochMilli(), Math::max);
    }

    /**
     * {@code snapshot} was applied, which ended at {@code at} and took {@code took}. Both families are applied in one step,
     * so that it counts for both; what came with the snapshot counts once, however often the same one is applied.
     *
     * @param count what was different from the snapshot that was applied before
     */
    public void synced(ClusterSnapshot snapshot, ChangeCount count, Instant at, Duration took) {
        serviceChanges.add(count.services());
        endpointChanges.add(count.endpoints());
        boolean again = lastVersion == snapshot.version();
        for (TriggerTime change : again ? List.<TriggerTime>of() : snapshot.changes()) {
            // The control plane's clock may be ahead of ours.
            Duration late = Duration.between(change.at(), at);
            Objects.requireNonNull(programming.get(change.family())).record(late.isNegative() ? Duration.ZERO : late);
        }
        lastVersion = snapshot.version();
        lastSync.set(at.toEpochMilli());
        sync.record(took);
        kubeProxySync.values().forEach(timer -> timer.record(took));
    }

    private static Duration[] buckets() {
        Duration[] buckets = new Duration[15];
        for (int i = 0; i < buckets.length; i++) {
            buckets[i] = Duration.ofMillis(1L << i);
        }
        return buckets;
    }

    private static Duration[] programmingBuckets() {
        return Stream.of(LongStream.of(250, 500), LongStream.rangeClosed(1, 59).map(s -> 1000 * s),
                LongStream.rangeClosed(12, 23).map(s -> 5000 * s), LongStream.rangeClosed(4, 10).map(s -> 30_000 * s))
                .flatMapToLong(part -> part).mapToObj(Duration::ofMillis).toArray(Duration[]::new);
    }
}
