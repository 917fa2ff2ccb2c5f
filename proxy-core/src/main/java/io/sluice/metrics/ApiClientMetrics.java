package io.sluice.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Requests to an API server under the names that every Kubernetes component has for them (component-base's metrics of
 * the REST client), and what the server is. There from the first request on. Any thread.
 */
public final class ApiClientMetrics {

    private static final Duration[] BUCKETS =
            Stream.of(5, 25, 100, 250, 500, 1000, 2000, 4000, 8000, 15_000, 30_000, 60_000).map(Duration::ofMillis)
                    .toArray(Duration[]::new);

    /** The label by the field that {@code /version} has. */
    private static final Map<String, String> BUILD = Map.of("major", "major", "minor", "minor", "gitVersion",
            "git.version", "gitCommit", "git.commit", "gitTreeState", "git.tree.state", "buildDate", "build.date",
            "goVersion", "go.version", "compiler", "compiler", "platform", "platform");

    private final MeterRegistry registry;
    private List<Tag> build = List.of();
    private @Nullable Gauge shown;

    /** Registers nothing yet. */
    public ApiClientMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    /** Counts an answer; {@code code} is the status, or {@code <error>} if there was none. */
    public void answered(String method, String host, String code) {
        Counter.builder("rest.client.requests").tag("code", code).tag("method", method).tag("host", host)
                .description("Requests to the API server").register(registry).increment();
    }

    /** Counts how long a request took that was not a watch, until the whole answer was there. */
    public void took(String verb, String host, Duration time) {
        Timer.builder("rest.client.request.duration").tag("verb", verb).tag("host", host)
                .description("Requests to the API server that are no watches").serviceLevelObjectives(BUCKETS)
                .register(registry).record(time);
    }

    /** Shows what the API server says of itself, by the names of its {@code /version}; others are ignored. */
    public synchronized void serverBuild(Map<String, String> version) {
        List<Tag> now = BUILD.entrySet().stream()
                .map(entry -> Tag.of(entry.getValue(), version.getOrDefault(entry.getKey(), ""))).sorted().toList();
        if (now.equals(build)) {
            return;
        }
        if (shown != null) {
            registry.remove(shown);
        }
        build = now;
        shown = Gauge.builder("kubernetes.build.info", () -> 1).tags(now)
                .description("The API server that Services come from; always 1").register(registry);
    }
}
