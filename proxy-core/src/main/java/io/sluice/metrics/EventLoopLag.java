package io.sluice.metrics;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.sluice.liveness.Heartbeat;
import io.sluice.liveness.ThreadKind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How late event loops are: a task is scheduled on each every 100 ms, and the gauge {@code sluice_event_loop_lag_seconds}
 * shows how late it ran at worst in the last 30 s to 60 s, or how late it is now. A loop that hangs shows at once.
 *
 * <p>Created and closed on the control thread.
 */
public final class EventLoopLag implements AutoCloseable {

    static final long INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(30);

    private final MeterRegistry registry;
    private final List<Probe> probes = new ArrayList<>();
    private final List<Heartbeat> heartbeats = new ArrayList<>();
    private final List<Future<?>> tasks = new ArrayList<>();
    private final List<Meter> gauges = new ArrayList<>();

    /** Begins to measure {@code loops}, which are labelled {@code 0}, {@code 1}, … in their order. */
    public EventLoopLag(MeterRegistry registry, Iterable<? extends ScheduledExecutorService> loops) {
        this.registry = registry;
        for (ScheduledExecutorService loop : loops) {
            Heartbeat heartbeat = new Heartbeat(ThreadKind.EVENT_LOOP, "event loop " + probes.size());
            heartbeats.add(heartbeat);
            loop.execute(heartbeat); // shows which thread it is, before anything else can keep it
            Probe probe = new Probe(System::nanoTime, heartbeat);
            gauges.add(MetricCatalog.EVENT_LOOP_LAG.gauge(registry, probe::worst, TimeUnit.NANOSECONDS,
                    Integer.toString(probes.size())));
            probes.add(probe);
            tasks.add(loop.scheduleWithFixedDelay(probe, INTERVAL_NANOS, INTERVAL_NANOS, TimeUnit.NANOSECONDS));
        }
    }

    /** The progress of each loop, which the same task shows. Any thread, once this is constructed. */
    public List<Heartbeat> heartbeats() {
        return heartbeats;
    }

    /** Ends the tasks and removes the gauges. */
    @Override
    public void close() {
        tasks.forEach(task -> task.cancel(false));
        gauges.forEach(registry::remove);
    }

    /** What one loop runs; written by that loop only. */
    static final class Probe implements Runnable {

        private final LongSupplier nanoTime;
        private final Heartbeat heartbeat;
        private volatile Window window;

        Probe(LongSupplier nanoTime, Heartbeat heartbeat) {
            this.nanoTime = nanoTime;
            this.heartbeat = heartbeat;
            long now = nanoTime.getAsLong();
            this.window = new Window(now, now + INTERVAL_NANOS, 0, 0);
        }

        @Override
        public void run() {
            heartbeat.run();
            Window last = window;
            long now = nanoTime.getAsLong();
            long lag = Math.max(0, now - last.due);
            window = now - last.start < WINDOW_NANOS
                    ? new Window(last.start, now + INTERVAL_NANOS, Math.max(last.worst, lag), last.worstBefore)
                    : new Window(now, now + INTERVAL_NANOS, lag, last.worst);
        }

        /** In nanoseconds; any thread. */
        double worst() {
            Window seen = window;
            long overdue = nanoTime.getAsLong() - seen.due;
            return Math.max(overdue, Math.max(seen.worst, seen.worstBefore));
        }
    }

    /**
     * What was seen since {@code start} and in the window before.
     *
     * @param due when the task should run next
     */
    private record Window(long start, long due, long worst, long worstBefore) {}
}
