package io.sluice.source.kubernetes;

import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The mistakes in objects of the API server; each is logged once, until it is gone. Any thread. */
final class ObjectMistakes {

    private static final Logger LOG = LoggerFactory.getLogger(ObjectMistakes.class);

    private final Map<String, Map<ObjectKey, List<String>>> mistakes = new ConcurrentHashMap<>();

    /** Sets the mistakes in one object; none if it is valid or deleted. */
    void set(String resource, ObjectKey key, List<String> found) {
        Map<ObjectKey, List<String>> known = of(resource);
        List<String> before = found.isEmpty() ? known.remove(key) : known.put(key, found);
        if (!found.isEmpty() && !found.equals(before)) {
            LOG.warn("{} {}: {}", resource, key, String.join("; ", found));
        }
    }

    /** Everything was listed: objects that are not in {@code found} are valid or deleted. */
    void replace(String resource, Map<ObjectKey, List<String>> found) {
        of(resource).keySet().retainAll(found.keySet());
        found.forEach((key, list) -> set(resource, key, list));
    }

    private Map<ObjectKey, List<String>> of(String resource) {
        return mistakes.computeIfAbsent(resource, r -> new ConcurrentHashMap<>());
    }

    /** The first {@code most} mistakes by name of the object. */
    List<Problem> problems(int most) {
        List<Problem> problems = new ArrayList<>();
        mistakes.forEach((resource, objects) -> new TreeMap<>(byName(objects)).forEach((key, found) -> {
            for (String mistake : found) {
                if (problems.size() < most) {
                    problems.add(new Problem(Severity.WARNING, resource, key, mistake));
                }
            }
        }));
        return problems;
    }

    private static Map<String, List<String>> byName(Map<ObjectKey, List<String>> objects) {
        Map<String, List<String>> named = new HashMap<>();
        objects.forEach((key, found) -> named.put(key.toString(), found));
        return named;
    }
}
