package io.sluice.liveness;

import java.time.Instant;

/**
 * A thread that makes no progress.
 *
 * @param thread its name
 * @param since  when it was last seen to make some
 * @param ended  whether it is no more, though it should be
 */
public record Stall(ThreadKind kind, String thread, Instant since, boolean ended) {

    /** Whether the process should be started again: a thread that has ended does not come back. */
    public boolean restartHelps() {
        return ended || kind.restartHelps();
    }
}
