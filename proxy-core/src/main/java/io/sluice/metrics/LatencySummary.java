package io.sluice.metrics;

import java.time.Duration;

/**
 * Durations of the last while: those of the minute that runs and of the one before.
 *
 * @param count how many
 * @param p50   half of them were at most as long; exact to an eighth of itself
 * @param p99   99 of 100 of them were at most as long; exact to an eighth of itself
 */
public record LatencySummary(long count, Duration p50, Duration p99) {

    /** There were none. */
    public static final LatencySummary NONE = new LatencySummary(0, Duration.ZERO, Duration.ZERO);
}
