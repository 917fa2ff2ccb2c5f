package io.sluice.it.bench;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Every sample of a run: by work, by peer, by round. */
final class Results {

    private final Map<Work, Map<String, List<Sample>>> samples = new EnumMap<>(Work.class);

    /** The smallest, the middle and the largest of some values. */
    record Spread(double least, double median, double most) {
        static Spread of(List<Double> values) {
            return new Spread(quantile(values, 0), quantile(values, 0.5), quantile(values, 1));
        }
    }

    void add(Work work, Peer peer, Sample sample) {
        samples.computeIfAbsent(work, w -> new LinkedHashMap<>()).computeIfAbsent(peer.name(), p -> new ArrayList<>())
                .add(sample);
    }

    /** The works that were measured, in their order. */
    List<Work> works() {
        return List.copyOf(samples.keySet());
    }

    /** The peers that {@code work} was done over. */
    List<String> peers(Work work) {
        return List.copyOf(samples.getOrDefault(work, Map.of()).keySet());
    }

    /** A figure, round by round, NaN where a round has none; empty if it was not measured. */
    List<Double> values(Work work, Figure figure, String peer) {
        return samples.getOrDefault(work, Map.of()).getOrDefault(peer, List.of()).stream().map(figure::of).toList();
    }

    /** What failed in all rounds together. */
    long failed(Work work, String peer) {
        return samples.getOrDefault(work, Map.of()).getOrDefault(peer, List.of()).stream().mapToLong(Sample::failed)
                .sum();
    }

    /** The share of its time in which the load tool did not get to run, sample by sample. */
    List<Double> stalls() {
        return samples.values().stream().flatMap(byPeer -> byPeer.values().stream()).flatMap(List::stream)
                .map(sample -> sample.stalledNanos() / sample.seconds() / 1e9).toList();
    }

    /** The figure of {@code peer} by that of {@code other} in the same round; empty if one was not measured. */
    List<Double> ratios(Work work, Figure figure, String peer, String other) {
        List<Double> mine = values(work, figure, peer);
        List<Double> theirs = values(work, figure, other);
        return IntStream.range(0, Math.min(mine.size(), theirs.size())).mapToObj(i -> mine.get(i) / theirs.get(i))
                .toList();
    }

    /** Linear between the two nearest; NaN counts for nothing. */
    static double quantile(List<Double> values, double q) {
        List<Double> sorted = values.stream().filter(value -> !value.isNaN()).sorted().toList();
        if (sorted.isEmpty()) {
            return Double.NaN;
        }
        double at = q * (sorted.size() - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.size() - 1);
        return sorted.get(below) + (sorted.get(above) - sorted.get(below)) * (at - below);
    }
}
