package io.sluice.source.kubernetes;

import io.sluice.source.InputFile;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides when the state file is written, and by which thread. Writing takes seconds for a large cluster, so that no
 * change waits for it: a thread of its own writes, every {@link #INTERVAL} at the most and for a tenth of the time at the
 * most. One thread calls the methods.
 */
final class StateSaver {

    /** The shortest time between the end of one write and the next. */
    static final Duration INTERVAL = Duration.ofSeconds(10);
    /** The pause after a write, as a multiple of its time: writing takes a tenth of the time. */
    static final int PAUSE_FACTOR = 9;

    private static final Logger LOG = LoggerFactory.getLogger(StateSaver.class);

    /** The file that a state is written to. */
    @FunctionalInterface
    interface Target {
        void write(SavedState state) throws IOException;
    }

    private final Path file;
    private final Target target;
    private final Supplier<Optional<SavedState>> state;
    private final Executor writer;
    private final LongSupplier nanoTime;
    private final Semaphore notWriting = new Semaphore(1);

    private volatile boolean unsaved;
    private volatile long nextNanos;
    private @Nullable String problem;

    /**
     * Writes nothing yet.
     *
     * @param file   for messages
     * @param state  what to write; empty while it may be wrong
     * @param writer runs a write, on a thread of its own
     */
    StateSaver(Path file, Target target, Supplier<Optional<SavedState>> state, Executor writer, LongSupplier nanoTime) {
        this.file = file;
        this.target = target;
        this.state = state;
        this.writer = writer;
        this.nanoTime = nanoTime;
        this.nextNanos = nanoTime.getAsLong();
    }

    /** The state has changed since it was written last. */
    void changed() {
        unsaved = true;
    }

    /** Starts a write if there is something to save and it is time. */
    void saveIfDue() {
        if (unsaved && nanoTime.getAsLong() - nextNanos >= 0 && notWriting.tryAcquire()) {
            writer.execute(() -> {
                try {
                    save();
                } finally {
                    notWriting.release();
                }
            });
        }
    }

    /** Waits for a write that is under way, and writes what has changed since, at once and on this thread. */
    void finish() throws InterruptedException {
        notWriting.acquire();
        try {
            save();
        } finally {
            notWriting.release();
        }
    }

    private void save() {
        if (!unsaved) {
            return;
        }
        // Cleared before the state is read: a change during the write is saved by the next one.
        unsaved = false;
        Optional<SavedState> now = state.get();
        if (now.isEmpty()) {
            unsaved = true;
            return;
        }
        long start = nanoTime.getAsLong();
        try {
            target.write(now.get());
            problem = null;
        } catch (IOException e) {
            unsaved = true;
            log(InputFile.reason(e));
        } finally {
            long end = nanoTime.getAsLong();
            nextNanos = end + Math.max(INTERVAL.toNanos(), PAUSE_FACTOR * (end - start));
        }
    }

    private void log(String reason) {
        if (!reason.equals(problem)) {
            problem = reason;
            LOG.warn("the state file {} cannot be written: {}; a restart without an API server would find an older"
                    + " state or none", file, reason);
        }
    }
}
