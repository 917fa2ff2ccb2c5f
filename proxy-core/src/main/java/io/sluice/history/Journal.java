package io.sluice.history;

import io.sluice.service.ServiceName;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The last events, a bounded number of them: the oldest gives way to the newest. Any thread; whoever reads waits for nobody and
 * holds up nobody.
 */
public final class Journal {

    /** How many events a daemon keeps. */
    public static final int CAPACITY = 10_000;

    private final Clock clock;
    private final AtomicReferenceArray<@Nullable Event> ring;
    private final long first;
    private final Set<Runnable> followers = ConcurrentHashMap.newKeySet();
    private volatile long next;

    /**
     * Has no event yet. Numbers begin with the time in microseconds, so that those of the next process are greater.
     *
     * @param capacity the most events that it keeps
     */
    public Journal(int capacity, Clock clock) {
        this.clock = clock;
        this.ring = new AtomicReferenceArray<>(capacity);
        this.first = TimeUnit.MILLISECONDS.toMicros(clock.millis());
        this.next = first;
    }

    /** A journal of {@value #CAPACITY} events. */
    public Journal() {
        this(CAPACITY, Clock.systemUTC());
    }

    /** Appends an event that happens now, and calls those that follow. */
    public void record(Change change) {
        synchronized (ring) {
            long id = next;
            ring.set(slot(id), new Event(id, clock.instant(), change));
            next = id + 1;
        }
        followers.forEach(Runnable::run);
    }

    /**
     * Calls {@code follower} after each event, on the thread that records it: it must not wait. Until {@link #unfollow}.
     */
    public void follow(Runnable follower) {
        followers.add(follower);
    }

    /** Ends {@link #follow}. */
    public void unfollow(Runnable follower) {
        followers.remove(follower);
    }

    /** The number of the newest event; without any, the greatest of earlier processes. */
    public long newest() {
        return next - 1;
    }

    /**
     * Which events are asked for.
     *
     * @param after     only events with a greater number
     * @param notBefore only events of this time or later
     * @param namespace only those of this namespace and of the daemon itself; null for all
     * @param service   only those of Services of this name; null for all
     */
    public record Wanted(long after, Instant notBefore, @Nullable String namespace, @Nullable String service) {

        /** Everything. */
        public static final Wanted ALL = new Wanted(0, Instant.MIN, null, null);

        /** The same, after another event. */
        public Wanted after(long id) {
            return new Wanted(id, notBefore, namespace, service);
        }

        /** Of an event after {@link #after}. */
        boolean has(Event event) {
            ServiceName of = event.change().service();
            return !event.at().isBefore(notBefore)
                    && (namespace == null || of == null || of.namespace().equals(namespace))
                    && (service == null || of != null && of.name().equals(service));
        }
    }

    /**
     * Some events.
     *
     * @param events the oldest first
     * @param last   the number after which the next page begins
     * @param more   whether there are more now, after these
     * @param lost   how many events after {@link Wanted#after} are gone, as newer ones took their place; 0 if it names no event
     *               of this process
     */
    public record Page(List<Event> events, long last, boolean more, long lost) {
        public Page {
            events = List.copyOf(events);
        }
    }

    /** The first events of those that are wanted, {@code limit} at the most. */
    public Page first(Wanted asked, int limit) {
        long end = next;
        // A number of the future is one of another process, on a clock that was wrong.
        Wanted wanted = asked.after() < end ? asked : asked.after(0);
        long oldest = Math.max(first, end - ring.length());
        long lost = wanted.after() >= first ? Math.max(0, oldest - 1 - wanted.after()) : 0;
        List<Event> events = new ArrayList<>();
        for (long id = Math.max(oldest, wanted.after() + 1); id < end; id++) {
            Event event = ring.get(slot(id));
            if (event == null || event.id() != id) {
                lost++;
            } else if (wanted.has(event)) {
                if (events.size() == limit) {
                    return new Page(events, id - 1, true, lost);
                }
                events.add(event);
            }
        }
        return new Page(events, Math.max(end - 1, wanted.after()), false, lost);
    }

    /** The last events of those that are wanted, {@code limit} at the most. */
    public Page last(Wanted wanted, int limit) {
        Page all = first(wanted, Integer.MAX_VALUE);
        int size = all.events().size();
        return new Page(all.events().subList(Math.max(0, size - limit), size), all.last(), false, all.lost());
    }

    private int slot(long id) {
        return Math.floorMod(id, ring.length());
    }
}
