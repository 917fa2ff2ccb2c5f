package io.sluice.metrics;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.sluice.service.EndpointAddress;
import io.sluice.service.ServicePortName;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The meters of the data path by Service port and endpoint, and the bound on their number.
 *
 * <p>The control thread asks for meters and retires them; event loops hold the objects it was given and count. Series
 * are made of them during a scrape and not kept: a registered meter for each would be most of the heap of
 * a large cluster. Ports and endpoints come and go on the control thread and on the executor for removals, under one lock
 * that neither event loops nor scrapes take.
 */
public final class ProxyMetrics {

    /** How many endpoints have series of their own unless told otherwise. */
    public static final int DEFAULT_MAX_ENDPOINTS = 20_000;

    /** How many endpoints have histograms of their own unless told otherwise. */
    public static final int DEFAULT_MAX_ENDPOINT_HISTOGRAMS = 1000;

    private final Executor removals;
    private final int maxEndpoints;
    private final SeriesBudget histograms;
    private final ConcurrentMap<ServicePortName, PortMeters> ports = new ConcurrentHashMap<>();

    private final Object lock = new Object();
    private int shownEndpoints;
    private final AtomicInteger hiddenEndpoints = new AtomicInteger();

    /** With the default bounds, and removals on virtual threads. */
    public ProxyMetrics(PrometheusMeterRegistry registry) {
        this(registry, DEFAULT_MAX_ENDPOINT_HISTOGRAMS);
    }

    /**
     * With {@link #DEFAULT_MAX_ENDPOINTS}, and removals on virtual threads.
     *
     * @param maxHistograms how many endpoints have histograms of their own; 0 for none
     */
    public ProxyMetrics(PrometheusMeterRegistry registry, int maxHistograms) {
        this(registry, DEFAULT_MAX_ENDPOINTS, maxHistograms,
                task -> Thread.ofVirtual().name("sluice-metrics").start(task));
    }

    /**
     * Counts into {@code registry}.
     *
     * @param maxEndpoints how many endpoints have series of their own; the others are counted in
     *                     {@code sluice_metrics_series_dropped}
     * @param maxHistograms how many of them have histograms as well, the first to take connections; the others that do are
     *                     counted in {@code sluice_metrics_histograms_dropped}
     * @param removals     takes the series of a retired endpoint or port out of the registry after its last connection;
     *                     handed to from event loops, so it must neither block nor run the task itself
     */
    public ProxyMetrics(PrometheusMeterRegistry registry, int maxEndpoints, int maxHistograms,
            Executor removals) {
        this.maxEndpoints = maxEndpoints;
        this.histograms = new SeriesBudget(maxHistograms);
        this.removals = removals;
        MetricCatalog.SERIES_DROPPED.gauge(registry, hiddenEndpoints::get);
        MetricCatalog.HISTOGRAMS_DROPPED.gauge(registry, this::withoutHistograms);
        registry.getPrometheusRegistry().register(new Collector());
    }

    /** Makes nothing when a scrape leaves it out. */
    private final class Collector implements MultiCollector {

        private final List<String> names = Stream.concat(PortMeters.FAMILIES.stream(), EndpointMeters.FAMILIES.stream())
                .flatMap(family -> family.prometheusNames().stream()).toList();

        @Override
        public MetricSnapshots collect() {
            return ProxyMetrics.this.collect();
        }

        @Override
        public MetricSnapshots collect(Predicate<String> included) {
            return names.stream().anyMatch(included) ? MultiCollector.super.collect(included) : new MetricSnapshots();
        }
    }

    /** The series of all present meters, for those who read the registry itself. Any thread. */
    private MetricSnapshots collect() {
        Scrape scrape = new Scrape();
        long now = System.nanoTime();
        collect(scrape, PortMeters.FAMILIES, MeteredSet.ports(ports.values()), now);
        collect(scrape, EndpointMeters.FAMILIES, MeteredSet.endpoints(ports.values()), now);
        return scrape.snapshots();
    }

    private static <T> void collect(Scrape into, List<Family<T>> families, MeteredSet<T> set, long now) {
        set.all().forEach(
                one -> into.add(families, one.meters(), Labels.of(set.labels(), one.values()), now));
    }

    /** The series of all present meters, to be written piece by piece. Any thread. */
    List<ExpositionSection> sections(TextFormat format) throws IOException {
        long now = System.nanoTime();
        List<ExpositionSection> sections = new ArrayList<>();
        sections.addAll(SeriesSection.of(PortMeters.FAMILIES, MeteredSet.ports(ports.values()), format, now));
        sections.addAll(SeriesSection.of(EndpointMeters.FAMILIES, MeteredSet.endpoints(ports.values()), format, now));
        return sections;
    }

    /** Endpoints that have taken connections and have no histograms of their own. */
    private long withoutHistograms() {
        return ports.values().stream().flatMap(port -> port.knownEndpoints().stream()).map(EndpointMeters::latency)
                .filter(latency -> latency != null && !latency.hasSeries()).count();
    }

    SeriesBudget histograms() {
        return histograms;
    }

    /** The meters of a port: always the same object for one name until its series were removed. Control thread. */
    public PortMeters port(ServicePortName name) {
        synchronized (lock) {
            PortMeters port = ports.get(name);
            if (port == null) {
                port = new PortMeters(this, name);
                ports.put(name, port);
            }
            port.markRetired(false);
            return port;
        }
    }

    /** The meters of a port, if it is known and not yet removed; changes nothing. Any thread. */
    public Optional<PortMeters> find(ServicePortName name) {
        return Optional.ofNullable(ports.get(name));
    }

    /** The meters of an endpoint, if it is known and not yet removed; changes nothing. Any thread. */
    public Optional<EndpointMeters> find(ServicePortName name, EndpointAddress address) {
        PortMeters port = ports.get(name);
        return port == null ? Optional.empty() : Optional.ofNullable(port.known(address));
    }

    EndpointMeters endpoint(PortMeters port, EndpointAddress address) {
        synchronized (lock) {
            EndpointMeters endpoint = port.known(address);
            if (endpoint == null) {
                endpoint = new EndpointMeters(port, address);
                port.add(endpoint);
                hiddenEndpoints.incrementAndGet();
            }
            endpoint.markRetired(false);
            if (!endpoint.hasSeries() && shownEndpoints < maxEndpoints) {
                endpoint.hasSeries(true);
                shownEndpoints++;
                hiddenEndpoints.decrementAndGet();
            }
            return endpoint;
        }
    }

    void retire(EndpointMeters endpoint) {
        synchronized (lock) {
            endpoint.markRetired(true);
            removeIfGone(endpoint);
        }
    }

    void retire(PortMeters port) {
        synchronized (lock) {
            port.markRetired(true);
            port.knownEndpoints().forEach(this::retire);
            removeIfGone(port);
        }
    }

    void endpointDrained(EndpointMeters endpoint) {
        removals.execute(() -> removeIfGone(endpoint));
    }

    void portDrained(PortMeters port) {
        removals.execute(() -> removeIfGone(port));
    }

    private void removeIfGone(EndpointMeters endpoint) {
        synchronized (lock) {
            if (endpoint.gone() && endpoint.port().remove(endpoint)) {
                endpoint.removed();
                if (endpoint.hasSeries()) {
                    endpoint.hasSeries(false);
                    shownEndpoints--;
                } else {
                    hiddenEndpoints.decrementAndGet();
                }
            }
        }
    }

    private void removeIfGone(PortMeters port) {
        synchronized (lock) {
            if (port.gone()) {
                ports.remove(port.name(), port);
            }
        }
    }
}
