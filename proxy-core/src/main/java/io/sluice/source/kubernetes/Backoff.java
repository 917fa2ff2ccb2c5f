package io.sluice.source.kubernetes;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Exponential backoff with jitter: each failure doubles the base, and the pause is random between the base and twice the
 * base, so that the nodes of a cluster do not reconnect all at once. client-go pauses 0.8 s to 30 s as well. Not thread-safe.
 */
final class Backoff {

    private static final Duration FIRST = Duration.ofMillis(400);
    private static final Duration LONGEST = Duration.ofSeconds(15);

    private final RandomGenerator random;
    private int failures;

    Backoff(RandomGenerator random) {
        this.random = random;
    }

    /** The pause after one more failure: 0.4 s to 0.8 s at first, 15 s to 30 s in the end. */
    Duration next() {
        long base = Math.min(LONGEST.toMillis(), FIRST.toMillis() << Math.min(failures, 20));
        failures++;
        return Duration.ofMillis(base + random.nextLong(base));
    }

    /** How many failures there were since the last {@link #reset}. */
    int failures() {
        return failures;
    }

    /** The next pause is the shortest again. */
    void reset() {
        failures = 0;
    }
}
