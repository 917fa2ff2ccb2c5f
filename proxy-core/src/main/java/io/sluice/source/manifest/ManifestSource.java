package io.sluice.source.manifest;

import io.sluice.service.ClusterSnapshot;
import io.sluice.source.Freshness;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.ServiceSource;
import io.sluice.source.SnapshotConsumer;
import io.sluice.source.SourceException;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Services from Kubernetes manifest files, followed as they are edited.
 *
 * <p>Files are looked at every {@value #POLL_MILLIS} ms and read when they have changed and then stood still for one
 * look; that finds edits, renames, replaced symbolic links and new files on every file system alike. An edit that cannot
 * be used keeps the last good state and is told once. Reading happens on a thread of its own.
 */
public final class ManifestSource implements ServiceSource {

    /** Between two looks at the files; an edit is read after one to two of these. */
    static final int POLL_MILLIS = 200;

    private static final Logger LOG = LoggerFactory.getLogger(ManifestSource.class);

    private final ManifestOptions options;
    private final InputReader inputs;
    private final SnapshotBuilder builder;
    private final ScheduledExecutorService thread = Executors
            .newSingleThreadScheduledExecutor(Thread.ofPlatform().name("sluice-manifests").daemon().factory());

    private volatile Freshness freshness;
    private @Nullable SnapshotConsumer consumer;
    private @Nullable ClusterSnapshot last;
    private InputReader.@Nullable Fingerprint read;
    private InputReader.@Nullable Fingerprint seen;
    private List<Problem> told = List.of();

    /** Reads nothing yet. */
    public ManifestSource(ManifestOptions options) {
        this.options = options;
        this.inputs = new InputReader(options.inputs(), System.in);
        this.builder = new SnapshotBuilder(options, inputs);
        this.freshness = new Freshness(false, false, null, "not read yet", List.of());
    }

    /** Reads once, without following: for a look at what manifests come to. */
    public static LoadedManifests load(ManifestOptions options) {
        return new SnapshotBuilder(options, new InputReader(options.inputs(), System.in)).build(Instant.now());
    }

    @Override
    public void start(SnapshotConsumer snapshotConsumer) throws SourceException {
        consumer = snapshotConsumer;
        read = inputs.fingerprint();
        LoadedManifests loaded = builder.build(Instant.now());
        if (loaded.hasErrors()) {
            throw new SourceException(
                    loaded.problems().stream().filter(p -> p.severity() == Severity.ERROR).toList());
        }
        take(loaded);
        thread.scheduleWithFixedDelay(this::look, POLL_MILLIS, POLL_MILLIS, TimeUnit.MILLISECONDS);
    }

    @Override
    public void refresh() {
        if (!thread.isShutdown()) {
            thread.execute(() -> read = null);
        }
    }

    @Override
    public Freshness freshness() {
        return freshness;
    }

    @Override
    public void close() {
        thread.shutdownNow();
        boolean interrupted = false;
        try {
            if (!thread.awaitTermination(10, TimeUnit.SECONDS)) {
                LOG.warn("still reading manifests; not waiting for the end of it");
            }
        } catch (InterruptedException e) {
            interrupted = true;
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A fault of this program must not end the watching unseen: it is told, and the next edit is looked at again. */
    private void look() {
        try {
            InputReader.Fingerprint now = inputs.fingerprint();
            boolean stable = now.equals(seen);
            seen = now;
            if (stable && !now.equals(read)) {
                read(now);
            }
        } catch (RuntimeException e) {
            LOG.error("reading the manifests failed by a fault in the program; please report it", e);
            freshness = new Freshness(freshness.synced(), false, freshness.asOf(), "reading failed: " + e, List.of());
        }
    }

    private void read(InputReader.Fingerprint fingerprint) {
        LoadedManifests loaded = builder.build(Instant.now());
        if (!inputs.fingerprint().equals(fingerprint)) {
            return; // Somebody is writing: what was read may be half of it. The next look sees the change.
        }
        read = fingerprint;
        if (loaded.hasErrors()) {
            refuse(loaded);
        } else {
            if (!freshness.current()) {
                LOG.info("the manifests are usable again");
            }
            take(loaded);
        }
    }

    private void refuse(LoadedManifests loaded) {
        List<Problem> errors = loaded.problems().stream().filter(p -> p.severity() == Severity.ERROR).toList();
        tell(loaded.problems(), "the last good state stays in force");
        freshness = new Freshness(true, false, freshness.asOf(),
                "an edit cannot be used, the last good state is in force", errors);
    }

    private void take(LoadedManifests loaded) {
        tell(loaded.problems(), "");
        ClusterSnapshot before = last;
        ClusterSnapshot snapshot = loaded.snapshot();
        last = snapshot;
        freshness = new Freshness(true, true, snapshot.asOf(), "watching " + String.join(", ", options.inputs()),
                loaded.problems());
        boolean changed = before == null || !before.services().equals(snapshot.services())
                || !before.node().equals(snapshot.node());
        if (changed && consumer != null && !thread.isShutdown()) {
            consumer.accept(snapshot);
        }
    }

    /** Each set of problems once, however often it is met. */
    private void tell(List<Problem> problems, String consequence) {
        if (!problems.equals(told)) {
            told = problems;
            for (Problem problem : problems) {
                if (problem.severity() == Severity.ERROR) {
                    LOG.error("{}{}", problem, consequence.isEmpty() ? "" : "; " + consequence);
                } else {
                    LOG.warn("{}", problem);
                }
            }
        }
    }
}
