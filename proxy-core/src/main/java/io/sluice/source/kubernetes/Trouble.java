package io.sluice.source.kubernetes;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is wrong with the watch of one kind, and when a person is to read of it. A watch that breaks over and over is one
 * trouble and not a new one each time: after a watch that broke before it said anything, only one that says something, or
 * stays for {@link #MOMENT}, ends the trouble. Reads no clock: times are passed in, in
 * nanoseconds of {@link System#nanoTime}. One thread reports, any may ask.
 */
final class Trouble {

    /** Trouble that is over sooner leaves a view current. */
    static final Duration MOMENT = Duration.ofSeconds(10);
    /** The same trouble is logged again after this time. */
    static final Duration REMINDER = Duration.ofMinutes(5);

    /**
     * One trouble.
     *
     * @param problem in a line
     * @param since   when it began
     * @param doubt   whether what the server said is not believed, so that the view is not current from now on
     * @param opened  when a watch was opened that has not proved itself yet; null for none
     */
    private record Now(String problem, long since, boolean doubt, @Nullable Long opened) {}

    private volatile @Nullable Now now;
    private boolean unproven;
    private String logged = "";
    private long loggedAt;

    /** What is wrong at {@code time}, in a line; null for nothing. */
    @Nullable
    String problem(long time) {
        Now trouble = now;
        return trouble == null || isOver(trouble, time) ? null : trouble.problem();
    }

    /** Whether the view may be current at {@code time}, as far as trouble goes. */
    boolean current(long time) {
        Now trouble = now;
        return trouble == null || isOver(trouble, time)
                || !trouble.doubt() && time - trouble.since() < MOMENT.toNanos();
    }

    private static boolean isOver(Now trouble, long time) {
        Long opened = trouble.opened();
        return opened != null && time - opened >= MOMENT.toNanos();
    }

    /** A watch is open. Returns how long the trouble was, if that ends one that was logged. */
    Optional<Duration> opened(long time) {
        Now trouble = now;
        if (trouble == null || !unproven) {
            return ended(time);
        }
        now = new Now(trouble.problem(), trouble.since(), trouble.doubt(), time);
        return Optional.empty();
    }

    /** A watch has said something that is believed. Returns how long the trouble was, if that ends one that was logged. */
    Optional<Duration> heard(long time) {
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
     * @param problem     in a line
     * @param doubt       whether the server has said what is not believed
     * @param brokenWatch whether it was a watch that was open, but had not said anything yet
     */
    void failed(String problem, boolean doubt, boolean brokenWatch, long time) {
        Now trouble = now;
        boolean another = trouble == null || isOver(trouble, time);
        now = new Now(problem, another || trouble == null ? time : trouble.since(),
                doubt || trouble != null && !another && trouble.doubt(), null);
        unproven = brokenWatch;
    }

    /** Whether to log what went wrong now: {@code sameAs} is equal for what a person would call the same. */
    boolean isNews(String sameAs, long time) {
        if (sameAs.equals(logged) && time - loggedAt < REMINDER.toNanos()) {
            return false;
        }
        logged = sameAs;
        loggedAt = time;
        return true;
    }
}
