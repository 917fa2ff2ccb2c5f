package io.sluice.liveness;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A thread that makes no progress.
 *
 * @param thread   its name
 * @param since    when it was last seen to make progress
 * @param waitsFor what it waits for outside this process, such as a file; null if a fault of this process stops it
 * @param ended    whether it has ended, although it should not
 */
public record Stall(ThreadKind kind, String thread, Instant since, @Nullable String waitsFor, boolean ended) {

    /**
     * Whether a restart of the process helps: a thread that has ended does not come back, and one that a fault stops goes on
     * only in a new process. A new process would wait for the same file, without the last good state.
     */
    public boolean restartHelps() {
        return ended || waitsFor == null;
    }
}
