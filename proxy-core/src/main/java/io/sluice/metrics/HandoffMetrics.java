package io.sluice.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.Map;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

/** Connections that are handed to the kernel. */
public final class HandoffMetrics {

    private HandoffMetrics() {}

    /**
     * Registers the meters, which ask at each scrape.
     *
     * @param open     how many connections the kernel has
     * @param attempts how often an attempt has ended so, by result; must live as long as the registry
     */
    public static void bind(MeterRegistry registry, IntSupplier open, Map<String, LongSupplier> attempts) {
        MetricCatalog.KERNEL_CONNECTIONS.gauge(registry, open::getAsInt);
        attempts.forEach((result, count) -> MetricCatalog.HANDOFFS.counter(registry, count,
                LongSupplier::getAsLong, result));
    }
}
