package io.sluice.it.bench;

import io.sluice.it.bench.Results.Spread;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The first seconds of Sluice after a start, in which the JVM compiles what is run: what a request and a short connection cost
 * in each of them, beside what they cost later, with few Services and with many.
 */
final class FirstSeconds {

    private static final int SECONDS = 5;
    private static final int SETTLING_SECONDS = 20;
    private static final List<Integer> SERVICES = List.of(1, 10_000);
    private static final List<Work> WORKS = List.of(Work.REQUESTS_64, Work.CONNECTIONS);

    /** The first seconds of one start, and some later ones. */
    private record Start(List<Sample> first, Sample later) {

        /** The CPU time of all first seconds for each request or connection, by that of later ones. */
        double ratio() {
            double nanos = 0;
            double done = 0;
            for (Sample second : first) {
                nanos += second.cpuNanos();
                done += second.done();
            }
            return nanos / done / nanosEach(later);
        }
    }

    private final Map<Integer, Map<Work, List<Start>>> starts = new TreeMap<>();

    /** Starts it again and again; each work has starts of its own. */
    void measure(Path home, Path work, LoadTool load, String cpus, int rounds)
            throws IOException, InterruptedException {
        for (int round = 0; round < rounds; round++) {
            for (int services : SERVICES) {
                Path more = work.resolve("more-services.yaml");
                Files.writeString(more, others(services - 1));
                for (Work kind : WORKS) {
                    System.err.printf("round %d, the first seconds with %d Services: %s%n", round + 1, services,
                            kind.title());
                    Peer sluice = Peer.sluice(home, work, cpus, 1, List.of("-f", more.toString()));
                    sluice.start();
                    try {
                        starts.computeIfAbsent(services, s -> new EnumMap<>(Work.class))
                                .computeIfAbsent(kind, k -> new ArrayList<>()).add(measure(sluice, kind, load));
                    } finally {
                        sluice.stop();
                    }
                }
            }
        }
    }

    private static Start measure(Peer sluice, Work work, LoadTool load) throws IOException {
        String target = sluice.target(work.backend());
        List<Sample> first = new ArrayList<>();
        for (int second = 0; second < SECONDS; second++) {
            first.add(load.runCold(work.load(), target, sluice.pids(), 1));
        }
        load.run(work.load(), target, sluice.pids(), SETTLING_SECONDS, 0);
        return new Start(first, load.run(work.load(), target, sluice.pids(), 3, 0));
    }

    /** Services that nobody uses, with an endpoint each; they have no listener, as the limit of descriptors may be low. */
    private static String others(int count) {
        StringBuilder text = new StringBuilder("{apiVersion: v1, kind: List, items: []}\n");
        for (int i = 0; i < count; i++) {
            text.append("""
                    ---
                    apiVersion: v1
                    kind: Service
                    metadata: {name: other-%1$d}
                    spec: {clusterIP: 127.124.%2$d.%3$d, ports: [{port: 7000}]}
                    ---
                    apiVersion: discovery.k8s.io/v1
                    kind: EndpointSlice
                    metadata: {name: other-%1$d-1, labels: {kubernetes.io/service-name: other-%1$d}}
                    addressType: IPv4
                    ports: [{port: 7000}]
                    endpoints: [{addresses: [%4$s], conditions: {ready: false}}]
                    """.formatted(i, i / 250, i % 250 + 1, Peer.BACKENDS.getFirst()));
        }
        return text.toString();
    }

    /** Medians of all starts; empty if there was none. */
    String table() {
        StringBuilder out = new StringBuilder();
        starts.forEach((services, works) -> works.forEach((work, all) -> {
            out.append(String.format(Locale.ROOT, "%n| %s, %,d Services | second 1 | 2 | 3 | 4 | 5 | later | 1–5 ×"
                    + " later |%n| --- | --- | --- | --- | --- | --- | --- | --- |%n", work.title(), services));
            out.append(String.format(Locale.ROOT, "| CPU µs each | %s | %.1f | %.2f |%n",
                    seconds(all, second -> nanosEach(second) / 1e3, "%.1f"),
                    median(all.stream().map(start -> nanosEach(start.later) / 1e3).toList()),
                    median(all.stream().map(Start::ratio).toList())));
            out.append(String.format(Locale.ROOT, "| p99 µs | %s | %.0f | |%n",
                    seconds(all, Sample::p99Micros, "%.0f"),
                    median(all.stream().map(start -> start.later.p99Micros()).toList())));
        }));
        return out.toString();
    }

    private static String seconds(List<Start> all, ToDoubleFunction<Sample> figure, String format) {
        return IntStream.range(0, SECONDS)
                .mapToObj(second -> String.format(Locale.ROOT, format,
                        median(all.stream().map(start -> figure.applyAsDouble(start.first.get(second))).toList())))
                .collect(Collectors.joining(" | "));
    }

    private static double nanosEach(Sample sample) {
        return (double) sample.cpuNanos() / sample.done();
    }

    /** Without seconds in which nothing was done, because the machine did not let anything run. */
    private static double median(List<Double> values) {
        List<Double> known = values.stream().filter(Double::isFinite).toList();
        return known.isEmpty() ? Double.NaN : Spread.of(known).median();
    }
}
