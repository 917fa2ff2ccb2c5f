package io.sluice.cli.render;

import java.time.Duration;
import java.time.Instant;

/** An age in at most two units, as in kubectl's AGE column. */
public final class Age {

    private static final int MINUTE = 60;
    private static final int HOUR = 60 * MINUTE;
    private static final int DAY = 24 * HOUR;
    private static final int YEAR = 365 * DAY;

    private Age() {}

    /** The age at {@code now} of what began at {@code then}; what begins later is {@code 0s} old. */
    public static String between(Instant then, Instant now) {
        return of(Duration.between(then, now));
    }

    /** {@code 30s}, {@code 5m}, {@code 2h}, {@code 3d}; the smaller unit is added while it matters. */
    public static String of(Duration age) {
        long seconds = Math.max(0, age.toSeconds());
        if (seconds < 2 * MINUTE) {
            return seconds + "s";
        }
        if (seconds < 10 * MINUTE) {
            return two(seconds, MINUTE, "m", 1, "s");
        }
        if (seconds < 3 * HOUR) {
            return seconds / MINUTE + "m";
        }
        if (seconds < 8 * HOUR) {
            return two(seconds, HOUR, "h", MINUTE, "m");
        }
        if (seconds < 2 * DAY) {
            return seconds / HOUR + "h";
        }
        if (seconds < 8 * DAY) {
            return two(seconds, DAY, "d", HOUR, "h");
        }
        if (seconds < 2L * YEAR) {
            return seconds / DAY + "d";
        }
        if (seconds < 8L * YEAR) {
            return two(seconds, YEAR, "y", DAY, "d");
        }
        return seconds / YEAR + "y";
    }

    private static String two(long seconds, int big, String bigName, int small, String smallName) {
        long rest = seconds % big / small;
        return seconds / big + bigName + (rest == 0 ? "" : rest + smallName);
    }
}
