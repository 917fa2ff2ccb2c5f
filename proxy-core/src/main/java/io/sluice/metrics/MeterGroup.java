package io.sluice.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToDoubleFunction;

/**
 * The meters of one owner that come and go together. Not thread-safe: used under the lock of {@link ProxyMetrics}.
 *
 * <p>The registry refers to counters and gauged objects weakly; whoever owns this group holds them.
 */
final class MeterGroup {

    private final MeterRegistry registry;
    private final Tags tags;
    private final List<Meter> meters = new ArrayList<>();

    MeterGroup(MeterRegistry registry, Tags tags) {
        this.registry = registry;
        this.tags = tags;
    }

    void counter(String name, String description, LongAdder count) {
        counter(name, description, Tags.empty(), count);
    }

    void counter(String name, String description, Tags more, LongAdder count) {
        meters.add(FunctionCounter.builder(name, count, LongAdder::sum).tags(tags.and(more)).description(description)
                .register(registry));
    }

    <T> void gauge(String name, String description, T object, ToDoubleFunction<T> value) {
        gauge(name, description, Tags.empty(), object, value);
    }

    <T> void gauge(String name, String description, Tags more, T object, ToDoubleFunction<T> value) {
        meters.add(Gauge.builder(name, object, value).tags(tags.and(more)).description(description).register(registry));
    }

    Timer histogram(String name, String description, Duration... buckets) {
        Timer timer = Timer.builder(name).tags(tags).description(description).serviceLevelObjectives(buckets)
                .register(registry);
        meters.add(timer);
        return timer;
    }

    /** Takes every meter out of the registry; a second time does nothing. */
    void remove() {
        meters.forEach(registry::remove);
        meters.clear();
    }
}
