package io.sluice.simulation;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Time, chance and what happens next: one queue of events, which one thread takes in their order. A history is the same for
 * the same {@link Plan}.
 */
public final class World {

    /** What is kept of a history. */
    private static final int LINES = 400;
    /** More events than any history needs: one that reaches this goes round in circles. */
    private static final int MOST_EVENTS = 300_000;
    private static final Instant BEGINNING = Instant.parse("2026-03-01T00:00:00Z");

    private record Event(long at, long order, Runnable what) {}

    private final Plan plan;
    private final boolean recorded;
    private final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
    private final Deque<String> history = new ArrayDeque<>();
    private long now = Duration.ofHours(1).toNanos();
    private Duration wallOffset = Duration.ZERO;
    private long order;
    private int happened;
    private @Nullable AssertionError broken;

    World(Plan plan, boolean recorded) {
        this.plan = plan;
        this.recorded = recorded;
    }

    /** One in which nothing happens by itself, for a test of a part. */
    public static World calm() {
        return new World(new Plan(0, Set.of(), 0), false);
    }

    /** Whether faults of a class happen in this history. */
    public boolean has(FaultClass fault) {
        return plan.faults().contains(fault);
    }

    /** Chance for one purpose: what is drawn for one does not change what is drawn for another. */
    public RandomGenerator random(String purpose) {
        return new SplittableRandom(plan.seed() * 31 + purpose.hashCode());
    }

    /** Nanoseconds of the monotonic clock. */
    public long nanoTime() {
        return now;
    }

    /** The wall clock, which may step. */
    public Instant now() {
        return BEGINNING.plusNanos(now).plus(wallOffset);
    }

    /** Steps the wall clock. */
    public void step(Duration by) {
        wallOffset = wallOffset.plus(by);
    }

    /** Lets something happen after {@code nanos}. */
    public void after(long nanos, Runnable what) {
        events.add(new Event(now + Math.max(0, nanos), order++, what));
    }

    /** Writes a line of the history; {@code line} is only made when the history is to be read. */
    public void note(Supplier<String> line) {
        if (recorded) {
            if (history.size() == LINES) {
                history.remove();
            }
            history.add("%10.3f  %s".formatted((now - Duration.ofHours(1).toNanos()) / 1e9, line.get()));
        }
    }

    /** A rule is broken: the history ends with the present event. */
    public void broken(String rule) {
        broken(new AssertionError(rule));
    }

    /** The same for something that was thrown. */
    public void broken(AssertionError rule) {
        if (broken == null) {
            broken = rule;
            note(() -> "BROKEN " + rule.getMessage());
        }
    }

    /** Checks a rule. */
    public void check(boolean kept, Supplier<String> rule) {
        if (!kept) {
            broken(rule.get());
        }
    }

    /** Lets time go by; {@code each} is called after every event. */
    public void run(long nanos, Runnable each) {
        long until = now + nanos;
        while (!events.isEmpty() && events.peek().at() <= until) {
            Event event = events.remove();
            now = event.at();
            event.what().run();
            each.run();
            String fault = FaultLog.take();
            check(fault == null, () -> String.valueOf(fault));
            check(++happened < MOST_EVENTS, () -> "no end is in sight: " + MOST_EVENTS + " events");
            if (broken != null) {
                throw broken;
            }
        }
        now = until;
    }

    /** The last lines of the history. */
    List<String> history() {
        return List.copyOf(history);
    }
}
