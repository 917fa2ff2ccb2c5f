package io.sluice.metrics;

import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Exemplars;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What Prometheus's library writes in one of its text formats. Immutable.
 *
 * @param end the end of a text; empty if it has none
 */
record TextFormat(ExpositionFormatWriter writer, String end) {

    /** The format of {@code contentType}. */
    static TextFormat of(String contentType) throws IOException {
        ExpositionFormatWriter writer = ExpositionFormats.init().findWriter(contentType);
        return new TextFormat(writer, write(writer, new MetricSnapshots()));
    }

    /** The text of {@code snapshots}, without the end. */
    String text(MetricSnapshots snapshots) throws IOException {
        String whole = write(writer, snapshots);
        return whole.substring(0, whole.length() - end.length());
    }

    /** The lines before the series of {@code metric}. */
    String header(MetricCatalog metric) throws IOException {
        return header(switch (metric.type()) {
            case COUNTER -> new CounterSnapshot(metric.metadata(),
                    List.of(new CounterDataPointSnapshot(0, Labels.EMPTY, null, 0)));
            case GAUGE ->
                    new GaugeSnapshot(metric.metadata(), List.of(new GaugeDataPointSnapshot(0, Labels.EMPTY, null)));
            case HISTOGRAM -> new HistogramSnapshot(metric.metadata(),
                    List.of(new HistogramDataPointSnapshot(ClassicHistogramBuckets.of(
                            new double[] {Double.POSITIVE_INFINITY}, new long[] {0}), 0, Labels.EMPTY,
                            Exemplars.EMPTY, 0)));
        });
    }

    /** The lines before the gauges of the longest values of {@code metric}. */
    String longestHeader(MetricCatalog metric) throws IOException {
        return header(new GaugeSnapshot(metric.longestMetadata(),
                List.of(new GaugeDataPointSnapshot(0, Labels.EMPTY, null))));
    }

    private String header(MetricSnapshot example) throws IOException {
        return text(new MetricSnapshots(example)).lines().filter(line -> line.startsWith("#"))
                .map(line -> line + "\n").collect(Collectors.joining());
    }

    private static String write(ExpositionFormatWriter writer, MetricSnapshots snapshots) throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        writer.write(text, snapshots);
        return text.toString(StandardCharsets.UTF_8);
    }
}
