package io.sluice.metrics;

import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Gathers the series of the data path for those who read the registry itself. Not thread-safe. */
final class Scrape {

    private final Map<MetricCatalog, List<CounterDataPointSnapshot>> counters = new EnumMap<>(MetricCatalog.class);
    private final Map<MetricCatalog, List<GaugeDataPointSnapshot>> gauges = new EnumMap<>(MetricCatalog.class);
    private final Map<MetricCatalog, List<HistogramDataPointSnapshot>> histograms = new EnumMap<>(MetricCatalog.class);
    private final Map<MetricCatalog, List<GaugeDataPointSnapshot>> longest = new EnumMap<>(MetricCatalog.class);

    void gauge(MetricCatalog metric, Labels labels, double value) {
        gauges.computeIfAbsent(metric, m -> new ArrayList<>()).add(new GaugeDataPointSnapshot(value, labels, null));
    }

    private void histogram(MetricCatalog metric, Labels labels, DurationHistogram value, long now) {
        histograms.computeIfAbsent(metric, m -> new ArrayList<>()).add(value.snapshot(labels));
        longest.computeIfAbsent(metric, m -> new ArrayList<>())
                .add(new GaugeDataPointSnapshot(value.longest(now), labels, null));
    }

    /** Adds the series of {@code families} that {@code meters} have. */
    <T> void add(List<Family<T>> families, T meters, Labels labels, long now) {
        for (Family<T> family : families) {
            switch (family) {
                case Family.Numbers<T> numbers -> numbers.points().forEach(point -> {
                    long number = point.number().applyAsLong(meters);
                    if (number != Family.ABSENT) {
                        number(family.metric(),
                                point.label().isEmpty() ? labels : labels.add(family.addedLabel(), point.label()),
                                number);
                    }
                });
                case Family.Durations<T> durations -> {
                    DurationHistogram counted = durations.counted(meters);
                    if (counted != null) {
                        histogram(family.metric(), labels, counted, now);
                    }
                }
            }
        }
    }

    private void number(MetricCatalog metric, Labels labels, long number) {
        if (metric.type() == MetricCatalog.Type.COUNTER) {
            counters.computeIfAbsent(metric, m -> new ArrayList<>())
                    .add(new CounterDataPointSnapshot((double) number, labels, null, 0));
        } else {
            gauge(metric, labels, (double) number);
        }
    }

    /** All gathered series; metrics without series are absent. */
    MetricSnapshots snapshots() {
        List<MetricSnapshot> all = new ArrayList<>();
        counters.forEach((metric, points) -> all.add(new CounterSnapshot(metric.metadata(), points)));
        gauges.forEach((metric, points) -> all.add(new GaugeSnapshot(metric.metadata(), points)));
        histograms.forEach((metric, points) -> all.add(new HistogramSnapshot(metric.metadata(), points)));
        longest.forEach((metric, points) -> all.add(new GaugeSnapshot(metric.longestMetadata(), points)));
        return new MetricSnapshots(all);
    }
}
