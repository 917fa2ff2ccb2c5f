package io.sluice.source.manifest;

import io.sluice.liveness.Faults;
import io.sluice.liveness.Watched;
import io.sluice.service.ClusterSnapshot;
import io.sluice.source.Activity;
import io.sluice.source.Freshness;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.ServiceSource;
import io.sluice.source.SnapshotConsumer;
import io.sluice.source.SourceException;
import io.sluice.source.manifest.InputReader.Fingerprint;
import io.sluice.source.manifest.InputReader.Places;
import io.sluice.source.probe.LocalReadiness;
import io.sluice.source.probe.Unreadiness;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Services from Kubernetes manifest files, followed as they are edited.
 *
 * <p>File events report an edit at once. Besides, the source looks at the files, which finds edits, renames, replaced symbolic
 * links and new files on every file system alike: every {@value #POLL_MILLIS} ms, or, where events report everything,
 * every {@value #SELDOM_MILLIS} ms, because a busy processor feels each look. It reads them after a {@link QuietPeriod},
 * and again if they changed meanwhile, so that it uses no half-written file. An edit that cannot be used is logged once, and
 * the last good state stays in force. All of this happens on one thread of its own, {@code sluice-manifests}; only the first
 * snapshot is handed over on the thread that calls {@link #start}.
 */
public final class ManifestSource implements ServiceSource {

    /** The time between two looks at files that can change without an event. */
    static final int POLL_MILLIS = 500;
    /** The time between two looks at files whose changes all have events. */
    static final int SELDOM_MILLIS = 5_000;

    /** The time between two looks at the programs that listen here. */
    private static final int DISCOVERY_MILLIS = 1_000;

    private static final Logger LOG = LoggerFactory.getLogger(ManifestSource.class);
    private static final String THREAD = "sluice-manifests";

    private final ManifestOptions options;
    private final @Nullable LocalReadiness readiness;
    private final InputReader inputs;
    private final SnapshotBuilder builder;
    private final ScheduledThreadPoolExecutor thread =
            new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().name(THREAD).daemon().factory());
    private final Activity reading = new Activity(THREAD);
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicBoolean lookIsDue = new AtomicBoolean();

    private volatile int pollMillis = POLL_MILLIS;
    private volatile Freshness freshness;
    private volatile @Nullable InputWatch watch;
    private @Nullable SnapshotConsumer consumer;
    private @Nullable ClusterSnapshot last;
    /** What was read last and could be used; {@link #last} without the endpoints of Pods that are not ready. */
    private @Nullable ClusterSnapshot usable;
    private @Nullable Fingerprint read;
    private Set<Problem> logged = Set.of();
    private List<String> logFound = List.of();

    /** Reads nothing yet, and takes Pods as ready whose manifests say so. */
    public ManifestSource(ManifestOptions options) {
        this(options, null);
    }

    /**
     * Reads nothing yet.
     *
     * @param readiness which of the processes on this machine are ready, closed with the source; null if nobody asks
     */
    public ManifestSource(ManifestOptions given, @Nullable LocalReadiness readiness) {
        this.options = readiness == null ? given : given.withProbes();
        this.readiness = readiness;
        this.inputs = new InputReader(options.inputs(), System.in, reading);
        this.builder = new SnapshotBuilder(options, inputs);
        this.freshness = new Freshness(false, false, null, "not read yet", List.of());
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    /**
     * Reads once, without following edits. Never fails: what cannot be read becomes a problem, and the snapshot has the rest.
     */
    public static LoadedManifests load(ManifestOptions options) {
        return new SnapshotBuilder(options, new InputReader(options.inputs(), System.in, new Activity(THREAD)))
                .build(Instant.now());
    }

    /**
     * {@inheritDoc}
     *
     * @throws SourceException if the manifests have errors; it names each
     */
    @Override
    public void start(SnapshotConsumer snapshotConsumer) throws SourceException {
        consumer = snapshotConsumer;
        LoadedManifests loaded = reading.answerOf(() -> {
            read = inputs.fingerprint();
            return builder.build(Instant.now());
        });
        if (loaded.hasErrors()) {
            throw new SourceException(loaded.errors());
        }
        take(loaded);
        if (readiness != null) {
            readiness.onChange(() -> submit(() -> guarded(this::readinessChanged)));
            submit(() -> guarded(this::readinessChanged)); // what has changed meanwhile
        }
        watch = new InputWatch(this::lookSoon);
        watchInputs();
        submit(this::poll);
        if (options.discover()) {
            submit(this::discover);
        }
    }

    /** {@inheritDoc} Standard input is not read again: it has ended. */
    @Override
    public void refresh() {
        submit(() -> guarded(this::readWhenQuiet));
    }

    @Override
    public Freshness freshness() {
        Freshness last = freshness;
        return reading.lateSince().map(since -> new Freshness(last.synced(), false, last.asOf(),
                "reading manifests since " + since.truncatedTo(ChronoUnit.SECONDS)
                        + (last.synced() ? ", the last good state is in force" : ""),
                last.problems())).orElse(last);
    }

    @Override
    public List<? extends Watched> threads() {
        return List.of(reading);
    }

    @Override
    public void close() {
        closed.countDown();
        if (readiness != null) {
            readiness.close();
        }
        InputWatch opened = watch;
        if (opened != null) {
            opened.close();
        }
        thread.shutdown();
        try {
            if (!thread.awaitTermination(10, TimeUnit.SECONDS)) {
                LOG.warn("still reading manifests; not waiting for the end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Looks once for many events at once, as an editor causes them. */
    private void lookSoon() {
        if (lookIsDue.compareAndSet(false, true)) {
            submit(this::look);
        }
    }

    private void submit(Runnable task) {
        try {
            thread.execute(task);
        } catch (RejectedExecutionException e) {
            LOG.debug("closed; nothing is read any more");
        }
    }

    private void poll() {
        look();
        try {
            thread.schedule(this::poll, pollMillis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("closed; nothing is looked at any more");
        }
    }

    /** Reads again when a process that is looked for has started or ended. */
    private void discover() {
        guarded(() -> {
            if (builder.processesChanged()) {
                readWhenQuiet();
            }
        });
        try {
            thread.schedule(this::discover, DISCOVERY_MILLIS, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("closed; no process is looked for any more");
        }
    }

    private void look() {
        lookIsDue.set(false);
        guarded(() -> {
            if (!inputs.fingerprint().equals(read)) {
                readWhenQuiet();
            } else if (freshness.current()) {
                Freshness now = freshness;
                freshness = new Freshness(true, true, Instant.now(), now.detail(), now.problems());
            }
        });
    }

    /** Reports a fault of this program, which must not silently end the watch: the next edit is read again. */
    private void guarded(Runnable work) {
        try {
            if (closed.getCount() > 0) {
                reading.during(work);
            }
        } catch (RuntimeException | Error e) {
            Faults.report("reading the manifests", e);
            freshness = new Freshness(freshness.synced(), false, freshness.asOf(), "reading failed: " + e, List.of());
        }
    }

    private void readWhenQuiet() {
        QuietPeriod<Fingerprint> quiet = new QuietPeriod<>(inputs.fingerprint());
        while (!isClosedAfter(QuietPeriod.QUIET_MILLIS)) {
            Fingerprint now = inputs.fingerprint();
            if (quiet.isOver(now)) {
                watchInputs();
                LoadedManifests loaded = builder.build(Instant.now());
                if (quiet.isUsable(inputs.fingerprint())) {
                    read = now;
                    takeOrRefuse(loaded);
                    return;
                }
            }
        }
    }

    private void watchInputs() {
        InputWatch opened = watch;
        if (opened != null) {
            Places places = inputs.places();
            boolean complete =
                    reading.waitingFor(places.directories().toString(), () -> opened.watch(places.directories()));
            pollMillis = complete && places.all() ? SELDOM_MILLIS : POLL_MILLIS;
        }
    }

    private void takeOrRefuse(LoadedManifests loaded) {
        if (loaded.hasErrors()) {
            log(loaded.problems(), "; the last good state stays in force");
            freshness = new Freshness(true, false, freshness.asOf(),
                    "an edit cannot be used, the last good state is in force", loaded.errors());
            return;
        }
        if (!freshness.current()) {
            LOG.info("the manifests are usable again");
        }
        take(loaded);
    }

    private boolean isClosedAfter(int millis) {
        try {
            return closed.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private void take(LoadedManifests loaded) {
        builder.commit();
        log(loaded.problems(), "");
        logFound(loaded.found());
        usable = loaded.snapshot();
        if (readiness != null) {
            readiness.follow(loaded.localPods().stream().flatMap(pod -> pod.probed(readiness.withoutProbe()).stream())
                    .toList());
        }
        ClusterSnapshot snapshot = handOver(loaded.snapshot());
        freshness = new Freshness(true, true, snapshot.asOf(), "watching " + options.inputs(),
                loaded.problems());
    }

    /** The last usable manifests stay in force, also while an edit is broken: only the readiness of their Pods differs. */
    private void readinessChanged() {
        ClusterSnapshot base = usable;
        if (base != null) {
            handOver(new ClusterSnapshot(builder.nextVersion(), Instant.now(), base.node(), base.services(),
                    base.pods(), List.of(), base.facts()));
        }
    }

    private ClusterSnapshot handOver(ClusterSnapshot read) {
        ClusterSnapshot before = last;
        ClusterSnapshot snapshot = readiness == null ? read : Unreadiness.apply(read, readiness.notReady());
        boolean changed = before == null || !before.services().equals(snapshot.services())
                || !before.node().equals(snapshot.node()) || !before.pods().equals(snapshot.pods());
        if (changed && consumer != null && closed.getCount() > 0) {
            consumer.accept(snapshot);
        }
        last = snapshot;
        return snapshot;
    }

    private void logFound(List<String> found) {
        found.stream().filter(line -> !logFound.contains(line)).forEach(line -> LOG.info("found {}", line));
        logFound.stream().filter(line -> found.stream().noneMatch(other -> other.startsWith(workload(line))))
                .forEach(line -> LOG.info("gone {}", line));
        logFound = found;
    }

    private static String workload(String line) {
        return line.substring(0, line.indexOf(": ") + 2);
    }

    /** Logs each problem once, until it has gone. */
    private void log(List<Problem> problems, String consequence) {
        Set<Problem> known = logged;
        logged = new HashSet<>(problems);
        for (Problem problem : problems) {
            if (!known.contains(problem)) {
                if (problem.severity() == Severity.ERROR) {
                    LOG.error("{}{}", problem, consequence);
                } else {
                    LOG.warn("{}", problem);
                }
            }
        }
    }
}
