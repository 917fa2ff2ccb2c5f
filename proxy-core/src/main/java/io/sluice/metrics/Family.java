package io.sluice.metrics;

import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * One metric of the data path, and which of its series a port or an endpoint has.
 *
 * @param <T> the meters that have the series
 */
sealed interface Family<T> {

    /** The number of a series that is not shown. */
    long ABSENT = Long.MIN_VALUE;

    /** The labels that ports and endpoints have by their names; at most one is added to them. */
    Set<String> NAMES = Set.of("namespace", "service", "port", "endpoint");

    /** Counters or gauges. */
    record Numbers<T>(MetricCatalog metric, List<Point<T>> points) implements Family<T> {

        /** In the order in which they are shown. */
        public Numbers {
            points = points.stream().sorted(Comparator.comparing(Point::label)).toList();
        }
    }

    /** A histogram, and the gauge of the longest of the last minutes. */
    record Durations<T>(MetricCatalog metric, DurationHistogram.Buckets buckets, HistogramOf<T> of)
            implements Family<T> {

        /** The histogram of {@code meters} if anything was counted. */
        @Nullable
        DurationHistogram counted(T meters) {
            DurationHistogram histogram = of.histogram(meters);
            return histogram != null && histogram.hasCounted() ? histogram : null;
        }
    }

    /**
     * One series of {@link Numbers}.
     *
     * @param label  the value of the {@linkplain #addedLabel added label}; empty without one
     * @param number the present value, or {@link #ABSENT}
     */
    record Point<T>(String label, ToLongFunction<T> number) {}

    /** Finds a histogram. */
    @FunctionalInterface
    interface HistogramOf<T> {

        /** The histogram of {@code meters}; null for none. */
        @Nullable
        DurationHistogram histogram(T meters);
    }

    /** What it is called, of which type it is, and what it means. */
    MetricCatalog metric();

    /** The names of its metrics in Prometheus's library. */
    default List<String> prometheusNames() {
        String name = metric().metadata().getPrometheusName();
        return this instanceof Durations<T> ? List.of(name, metric().longestMetadata().getPrometheusName())
                : List.of(name);
    }

    /** The label of a series beside the names of ports and endpoints; empty for none. */
    default String addedLabel() {
        return metric().labels().stream().filter(label -> !NAMES.contains(label)).findAny().orElse("");
    }

    /** A metric with one series. */
    static <T> Family<T> number(MetricCatalog metric, ToLongFunction<T> number) {
        return new Numbers<>(metric, List.of(new Point<>("", number)));
    }

    /** A metric with two series. */
    static <T> Family<T> numbers(MetricCatalog metric, String label, ToLongFunction<T> number, String otherLabel,
            ToLongFunction<T> otherNumber) {
        return new Numbers<>(metric, List.of(new Point<>(label, number), new Point<>(otherLabel, otherNumber)));
    }
}
