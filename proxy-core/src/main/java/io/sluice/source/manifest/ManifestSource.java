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
 * <p>File events tell of an edit at once. Besides, the files are looked at, which finds edits, renames, replaced symbolic
 * links and new files on every file system alike: every {@value #POLL_MILLIS} ms, or, where events tell of everything,
 * every {@value #SELDOM_MILLIS} ms, because a busy processor feels each look. They are read when they have stood
 * still for {@value #STILL_MILLIS} ms, and again if they changed meanwhile, so that no half-written file is taken. An edit
 * that cannot be used keeps the last good state and is told once. All of it happens on one thread of its own,
 * {@code sluice-manifests}; only the first snapshot is handed over on the thread that calls {@link #start}.
 */
public final class ManifestSource implements ServiceSource {

    /** Between two looks at files that can change without an event. */
    static final int POLL_MILLIS = 500;
    /** Between two looks at files that should not. */
    static final int SELDOM_MILLIS = 5_000;
    /** How long files must not change before they are read. */
    static final int STILL_MILLIS = 100;
    /** Files that never stand still are read nevertheless after so many looks at intervals of {@link #STILL_MILLIS}. */
    private static final int MAX_LOOKS = 20;

    private static final Logger LOG = LoggerFactory.getLogger(ManifestSource.class);
    private static final String THREAD = "sluice-manifests";

    private final ManifestOptions options;
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
    private @Nullable Fingerprint read;
    private Set<Problem> told = Set.of();

    /** Reads nothing yet. */
    public ManifestSource(ManifestOptions options) {
        this.options = options;
        this.inputs = new InputReader(options.inputs(), System.in);
        this.builder = new SnapshotBuilder(options, inputs);
        this.freshness = new Freshness(false, false, null, "not read yet", List.of());
        thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    }

    /**
     * Reads once, without following: for a look at what manifests come to. Never fails: what cannot be read is a problem,
     * and the snapshot has the rest.
     */
    public static LoadedManifests load(ManifestOptions options) {
        return new SnapshotBuilder(options, new InputReader(options.inputs(), System.in)).build(Instant.now());
    }

    /**
     * {@inheritDoc}
     *
     * @throws SourceException if anything in the manifests is an error; it names every one
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
        watch = new InputWatch(this::lookSoon);
        watchInputs();
        submit(this::poll);
    }

    /** {@inheritDoc} Standard input is not read again: it has ended. */
    @Override
    public void refresh() {
        submit(() -> guarded(this::readWhenStill));
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
        InputWatch opened = watch;
        if (opened != null) {
            opened.close();
        }
        thread.shutdown();
        try {
            if (!thread.awaitTermination(10, TimeUnit.SECONDS)) {
                LOG.warn("still reading manifests; not waiting for the end of it");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Many events at once, as an editor causes them, are one look. */
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

    private void look() {
        lookIsDue.set(false);
        guarded(() -> {
            if (!inputs.fingerprint().equals(read)) {
                readWhenStill();
            } else if (freshness.current()) {
                Freshness now = freshness;
                freshness = new Freshness(true, true, Instant.now(), now.detail(), now.problems());
            }
        });
    }

    /** A fault of this program must not end the following unseen: it is told, and the next edit is looked at again. */
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

    private void readWhenStill() {
        Fingerprint now = inputs.fingerprint();
        for (int looks = 1;; looks++) {
            Fingerprint before = now;
            if (isClosedAfter(STILL_MILLIS)) {
                return;
            }
            now = inputs.fingerprint();
            if (!now.equals(before) && looks < MAX_LOOKS) {
                continue;
            }
            watchInputs();
            LoadedManifests loaded = builder.build(Instant.now());
            if (looks >= MAX_LOOKS || inputs.fingerprint().equals(now)) {
                read = now;
                takeOrRefuse(loaded);
                return;
            }
        }
    }

    private void watchInputs() {
        InputWatch opened = watch;
        if (opened != null) {
            Places places = inputs.places();
            pollMillis = opened.watch(places.directories()) && places.all() ? SELDOM_MILLIS : POLL_MILLIS;
        }
    }

    private void takeOrRefuse(LoadedManifests loaded) {
        if (loaded.hasErrors()) {
            tell(loaded.problems(), "; the last good state stays in force");
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
        tell(loaded.problems(), "");
        ClusterSnapshot before = last;
        ClusterSnapshot snapshot = loaded.snapshot();
        boolean changed = before == null || !before.services().equals(snapshot.services())
                || !before.node().equals(snapshot.node()) || !before.pods().equals(snapshot.pods());
        if (changed && consumer != null && closed.getCount() > 0) {
            consumer.accept(snapshot);
        }
        last = snapshot;
        freshness = new Freshness(true, true, snapshot.asOf(), "watching " + String.join(", ", options.inputs()),
                loaded.problems());
    }

    /** Each problem once, however often it is met, until it has gone. */
    private void tell(List<Problem> problems, String consequence) {
        Set<Problem> known = told;
        told = new HashSet<>(problems);
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
