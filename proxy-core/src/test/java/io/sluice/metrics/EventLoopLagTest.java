package io.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.sluice.liveness.Heartbeat;
import io.sluice.liveness.ThreadKind;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** How late an event loop is. */
class EventLoopLagTest {

    private static final long MILLI = TimeUnit.MILLISECONDS.toNanos(1);

    private final AtomicLong now = new AtomicLong(42);
    private final EventLoopLag.Probe probe =
            new EventLoopLag.Probe(now::get, new Heartbeat(ThreadKind.EVENT_LOOP, "a loop"));

    @Test
    void a_loop_in_time_has_no_lag() {
        runAfter(100);
        runAfter(100);
        assertThat(probe.worst()).isZero();
    }

    @Test
    void the_worst_of_the_window_is_shown_then_forgotten() {
        runAfter(130);
        runAfter(100);
        runAfter(107);
        assertThat(probe.worst()).isEqualTo(30e6);

        for (int i = 0; i < 310; i++) {
            runAfter(100);
        }
        assertThat(probe.worst()).as("in the window before").isEqualTo(30e6);
        for (int i = 0; i < 310; i++) {
            runAfter(100);
        }
        assertThat(probe.worst()).isZero();
    }

    @Test
    void a_loop_that_hangs_shows_while_it_hangs() {
        runAfter(100);
        now.addAndGet(5100 * MILLI);
        assertThat(probe.worst()).isEqualTo(5e9);
    }

    @Test
    void each_loop_has_its_gauge_until_closed() {
        SimpleMeterRegistry registry = new SimpleMeterRegistry();
        CountDownLatch hang = new CountDownLatch(1);
        try (ScheduledExecutorService first = Executors.newSingleThreadScheduledExecutor();
                ScheduledExecutorService second = Executors.newSingleThreadScheduledExecutor()) {
            EventLoopLag lag = new EventLoopLag(registry, List.of(first, second));
            second.execute(() -> {
                try {
                    hang.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            try {
                await().untilAsserted(() -> assertThat(seconds(registry, "1")).isGreaterThan(0.5));
                assertThat(seconds(registry, "0")).isLessThan(seconds(registry, "1"));
            } finally {
                hang.countDown();
            }
            lag.close();
            assertThat(registry.getMeters()).isEmpty();
        }
    }

    private static double seconds(SimpleMeterRegistry registry, String loop) {
        return registry.get("sluice.event.loop.lag").tag("loop", loop).timeGauge().value(TimeUnit.SECONDS);
    }

    private void runAfter(long millis) {
        now.addAndGet(millis * MILLI);
        probe.run();
    }
}
