package io.sluice.metrics;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.Labels;
import io.sluice.service.ServicePortName;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Series of the Service ports that cannot be served, so that an alert can name them; their numbers are counted elsewhere. They are made
 * during a scrape, of the first {@value #MOST} ports by name: where more are in trouble, it is not about one Service.
 */
public final class TroubledPorts {

    /** The most ports that have a series of each kind. */
    static final int MOST = 50;

    private TroubledPorts() {}

    /**
     * Registers the series.
     *
     * @param failed the ports with addresses that cannot be listened at, and how many; any thread
     * @param empty  the ports without an endpoint, each with 1; any thread
     */
    public static void bind(PrometheusMeterRegistry registry, Supplier<Map<ServicePortName, Long>> failed,
            Supplier<Map<ServicePortName, Long>> empty) {
        MultiCollector collector = () -> {
            Scrape scrape = new Scrape();
            add(scrape, MetricCatalog.SERVICE_LISTENERS_FAILED, failed.get());
            add(scrape, MetricCatalog.SERVICE_WITHOUT_ENDPOINTS, empty.get());
            return scrape.snapshots();
        };
        registry.getPrometheusRegistry().register(collector);
    }

    private static void add(Scrape into, MetricCatalog metric, Map<ServicePortName, Long> ports) {
        new TreeMap<>(ports).entrySet().stream().limit(MOST).forEach(port -> into.gauge(metric,
                Labels.of("namespace", port.getKey().service().namespace(), "port", port.getKey().port(), "service",
                        port.getKey().service().name()),
                port.getValue()));
    }
}
