package io.sluice.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.sluice.liveness.ThreadKind;
import io.sluice.liveness.Watchdog;
import java.util.concurrent.TimeUnit;

/** What the watchdog sees, by kind of thread. */
public final class WatchdogMetrics {

    private WatchdogMetrics() {}

    /** Registers the meters, which ask {@code watchdog} at each scrape. */
    public static void bind(MeterRegistry registry, Watchdog watchdog) {
        for (ThreadKind kind : ThreadKind.values()) {
            TimeGauge.builder("sluice.thread.progress.age", () -> watchdog.still(kind).toMillis(),
                    TimeUnit.MILLISECONDS).tag("kind", kind.label())
                    .description("For how long the slowest thread of this kind has made no progress")
                    .register(registry);
            FunctionCounter.builder("sluice.thread.stalls", watchdog, of -> of.stallsTotal(kind))
                    .tag("kind", kind.label())
                    .description("How often a thread made no progress for longer than it may").register(registry);
        }
    }
}
