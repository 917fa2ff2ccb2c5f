package io.sluice.source.manifest;

import io.sluice.source.Spelling;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Finds Pods by label selector without looking at each of them. Not thread-safe while it is filled. */
final class PodIndex {

    /** The most Pods of a namespace that are compared for the nearest: it is a hint, and must not cost seconds. */
    private static final int MAX_COMPARED = 500;

    /** The most Pods or namespaces that are compared for all hints together. */
    private static final int MAX_COMPARED_IN_ALL = 1_000_000;

    /** Comparable, so that a hash table stays fast even if labels were chosen to have the same hash. */
    private record Label(String namespace, String key, String value) implements Comparable<Label> {

        private static final Comparator<Label> ORDER = Comparator.comparing(Label::namespace)
                .thenComparing(Label::key).thenComparing(Label::value);

        @Override
        public int compareTo(Label other) {
            return ORDER.compare(this, other);
        }
    }

    private record LabelKey(String namespace, String key) implements Comparable<LabelKey> {

        private static final Comparator<LabelKey> ORDER =
                Comparator.comparing(LabelKey::namespace).thenComparing(LabelKey::key);

        @Override
        public int compareTo(LabelKey other) {
            return ORDER.compare(this, other);
        }
    }

    private final Map<String, List<PodManifest>> byNamespace = new TreeMap<>();
    private final Map<Label, List<PodManifest>> byLabel = new HashMap<>();
    private final Map<LabelKey, List<PodManifest>> byLabelKey = new HashMap<>();
    private int compared;

    void add(PodManifest pod) {
        String namespace = pod.name().namespace();
        byNamespace.computeIfAbsent(namespace, n -> new ArrayList<>()).add(pod);
        pod.labels().forEach((key, value) -> {
            byLabel.computeIfAbsent(new Label(namespace, key, value), l -> new ArrayList<>()).add(pod);
            byLabelKey.computeIfAbsent(new LabelKey(namespace, key), k -> new ArrayList<>()).add(pod);
        });
    }

    /** How many Pods the namespace has. */
    int count(String namespace) {
        return byNamespace.getOrDefault(namespace, List.of()).size();
    }

    /** The Pods of {@code namespace} that have all labels of {@code selector}; an empty selector selects none. */
    List<PodManifest> selected(String namespace, Map<String, String> selector) {
        List<PodManifest> fewest = null;
        for (Map.Entry<String, String> label : selector.entrySet()) {
            List<PodManifest> having =
                    byLabel.getOrDefault(new Label(namespace, label.getKey(), label.getValue()), List.of());
            if (fewest == null || having.size() < fewest.size()) {
                fewest = having;
            }
        }
        if (fewest == null) {
            return List.of();
        }
        return selector.size() == 1
                ? fewest
                : fewest.stream().filter(pod -> pod.labels().entrySet().containsAll(selector.entrySet())).toList();
    }

    /**
     * The first namespace by name, other than {@code namespace}, in which {@code selector} selects a Pod; null if there is
     * none, or after too many hints.
     */
    @Nullable
    String otherNamespace(String namespace, Map<String, String> selector) {
        if (compared > MAX_COMPARED_IN_ALL) {
            return null;
        }
        for (String other : byNamespace.keySet()) {
            compared++;
            if (!other.equals(namespace) && !selected(other, selector).isEmpty()) {
                return other;
            }
        }
        return null;
    }

    /**
     * The Pod of {@code namespace} whose labels come nearest to {@code selector}: most equal labels, then most equal
     * keys, then values that differ in the fewest letters, then the first. Null if the namespace has none, or after too
     * many hints.
     */
    @Nullable
    PodManifest nearest(String namespace, Map<String, String> selector) {
        List<PodManifest> candidates = new ArrayList<>();
        if (compared > MAX_COMPARED_IN_ALL) {
            return null;
        }
        selector.forEach((key, value) -> addSome(byLabel.get(new Label(namespace, key, value)), candidates));
        selector.keySet().forEach(key -> addSome(byLabelKey.get(new LabelKey(namespace, key)), candidates));
        if (candidates.isEmpty()) {
            addSome(byNamespace.get(namespace), candidates);
        }
        compared += candidates.size();
        PodManifest nearest = null;
        long best = Long.MIN_VALUE;
        for (PodManifest pod : candidates) {
            long score = score(pod.labels(), selector);
            if (score > best) {
                best = score;
                nearest = pod;
            }
        }
        return nearest;
    }

    private static void addSome(@Nullable List<PodManifest> pods, List<PodManifest> candidates) {
        if (pods != null) {
            candidates.addAll(pods.subList(0, Math.min(pods.size(), MAX_COMPARED)));
        }
    }

    private static long score(Map<String, String> labels, Map<String, String> selector) {
        long score = 0;
        for (Map.Entry<String, String> wanted : selector.entrySet()) {
            String value = labels.get(wanted.getKey());
            if (value != null) {
                score += value.equals(wanted.getValue())
                        ? 1_000_000
                        : 10_000 - Spelling.distance(value, wanted.getValue());
            }
        }
        return score;
    }

    /** The Pod's values of the selector's keys; keys that it lacks are absent. */
    static Map<String, String> labelsOf(PodManifest pod, Map<String, String> selector) {
        Map<String, String> labels = new LinkedHashMap<>();
        for (String key : selector.keySet()) {
            String value = pod.labels().get(key);
            if (value != null) {
                labels.put(key, value);
            }
        }
        return labels;
    }
}
