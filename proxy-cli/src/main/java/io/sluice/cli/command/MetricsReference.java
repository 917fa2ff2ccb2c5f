package io.sluice.cli.command;

import io.sluice.metrics.MetricCatalog;
import io.sluice.metrics.MetricCatalog.Section;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The tables of {@code docs/metrics.md}, made from {@link MetricCatalog} alone. */
final class MetricsReference {

    private static final Pattern TABLE =
            Pattern.compile("(?<=<!-- metrics: ([a-z-]{1,20}) -->\n).*?(?=<!-- end of metrics -->\n)", Pattern.DOTALL);

    private MetricsReference() {}

    /**
     * {@code document} with new tables of metrics; all else stays. A table is between the lines
     * {@code <!-- metrics: SECTION -->} and {@code <!-- end of metrics -->}.
     *
     * @throws IllegalArgumentException if there is not one table for each section
     */
    static String renewed(String document) {
        Set<Section> missing = EnumSet.allOf(Section.class);
        String renewed = TABLE.matcher(document).replaceAll(table -> {
            Section section = Section.valueOf(table.group(1).toUpperCase(Locale.ROOT).replace('-', '_'));
            if (!missing.remove(section)) {
                throw new IllegalArgumentException("two tables of metrics are those of " + section);
            }
            return Matcher.quoteReplacement(table(section));
        });
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException("no table of metrics is that of " + missing);
        }
        return renewed;
    }

    private static String table(Section section) {
        StringBuilder table = new StringBuilder("| name | type | labels | meaning |\n| --- | --- | --- | --- |\n");
        for (MetricCatalog metric : MetricCatalog.values()) {
            if (metric.section() == section) {
                String labels = metric.labels().isEmpty() ? "–" : String.join(", ", metric.labels());
                String more = metric.details().isEmpty() ? "" : "; " + metric.details();
                row(table, metric.exportedName(), metric.type().toString(), labels, metric.help() + more);
                String longest = metric.longestName();
                if (longest != null) {
                    row(table, longest, MetricCatalog.Type.GAUGE.toString(), labels, "The longest of the last minutes");
                }
            }
        }
        return table.toString();
    }

    private static void row(StringBuilder table, String name, String type, String labels, String meaning) {
        table.append("| `").append(name).append("` | ").append(type).append(" | ").append(labels).append(" | ")
                .append(meaning).append(" |\n");
    }
}
