package io.sluice.metrics;

import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;

/** The part of an {@link Exposition} that belongs to one metric. Immutable. */
sealed interface ExpositionSection permits ExpositionSection.OfLibrary, SeriesSection {

    /** By which the sections are sorted. */
    String name();

    /** Begins to write it for one reader. */
    Writer open();

    /** Writes a section. Not thread-safe. */
    @FunctionalInterface
    interface Writer {

        /** Writes a few lines; false if there were no more. */
        boolean writeSome(TextBuffer into) throws IOException;
    }

    /** Few series, which Prometheus's library writes at once. */
    record OfLibrary(String name, MetricSnapshots snapshots, TextFormat format) implements ExpositionSection {

        @Override
        public Writer open() {
            return new Writer() {
                private boolean written;

                @Override
                public boolean writeSome(TextBuffer into) throws IOException {
                    if (written) {
                        return false;
                    }
                    into.literal(format.text(snapshots));
                    written = true;
                    return true;
                }
            };
        }
    }
}
