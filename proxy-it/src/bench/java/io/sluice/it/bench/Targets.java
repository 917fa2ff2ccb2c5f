package io.sluice.it.bench;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** What Sluice has to reach beside HAProxy, and whether it does in a run. */
final class Targets {

    /** {@code ratio} to HAProxy is the most for what should be small, the least for what should be large. */
    private record Target(Work work, Figure figure, double ratio) {}

    /** Of a daemon whose connections are intercepted, whatever the number of Services. */
    private static final int DESCRIPTORS = 100;
    private static final List<Target> TARGETS = List.of(
            new Target(Work.BULK_UP, Figure.CPU_PER_GB, 0.8), new Target(Work.BULK_DOWN, Figure.CPU_PER_GB, 0.8),
            new Target(Work.BULK_BOTH, Figure.CPU_PER_GB, 0.8), new Target(Work.BULK_8_UP, Figure.CPU_PER_GB, 0.8),
            new Target(Work.BULK_8_DOWN, Figure.CPU_PER_GB, 0.8), new Target(Work.BULK_8_BOTH, Figure.CPU_PER_GB, 0.8),
            new Target(Work.REQUESTS_64, Figure.CPU_PER_REQUEST, 0.97),
            new Target(Work.REQUESTS_64, Figure.REQUEST_RATE, 1.0), new Target(Work.HALF_LOAD, Figure.P99, 1.0),
            new Target(Work.CONNECTIONS, Figure.CPU_PER_CONNECTION, 1.0),
            new Target(Work.CROWDED, Figure.CPU_PER_CONNECTION, 1.0));

    /** Beside the best other proxy, where packets take the way of a node and connections are intercepted. */
    private static final List<Target> OVER_VETHS = List.of(new Target(Work.BULK_DOWN, Figure.CPU_PER_GB, 0.8),
            new Target(Work.BULK_BOTH, Figure.CPU_PER_GB, 0.6), new Target(Work.BULK_8_DOWN, Figure.CPU_PER_GB, 0.5),
            new Target(Work.REQUESTS_64, Figure.CPU_PER_REQUEST, 0.85),
            new Target(Work.REQUESTS_64, Figure.REQUEST_RATE, 1.1), new Target(Work.QUARTER_LOAD, Figure.P99, 0.9),
            new Target(Work.HALF_LOAD, Figure.P99, 0.9), new Target(Work.HEAVY_LOAD, Figure.P99, 0.9),
            new Target(Work.CONNECTIONS, Figure.CPU_PER_CONNECTION, 0.85),
            new Target(Work.QUESTIONS, Figure.CPU_PER_REQUEST, 0.7),
            new Target(Work.FLOWS, Figure.CPU_PER_REQUEST, 0.6));

    /** What the process grows by for an idle connection, in bytes. */
    private static final double IDLE = 4 << 10;
    /** From the start of the process to the first connection it accepts, in ms. */
    private static final double START = 700;
    /** Live heap with 10,000 Services of two ports and 100,000 endpoints, in bytes. */
    private static final long HEAP = 300L << 20;
    /** From a change at the API server to the first connection that goes to the new endpoint: 99 of 100, in ms. */
    private static final double CHANGE = 20;
    private static final double AFTER_LIST = 10;

    /** What became of one of them. */
    record Verdict(String line, boolean fallsShort) {}

    private Targets() {}

    /**
     * Holds the results against the targets, medians each.
     *
     * @param starts milliseconds, by peer
     */
    static List<Verdict> check(Results results, List<Holding> holdings, Map<String, Results.Spread> starts,
            List<Scale> scales) {
        List<Verdict> verdicts = new ArrayList<>();
        for (Target target : TARGETS) {
            String other = reference(results, target.work(), target.figure());
            List<Double> ratios = results.ratios(target.work(), target.figure(), "sluice", other);
            if (ratios.isEmpty()) {
                continue;
            }
            verdicts.add(verdict(target, Results.quantile(ratios, 0.5), other));
        }
        for (Holding holding : holdings) {
            if (holding.peer().equals("sluice")) {
                verdicts.add(verdict("an idle connection", "RSS B", holding.residentBytes(), IDLE));
            }
        }
        Results.Spread start = starts.get("sluice");
        if (start != null) {
            verdicts.add(verdict("start to the first connection", "ms", start.median(), START));
        }
        for (Scale scale : scales) {
            String title = scale.services() + " Services, " + scale.source();
            if (scale.services() == Scale.SERVICES) {
                verdicts.add(verdict(title, "heap MiB", scale.heapBytes() / 1048576.0, HEAP / 1048576.0));
            } else {
                verdicts.add(verdict(title, "descriptors", scale.descriptors(), DESCRIPTORS));
                verdicts.add(verdict(title, "s after the list", scale.applySeconds(), AFTER_LIST));
            }
            if (!scale.changes().isEmpty()) {
                verdicts.add(verdict(title, "change p99 ms", scale.change(0.99), CHANGE));
            }
        }
        return verdicts;
    }

    /** The same for what was measured over cables. */
    static List<Verdict> check(Veths ways) {
        return OVER_VETHS.stream().filter(target -> ways.did(target.work()))
                .map(target -> verdict(target, ways.ratio(target.work(), target.figure()), "best, veths")).toList();
    }

    private static Verdict verdict(Target target, double ratio, String other) {
        boolean more = target.figure().moreIsBetter();
        return verdict(String.format(Locale.ROOT, "%-52s %-18s %5.2f × %-14s target %s %.2f ", target.work().title(),
                target.figure().title(), ratio, other, more ? "≥" : "≤", target.ratio()),
                more ? ratio >= target.ratio() : ratio <= target.ratio());
    }

    private static Verdict verdict(String title, String figure, double value, double most) {
        return verdict(String.format(Locale.ROOT, "%-52s %-18s %5.1f   %-14s target ≤ %.0f ", title, figure, value, "",
                most), value <= most);
    }

    private static Verdict verdict(String line, boolean reached) {
        return new Verdict(line + " " + (reached ? "reached" : "FALLS SHORT"), !reached);
    }

    /** The best of the HAProxies. */
    static String reference(Results results, Work work, Figure figure) {
        Comparator<String> byMedian = Comparator
                .comparingDouble(name -> Results.quantile(results.values(work, figure, name), 0.5));
        return Stream.of(Peer.HaproxyKind.values()).map(Peer.HaproxyKind::title)
                .filter(name -> !results.values(work, figure, name).isEmpty())
                .max(figure.moreIsBetter() ? byMedian : byMedian.reversed())
                .orElse(Peer.HaproxyKind.COPY.title());
    }
}
