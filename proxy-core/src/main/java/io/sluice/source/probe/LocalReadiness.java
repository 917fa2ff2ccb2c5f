package io.sluice.source.probe;

import io.sluice.liveness.Faults;
import io.sluice.liveness.ReportingExecutor;
import io.sluice.service.ServiceName;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Which of the processes on this machine are ready: by their probes, and by what their starter says of them. Any thread.
 *
 * <p>Probes run on virtual threads, {@value #AT_ONCE} at the same time at the most, each process's one after another; the
 * first ones after a random part of a second, so that many processes are not probed in step.
 */
public final class LocalReadiness implements AutoCloseable {

    private static final int AT_ONCE = 32;
    private static final int JITTER_PERCENT = 10;

    /** What becomes of a Pod whose template has no readiness probe. */
    public enum WithoutProbe {
        /** It is ready, as with kubelet. */
        READY,
        /** It is ready while its process accepts connections. */
        PROBED_BY_CONNECTING
    }

    /** One Pod; confined by the lock of the outer object. */
    private static final class Watched {

        private final ProbedPod pod;
        private ProbeState state = ProbeState.UNKNOWN;
        /** Counts starts: an answer to a probe of an earlier process is not believed. */
        private int start;

        Watched(ProbedPod pod) {
            this.pod = pod;
        }
    }

    private final WithoutProbe withoutProbe;
    private final ReportingExecutor timer = new ReportingExecutor("sluice-probes");
    private final Semaphore running = new Semaphore(AT_ONCE);
    private final Map<ServiceName, Watched> watched = new HashMap<>();
    private final Map<ServiceName, String> stopped = new HashMap<>();
    private volatile Map<ServiceName, String> notReady = Map.of();
    private volatile Runnable listener = () -> {};
    private @Nullable Probing probing;

    /** Knows no process yet. */
    public LocalReadiness(WithoutProbe withoutProbe) {
        this.withoutProbe = withoutProbe;
        timer.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    /** What becomes of a Pod whose template has no readiness probe. */
    public WithoutProbe withoutProbe() {
        return withoutProbe;
    }

    /** Runs {@code action} after each change of {@link #notReady}, on the thread that makes it; it must not wait. */
    public void onChange(Runnable action) {
        listener = action;
    }

    /** The Pods that are not ready, each with the reason. */
    public Map<ServiceName, String> notReady() {
        return notReady;
    }

    /** These Pods are probed from now on, and no others; those that are new are not ready until their probes succeed. */
    public synchronized void follow(Collection<ProbedPod> pods) {
        Set<ServiceName> names = new HashSet<>();
        for (ProbedPod pod : pods) {
            names.add(pod.name());
            Watched known = watched.get(pod.name());
            if (known == null || !known.pod.equals(pod)) {
                Watched added = new Watched(pod);
                watched.put(pod.name(), added);
                if (!stopped.containsKey(pod.name())) {
                    first(added);
                }
            }
        }
        watched.keySet().retainAll(names);
        summarize();
    }

    /** The process of {@code pod} has started: its probes begin anew. */
    public void started(ServiceName pod) {
        synchronized (this) {
            stopped.remove(pod);
            Watched known = watched.get(pod);
            if (known != null) {
                known.start++;
                known.state = ProbeState.UNKNOWN;
                first(known);
            }
            summarize();
        }
        listener.run();
    }

    /** The process of {@code pod} does not run: the Pod is not ready, whatever probes say. */
    public void stopped(ServiceName pod, String why) {
        synchronized (this) {
            stopped.put(pod, why);
            summarize();
        }
        listener.run();
    }

    private void first(Watched one) {
        schedule(one, one.start, one.pod.probe().initialDelay()
                .plusMillis(ThreadLocalRandom.current().nextInt(100)));
    }

    private void schedule(Watched one, int start, Duration wait) {
        try {
            timer.schedule(() -> begin(one, start), wait.toMillis(), TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            watched.remove(one.pod.name()); // closed
        }
    }

    /** On the timer's thread: a probe waits for its turn on a thread of its own. */
    private void begin(Watched one, int start) {
        if (isCurrent(one, start)) {
            Thread.ofVirtual().name("sluice-probe").start(
                    Faults.contained("probing " + one.pod.name(), () -> probe(one, start)));
        }
    }

    private void probe(Watched one, int start) {
        String problem;
        try {
            running.acquire();
            try {
                problem = probing().problem(one.pod.probe(), one.pod.target());
            } finally {
                running.release();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        boolean changed;
        synchronized (this) {
            if (!isCurrent(one, start)) {
                return;
            }
            one.state = problem.isEmpty() ? one.state.succeeded(one.pod.probe())
                    : one.state.failed(one.pod.probe(), problem);
            changed = summarize();
            Duration wait = one.pod.probe().wait(one.state.ready());
            long jitter = ThreadLocalRandom.current().nextLong(wait.toMillis() * JITTER_PERCENT / 100 + 1);
            schedule(one, start, wait.plusMillis(jitter));
        }
        if (changed) {
            listener.run();
        }
    }

    private synchronized Probing probing() {
        Probing made = probing;
        if (made == null) {
            made = new Probing();
            probing = made;
        }
        return made;
    }

    private synchronized boolean isCurrent(Watched one, int start) {
        return watched.get(one.pod.name()) == one && one.start == start && !stopped.containsKey(one.pod.name());
    }

    /** Whether it has changed. */
    private boolean summarize() {
        Map<ServiceName, String> now = new TreeMap<>();
        watched.forEach((name, one) -> {
            if (!one.state.ready()) {
                now.put(name, one.state.why());
            }
        });
        now.putAll(stopped);
        if (now.equals(notReady)) {
            return false;
        }
        notReady = Map.copyOf(now);
        return true;
    }

    /** No probe begins any more; one that runs ends within its timeout. */
    @Override
    public void close() {
        timer.shutdownNow();
        synchronized (this) {
            watched.clear();
        }
    }
}
