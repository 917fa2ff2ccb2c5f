package io.sluice.cli.up;

import java.time.Duration;

/**
 * When a process that has ended starts again: at once after a second, then after twice as long each time, up to half a minute,
 * as kubelet does it with longer times. One that has run for a while begins anew. Pure and immutable.
 *
 * @param early how many starts ended early, one after another
 */
record Restarts(int early) {

    static final Restarts NONE = new Restarts(0);

    private static final Duration FIRST = Duration.ofSeconds(1);
    private static final Duration LONGEST = Duration.ofSeconds(30);
    /** One that runs longer has not failed at its start. */
    private static final Duration STABLE = Duration.ofMinutes(1);
    /** Beyond it the wait is the longest anyhow. */
    private static final int MOST = 10;

    /** The state after a process has ended. */
    Restarts after(Duration ran) {
        return ran.compareTo(STABLE) >= 0 ? new Restarts(1) : new Restarts(Math.min(early + 1, MOST));
    }

    /** How long to wait before the next start; nothing before the first one. */
    Duration delay() {
        if (early == 0) {
            return Duration.ZERO;
        }
        Duration delay = FIRST.multipliedBy(1L << (early - 1));
        return delay.compareTo(LONGEST) < 0 ? delay : LONGEST;
    }

    /** How a process has ended, for people. */
    static String ended(int exitCode) {
        return exitCode > 128 && exitCode <= 128 + 64
                ? "ended by signal " + (exitCode - 128)
                : "exited with code " + exitCode;
    }
}
