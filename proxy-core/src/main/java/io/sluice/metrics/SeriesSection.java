package io.sluice.metrics;

import io.sluice.metrics.Family.Durations;
import io.sluice.metrics.Family.Numbers;
import io.sluice.metrics.Family.Point;
import io.sluice.metrics.MeteredSet.Metered;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * One metric of all ports or all endpoints.
 *
 * @param name   by which the library sorts it
 * @param header the lines before its series
 * @param set    whose series they are
 * @param lines  how its series are written
 * @param <T>    the meters of one
 */
record SeriesSection<T>(String name, String header, MeteredSet<T> set, Lines<T> lines) implements ExpositionSection {

    /** The series of one metric. */
    private sealed interface Lines<T> {
        /** How many of the first labels are the same in series that are written together. */
        int together();

        /** How often each port or endpoint has its turn in such a group. */
        int turns();

        /** Writes what {@code one} has in this turn. */
        void write(TextBuffer into, Metered<T> one, int turn);
    }

    /** Counters or gauges: where the label that they add is not the last, all values of it come in turn. */
    private record NumberLines<T>(int together, List<Point<T>> points, List<LineTemplate> templates)
            implements
            Lines<T> {

        static <T> NumberLines<T> of(Numbers<T> family, List<String> labels) {
            String added = family.addedLabel();
            int at = (int) labels.stream().filter(label -> label.compareTo(added) < 0).count();
            return new NumberLines<>(added.isEmpty() ? labels.size() : at, family.points(),
                    family.points().stream().map(point -> LineTemplate.of(family.metric().exportedName(), labels, at,
                            added, point.label())).toList());
        }

        @Override
        public int turns() {
            return points.size();
        }

        @Override
        public void write(TextBuffer into, Metered<T> one, int turn) {
            long number = points.get(turn).number().applyAsLong(one.meters());
            if (number != Family.ABSENT) {
                templates.get(turn).write(into, one.values());
                into.value(number);
                into.endLine();
            }
        }
    }

    /** Histograms. */
    private record HistogramLines<T>(int together, Durations<T> family, List<LineTemplate> buckets, LineTemplate count,
            LineTemplate sum) implements Lines<T> {

        static <T> HistogramLines<T> of(Durations<T> family, List<String> labels) {
            String name = family.metric().exportedName();
            List<LineTemplate> buckets = new ArrayList<>();
            for (String bound : family.buckets().bounds()) {
                buckets.add(LineTemplate.of(name + "_bucket", labels, labels.size(), "le", bound));
            }
            return new HistogramLines<>(labels.size(), family, buckets,
                    LineTemplate.of(name + "_count", labels, 0, "", ""),
                    LineTemplate.of(name + "_sum", labels, 0, "", ""));
        }

        @Override
        public int turns() {
            return 1;
        }

        @Override
        public void write(TextBuffer into, Metered<T> one, int turn) {
            DurationHistogram histogram = family.counted(one.meters());
            if (histogram == null) {
                return;
            }
            long[] each = histogram.eachBucket();
            long soFar = 0;
            for (int i = 0; i < each.length; i++) {
                soFar += each[i];
                buckets.get(i).write(into, one.values());
                into.count(soFar);
                into.endLine();
            }
            count.write(into, one.values());
            into.count(soFar);
            into.endLine();
            sum.write(into, one.values());
            into.value(histogram.sumSeconds());
            into.endLine();
        }
    }

    /** The longest values of histograms. */
    private record LongestLines<T>(int together, Durations<T> family, LineTemplate template, long now)
            implements
            Lines<T> {

        static <T> LongestLines<T> of(Durations<T> family, String name, List<String> labels, long now) {
            return new LongestLines<>(labels.size(), family, LineTemplate.of(name, labels, 0, "", ""), now);
        }

        @Override
        public int turns() {
            return 1;
        }

        @Override
        public void write(TextBuffer into, Metered<T> one, int turn) {
            DurationHistogram histogram = family.counted(one.meters());
            if (histogram != null) {
                template.write(into, one.values());
                into.value(histogram.longest(now));
                into.endLine();
            }
        }
    }

    /**
     * The sections of {@code families}.
     *
     * @param now of the monotonic clock
     */
    static <T> List<SeriesSection<T>> of(List<Family<T>> families, MeteredSet<T> set, TextFormat format, long now)
            throws IOException {
        List<SeriesSection<T>> sections = new ArrayList<>();
        for (Family<T> family : families) {
            MetricCatalog metric = family.metric();
            String name = metric.metadata().getPrometheusName();
            String header = format.header(metric);
            switch (family) {
                case Numbers<T> numbers ->
                        sections.add(new SeriesSection<>(name, header, set, NumberLines.of(numbers, set.labels())));
                case Durations<T> durations -> {
                    sections.add(new SeriesSection<>(name, header, set, HistogramLines.of(durations, set.labels())));
                    String longest = metric.longestMetadata().getPrometheusName();
                    sections.add(new SeriesSection<>(longest, format.longestHeader(metric), set,
                            LongestLines.of(durations, longest, set.labels(), now)));
                }
            }
        }
        return sections;
    }

    @Override
    public Writer open() {
        return new Progress();
    }

    /** How far one reader is. */
    private final class Progress implements Writer {

        private boolean begun;
        /** The group from here to {@link #end} has its turns; {@link #next} is next in {@link #turn}. */
        private int begin;
        private int end;
        private int next;
        private int turn;

        @Override
        public boolean writeSome(TextBuffer into) {
            if (next == end && !nextTurn()) {
                return false;
            }
            int before = into.length();
            lines.write(into, set.all().get(next++), turn);
            if (!begun && into.length() > before) {
                begun = true;
                into.insert(before, header);
            }
            return true;
        }

        private boolean nextTurn() {
            if (end > begin && ++turn < lines.turns()) {
                next = begin;
                return true;
            }
            turn = 0;
            begin = end;
            List<Metered<T>> all = set.all();
            while (end < all.size() && (end == begin || all.get(end).sameBegin(all.get(begin), lines.together()))) {
                end++;
            }
            next = begin;
            return begin < end;
        }
    }
}
