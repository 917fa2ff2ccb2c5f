package io.sluice.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
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

    /** The fields of {@code /version}, in the order of the labels that show them. */
    private static final List<String> BUILD = List.of("major", "minor", "gitVersion", "gitCommit", "gitTreeState",
            "buildDate", "goVersion", "compiler", "platform");

    private final MeterRegistry registry;
    private List<String> build = List.of();
    private @Nullable Gauge shown;

    /** Registers nothing yet. */
    public ApiClientMetrics(MeterRegistry registry) {
        this.registry = registry;
    }

    /** Counts an answer; {@code code} is the status, or {@code <error>} if there was none. */
    public void answered(String method, String host, String code) {
        MetricCatalog.REST_CLIENT_REQUESTS.counter(registry, code, method, host).increment();
    }

    /** Counts how long a request took that was not a watch, until the whole answer was there. */
    public void took(String verb, String host, Duration time) {
        MetricCatalog.REST_CLIENT_REQUEST_DURATION.timer(registry, BUCKETS, verb, host).record(time);
    }

    /** Shows what the API server says of itself, by the names of its {@code /version}; others are ignored. */
    public synchronized void serverBuild(Map<String, String> version) {
        List<String> now = BUILD.stream().map(field -> version.getOrDefault(field, "")).toList();
        if (now.equals(build)) {
            return;
        }
        if (shown != null) {
            registry.remove(shown);
        }
        build = now;
        shown = MetricCatalog.KUBERNETES_BUILD_INFO.gauge(registry, () -> 1, now.toArray(String[]::new));
    }
}
