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

/** Gathers the series of the data path while one scrape lasts. Not thread-safe. */
final class Scrape {

    private final Map<Family, List<CounterDataPointSnapshot>> counters = new EnumMap<>(Family.class);
    private final Map<Family, List<GaugeDataPointSnapshot>> gauges = new EnumMap<>(Family.class);
    private final Map<Family, List<HistogramDataPointSnapshot>> histograms = new EnumMap<>(Family.class);

    void counter(Family family, Labels labels, long value) {
        counters.computeIfAbsent(family, f -> new ArrayList<>())
                .add(new CounterDataPointSnapshot(value, labels, null, 0));
    }

    void gauge(Family family, Labels labels, double value) {
        gauges.computeIfAbsent(family, f -> new ArrayList<>()).add(new GaugeDataPointSnapshot(value, labels, null));
    }

    void histogram(Family family, HistogramDataPointSnapshot value) {
        histograms.computeIfAbsent(family, f -> new ArrayList<>()).add(value);
    }

    /** All of it; families without series are absent. */
    MetricSnapshots snapshots() {
        List<MetricSnapshot> all = new ArrayList<>();
        counters.forEach((family, points) -> all.add(new CounterSnapshot(family.metadata(), points)));
        gauges.forEach((family, points) -> all.add(new GaugeSnapshot(family.metadata(), points)));
        histograms.forEach((family, points) -> all.add(new HistogramSnapshot(family.metadata(), points)));
        return new MetricSnapshots(all);
    }
}
