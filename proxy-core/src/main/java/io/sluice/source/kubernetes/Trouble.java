package io.sluice.source.kubernetes;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The current failure of one reflector, and when it is logged. A watch that breaks over and over is one trouble, not a new
 * one each time: after a watch that broke before its first event, only a watch that sends an event, or stays open for
 * {@link #TRANSIENT}, ends the trouble. Reads no clock: times are passed in, in nanoseconds of {@link System#nanoTime}. One
 * thread reports; any thread may read.
 */
final class Trouble {

    /** During a shorter trouble the view stays current. */
    static final Duration TRANSIENT = Duration.ofSeconds(10);
    /** The same trouble is logged again after this time. */
    static final Duration REMINDER = Duration.ofMinutes(5);

    /**
     * One trouble.
     *
     * @param problem one line
     * @param since   when it began
     * @param suspect whether a response was suspect, so that the view is not current from now on
     * @param opened  when a watch was opened that has not sent an event yet; null for none
     */
    private record Now(String problem, long since, boolean suspect, @Nullable Long opened) {}

    private volatile @Nullable Now now;
    private boolean unproven;
    private String logged = "";
    private long loggedAt;

    /** The trouble at {@code time}, in one line; null for none. */
    @Nullable
    String problem(long time) {
        Now trouble = now;
        return trouble == null || isOver(trouble, time) ? null : trouble.problem();
    }

    /** Whether the view may be current at {@code time}, as far as trouble goes. */
    boolean current(long time) {
        Now trouble = now;
        return trouble == null || isOver(trouble, time)
                || !trouble.suspect() && time - trouble.since() < TRANSIENT.toNanos();
    }

    private static boolean isOver(Now trouble, long time) {
        Long opened = trouble.opened();
        return opened != null && time - opened >= TRANSIENT.toNanos();
    }

    /** A watch is open. Returns how long the trouble lasted, if this ends one that was logged. */
    Optional<Duration> opened(long time) {
        Now trouble = now;
        if (trouble == null || !unproven) {
            return ended(time);
        }
        now = new Now(trouble.problem(), trouble.since(), trouble.suspect(), time);
        return Optional.empty();
    }

    /** A watch has sent a valid event. Returns how long the trouble lasted, if this ends one that was logged. */
    Optional<Duration> eventReceived(long time) {
        return ended(time);
    }

    private Optional<Duration> ended(long time) {
        Now trouble = now;
        unproven = false;
        now = null;
        boolean known = !logged.isEmpty();
        logged = "";
        return trouble == null || !known ? Optional.empty() : Optional.of(Duration.ofNanos(time - trouble.since()));
    }

    /**
     * A list or a watch has failed.
     *
     * @param problem     one line
     * @param suspect     whether a response was suspect
     * @param brokenWatch whether a watch broke that was open, but had not sent an event yet
     */
    void failed(String problem, boolean suspect, boolean brokenWatch, long time) {
        Now trouble = now;
        boolean another = trouble == null || isOver(trouble, time);
        now = new Now(problem, another || trouble == null ? time : trouble.since(),
                suspect || trouble != null && !another && trouble.suspect(), null);
        unproven = brokenWatch;
    }

    /** Whether to log a failure: {@code sameAs} is equal for failures that a user would call the same. */
    boolean shouldLog(String sameAs, long time) {
        if (sameAs.equals(logged) && time - loggedAt < REMINDER.toNanos()) {
            return false;
        }
        logged = sameAs;
        loggedAt = time;
        return true;
    }
}
