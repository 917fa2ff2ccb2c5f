package io.sluice.source.kubernetes;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before the next attempt: doubled with each failure, and at random between that and twice as long, so
 * that the nodes of a cluster do not come back all at once. client-go waits 0.8 s to 30 s likewise. Not thread-safe.
 */
final class Backoff {

    private static final Duration FIRST = Duration.ofMillis(400);
    private static final Duration LONGEST = Duration.ofSeconds(15);

    private final RandomGenerator random;
    private int failures;

    Backoff(RandomGenerator random) {
        this.random = random;
    }

    /** After one more failure: 0.4 s to 0.8 s at first, 15 s to 30 s in the end. */
    Duration next() {
        long base = Math.min(LONGEST.toMillis(), FIRST.toMillis() << Math.min(failures, 20));
        failures++;
        return Duration.ofMillis(base + random.nextLong(base));
    }

    /** How many failures there were since the last success. */
    int failures() {
        return failures;
    }

    /** All is well again. */
    void reset() {
        failures = 0;
    }
}
