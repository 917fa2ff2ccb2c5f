package io.sluice.it.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** The results of a run as a table for people, JSON for programs and a chart. */
final class Report {

    private final Results results;
    private final Map<String, String> machine;
    private final List<Holding> holdings;
    private final Map<String, Results.Spread> starts;
    private final List<Scale> scales;
    private final Churn churn;

    /**
     * A report.
     *
     * @param machine what it ran on, and how
     * @param starts  milliseconds from the start of a process to its first accepted connection, by peer
     * @param churn   of the same peers, with many Services
     */
    Report(Results results, Map<String, String> machine, List<Holding> holdings, Map<String, Results.Spread> starts,
            List<Scale> scales, Churn churn) {
        this.results = results;
        this.machine = machine;
        this.holdings = holdings;
        this.starts = starts;
        this.scales = scales;
        this.churn = churn;
    }

    /** Markdown. */
    String table() {
        StringBuilder out = new StringBuilder();
        machine.forEach((name, value) -> out.append("- ").append(name).append(": ").append(value).append('\n'));
        if (!results.works().isEmpty()) {
            works(out);
        }
        if (!holdings.isEmpty()) {
            out.append("\n| idle connections | held | RSS each | kernel objects each |\n| --- | --- | --- | --- |\n");
            for (Holding holding : holdings) {
                out.append(String.format(Locale.ROOT, "| %s | %d | %.0f B | %.0f B |%n", holding.peer(),
                        holding.connections(), holding.residentBytes(), holding.kernelBytes()));
            }
        }
        if (!starts.isEmpty()) {
            out.append("\n| start | ms from exec to the first accepted connection |\n| --- | --- |\n");
            starts.forEach((peer, spread) -> out.append("| ").append(peer).append(" | ").append(spread(spread))
                    .append(" |\n"));
        }
        if (!scales.isEmpty()) {
            out.append(
                    "\n| Services | of two ports | endpoints | addresses and ports served | descriptors | s until all are served | after the list | heap MiB")
                    .append(" | after the changes | RSS MiB | a change has effect: p50 ms | p99 | most |\n")
                    .append("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
            for (Scale scale : scales) {
                boolean changed = !scale.changes().isEmpty();
                out.append(String.format(Locale.ROOT,
                        "| %s | %d | %d | %d | %d | %.1f | %.1f | %.0f | %s | %.0f | %s | %s | %s |%n",
                        scale.source(), scale.services(), scale.endpoints(), scale.listeners(), scale.descriptors(),
                        scale.syncSeconds(), scale.applySeconds(), scale.heapBytes() / 1048576.0,
                        changed ? number(scale.laterBytes() / 1048576.0) : "", scale.resident() / 1048576.0,
                        changed ? number(scale.change(0.5)) : "", changed ? number(scale.change(0.99)) : "",
                        changed ? number(scale.change(1)) : ""));
            }
        }
        if (!churn.quiet().works().isEmpty()) {
            changes(out);
        }
        return out.toString();
    }

    private void changes(StringBuilder out) {
        List<String> peers = churn.quiet().peers(churn.quiet().works().getFirst());
        out.append("\nMedians of the rounds, without changes → with ").append(Churn.RATE)
                .append(" a second, and the median of the ratios.\n\n| 1,000 Services | figure |");
        peers.forEach(peer -> out.append(' ').append(peer).append(" |"));
        out.append("\n| --- | --- |").append(" --- |".repeat(peers.size())).append('\n');
        for (Work work : churn.quiet().works()) {
            for (Figure figure : work.figures()) {
                out.append(head(work, figure));
                for (String peer : peers) {
                    boolean absent = figure.needsProxy() && peer.equals("direct");
                    out.append(absent ? "" : change(work, figure, peer)).append(" |");
                }
                out.append('\n');
            }
            failed(churn.quiet(), work, peers, out);
            failed(churn.changes(), work, peers, out);
        }
    }

    private static String head(Work work, Figure figure) {
        return "| " + (figure == work.figures().getFirst() ? work.title() : "") + " | " + figure.title() + " |";
    }

    private String change(Work work, Figure figure, String peer) {
        List<Double> before = churn.quiet().values(work, figure, peer);
        List<Double> after = churn.changes().values(work, figure, peer);
        List<Double> ratios = IntStream.range(0, before.size()).mapToObj(i -> after.get(i) / before.get(i)).toList();
        return " " + number(Results.quantile(before, 0.5)) + " → " + number(Results.quantile(after, 0.5)) + " ("
                + number(Results.quantile(ratios, 0.5)) + " ×)";
    }

    private void works(StringBuilder out) {
        out.append("\nMedians (least–most) of the rounds; × is the median of the ratios to the better HAProxy of the")
                .append(" same round. The load did not get to run for ").append(percent(results.stalls(), 0.5))
                .append(" of the time in the middle turn, ").append(percent(results.stalls(), 1))
                .append(" in the worst: that is not among the latencies.\n\n| work | figure |");
        List<String> peers = results.peers(results.works().getFirst());
        peers.forEach(peer -> out.append(' ').append(peer).append(" |"));
        out.append(" × |\n| --- | --- |").append(" --- |".repeat(peers.size())).append(" --- |\n");
        for (Work work : results.works()) {
            for (Figure figure : work.figures()) {
                out.append(head(work, figure));
                for (String peer : peers) {
                    boolean absent = figure.needsProxy() && peer.equals("direct");
                    out.append(' ').append(absent ? "" : spread(Results.Spread.of(results.values(work, figure, peer))))
                            .append(" |");
                }
                List<Double> ratios = results.ratios(work, figure, "sluice",
                        Targets.reference(results, work, figure));
                out.append(' ').append(ratios.isEmpty() ? "" : number(Results.quantile(ratios, 0.5))).append(" |\n");
            }
            failed(results, work, peers, out);
        }
    }

    private static void failed(Results results, Work work, List<String> peers, StringBuilder out) {
        for (String peer : peers) {
            if (results.failed(work, peer) > 0) {
                out.append("| ").append(work.title()).append(" | failed with ").append(peer).append(" | ")
                        .append(results.failed(work, peer)).append(" |\n");
            }
        }
    }

    /** Everything that was measured, round by round. */
    void writeJson(Path file) throws IOException {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("machine", machine);
        all.put("figures", rows(results));
        all.put("idleConnections", holdings);
        all.put("startMillis", starts);
        all.put("largeClusters", scales);
        all.put("withoutChanges", rows(churn.quiet()));
        all.put("withChanges", rows(churn.changes()));
        Files.writeString(file, JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build()
                .writeValueAsString(all) + "\n");
    }

    private static List<Map<String, Object>> rows(Results results) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Work work : results.works()) {
            for (Figure figure : work.figures()) {
                for (String peer : results.peers(work)) {
                    if (!(figure.needsProxy() && peer.equals("direct"))) {
                        Map<String, Object> row = new LinkedHashMap<>();
                        row.put("work", work.title());
                        row.put("figure", figure.title());
                        row.put("peer", peer);
                        row.put("rounds", results.values(work, figure, peer));
                        rows.add(row);
                    }
                }
            }
        }
        return rows;
    }

    private static String percent(List<Double> shares, double quantile) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * Results.quantile(shares, quantile));
    }

    /** A bar for each CPU figure: Sluice by the better HAProxy, the line at 1 is level. */
    void writeChart(Path file) throws IOException {
        int width = 760;
        int left = 330;
        double unit = 300;
        StringBuilder bars = new StringBuilder();
        int y = 50;
        for (Work work : results.works()) {
            Figure figure = work.figures().getFirst();
            List<Double> ratios = results.ratios(work, figure, "sluice", Targets.reference(results, work, figure));
            if (ratios.isEmpty()) {
                continue;
            }
            Results.Spread spread = Results.Spread.of(ratios);
            bars.append(String.format(Locale.ROOT, """
                    <text x="%d" y="%d" text-anchor="end">%s</text>
                    <rect x="%d" y="%d" width="%.0f" height="16" fill="%s"/>
                    <line x1="%.0f" x2="%.0f" y1="%d" y2="%d" stroke="#333"/>
                    <text x="%.0f" y="%d">%.2f</text>
                    """, left - 10, y + 13, work.title(), left, y, spread.median() * unit,
                    spread.median() <= 1 ? "#2a7ab0" : "#c0652b", left + spread.least() * unit,
                    left + spread.most() * unit, y + 8, y + 8, left + spread.most() * unit + 6, y + 13,
                    spread.median()));
            y += 26;
        }
        Files.writeString(file, String.format(Locale.ROOT, """
                <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">
                <rect width="100%%" height="100%%" fill="white"/>
                <text x="10" y="24" font-size="15">CPU time of Sluice by that of HAProxy: bulk per GB, requests and \
                connections each (median, least–most)</text>
                %s<line x1="%.0f" x2="%.0f" y1="40" y2="%d" stroke="#888" stroke-dasharray="4 3"/>
                </svg>
                """, width, y + 20, bars, left + unit, left + unit, y));
    }

    private static String spread(Results.Spread spread) {
        return number(spread.median()) + " (" + number(spread.least()) + "–" + number(spread.most()) + ")";
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, value >= 100 ? "%.0f" : value >= 10 ? "%.1f" : "%.2f", value);
    }
}
