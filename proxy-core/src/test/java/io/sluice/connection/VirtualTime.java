package io.sluice.connection;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Supplier;

/** A clock that stands still while things happen and jumps to the next of them: one seed, one order of events. */
class VirtualTime {

    private record Event(long at, long order, Runnable action) implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(at, other.at);
            return byTime != 0 ? byTime : Long.compare(order, other.order);
        }
    }

    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final List<String> log = new ArrayList<>();
    private final boolean logged;
    private long now;
    private long order;

    /** At a time of its own, so that nothing can take 0 for "now". */
    VirtualTime(boolean logged) {
        this.logged = logged;
        this.now = 1_000_000_000_000L;
    }

    long now() {
        return now;
    }

    void after(long delay, Runnable action) {
        at(now() + delay, action);
    }

    void at(long time, Runnable action) {
        events.add(new Event(Math.max(time, now), order++, action));
    }

    /** Runs what is next; false if nothing is left. */
    boolean step() {
        Event next = events.poll();
        if (next == null) {
            return false;
        }
        now = next.at();
        next.action().run();
        return true;
    }

    void log(Supplier<String> line) {
        if (logged) {
            log.add("%,d %s".formatted(now - 1_000_000_000_000L, line.get()));
        }
    }

    List<String> log() {
        return log;
    }
}
