package io.sluice.daemon;

import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.metrics.ApiClientMetrics;
import io.sluice.source.kubernetes.ApiObserver;
import java.time.Duration;
import java.util.Map;

/** Counts the requests of the Kubernetes source, which knows no metrics. Any thread. */
final class CountedRequests implements ApiObserver {

    private final ApiClientMetrics metrics;

    CountedRequests(MeterRegistry registry) {
        this.metrics = new ApiClientMetrics(registry);
    }

    @Override
    public void answered(String method, String host, String code) {
        metrics.answered(method, host, code);
    }

    @Override
    public void took(String verb, String host, Duration time) {
        metrics.took(verb, host, time);
    }

    @Override
    public void serverBuild(Map<String, String> build) {
        metrics.serverBuild(build);
    }
}
