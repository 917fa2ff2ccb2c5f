package io.sluice.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.liveness.ThreadKind;
import io.sluice.liveness.Watchdog;
import java.util.concurrent.TimeUnit;

/** The findings of the watchdog, by kind of thread. */
public final class WatchdogMetrics {

    private WatchdogMetrics() {}

    /** Registers the meters, which ask {@code watchdog} at each scrape. */
    public static void bind(MeterRegistry registry, Watchdog watchdog) {
        for (ThreadKind kind : ThreadKind.values()) {
            MetricCatalog.THREAD_PROGRESS_AGE.gauge(registry, () -> watchdog.still(kind).toMillis(),
                    TimeUnit.MILLISECONDS, kind.label());
            MetricCatalog.THREAD_STALLS.counter(registry, watchdog, of -> of.stallsTotal(kind), kind.label());
        }
    }
}
