package io.sluice.metrics;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The text of one scrape, written piece by piece: that of a large cluster has 100 MB, of which a piece is in memory at a time.
 * What is not by port or endpoint is read at once, at the beginning; the series of the data path are read as they are
 * written, metric by metric. The text is the one that Prometheus's library writes of the same registry.
 *
 * <p>Immutable; any thread. Each reader has a {@link Cursor} of its own.
 */
public final class Exposition {

    private static final int PIECE_BYTES = 8 * 1024;

    private final List<ExpositionSection> sections;
    private final TextFormat format;

    private Exposition(List<ExpositionSection> sections, TextFormat format) {
        this.sections = List.copyOf(sections);
        this.format = format;
    }

    /**
     * Begins a scrape.
     *
     * @param registry    the one that {@code metrics} was made with
     * @param contentType of Prometheus's text format, or of OpenMetrics
     */
    public static Exposition of(PrometheusMeterRegistry registry, ProxyMetrics metrics, String contentType)
            throws IOException {
        TextFormat format = TextFormat.of(contentType);
        List<ExpositionSection> sections = new ArrayList<>(metrics.sections(format));
        Set<String> ofDataPath =
                sections.stream().map(ExpositionSection::name).collect(Collectors.toUnmodifiableSet());
        Map<String, List<MetricSnapshot>> others = new TreeMap<>();
        for (MetricSnapshot other : registry.getPrometheusRegistry().scrape(name -> !ofDataPath.contains(name))) {
            others.computeIfAbsent(other.getMetadata().getPrometheusName(), name -> new ArrayList<>()).add(other);
        }
        others.forEach((name, snapshots) -> sections.add(
                new ExpositionSection.OfLibrary(name, new MetricSnapshots(snapshots), format)));
        sections.sort(Comparator.comparing(ExpositionSection::name));
        return new Exposition(sections, format);
    }

    /** Begins to write it for one reader. */
    public Cursor open() {
        return new Cursor();
    }

    /** How much of it one reader has got. Not thread-safe. */
    public final class Cursor {

        private final TextBuffer text = new TextBuffer();
        private int next;
        private ExpositionSection.Writer writer = into -> false;

        private Cursor() {}

        /** Writes some kilobytes; false after the last. */
        public boolean writeSome(OutputStream out) throws IOException {
            boolean more = true;
            while (more && text.length() < PIECE_BYTES) {
                if (!writer.writeSome(text)) {
                    more = next < sections.size();
                    if (more) {
                        writer = sections.get(next++).open();
                    } else {
                        text.literal(format.end());
                    }
                }
            }
            text.writeTo(out);
            return more;
        }
    }
}
