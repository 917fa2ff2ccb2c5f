package io.sluice.proxy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Shows connections as they open and close to whoever looks. Event loops ask {@link #on} first: while nobody looks, a
 * connection costs a read of a volatile field. Nobody waits for whoever looks: what that has not taken is bounded, and what is
 * too much is counted. Any thread.
 */
public final class ConnectionTaps {

    /** The most events of one tap in about a second. */
    static final int PER_SECOND = 1_000;
    /** The most events that wait for whoever looks. */
    static final int WAITING = 1_024;

    private static final Tap[] NONE = {};
    private static final int COUNT_BITS = 20;
    /** Nanoseconds to about seconds. */
    private static final int SECOND_BITS = 30;

    private volatile Tap[] taps = NONE;

    /** What happened to a connection. */
    public enum What {
        /** An endpoint took it. */
        OPENED,
        /** It ended. */
        CLOSED
    }

    /** A connection, at the moment when that happened. */
    public record Event(What what, ConnectionDetail detail) {}

    /** Whether anybody looks. */
    public boolean on() {
        return taps.length > 0;
    }

    /**
     * Tells those who look.
     *
     * @param now nanoseconds of a monotonic clock
     */
    void tell(What what, ConnectionDetail detail, long now) {
        ConnectionView view = detail.view();
        for (Tap tap : taps) {
            if (view.id() % tap.sample == 0 && tap.filter.matches(view.id(), view.client(), view.servicePort(),
                    view.endpoint())) {
                tap.tell(new Event(what, detail), now);
            }
        }
    }

    /**
     * Begins to look.
     *
     * @param sample one of so many connections is shown, at least 1
     * @param wake   called on an event loop when there is something to take; must not wait
     */
    public synchronized Tap open(ConnectionFilter filter, int sample, Runnable wake) {
        Tap tap = new Tap(filter, sample, wake);
        Tap[] next = Arrays.copyOf(taps, taps.length + 1);
        next[taps.length] = tap;
        taps = next;
        return tap;
    }

    private synchronized void close(Tap tap) {
        taps = Arrays.stream(taps).filter(other -> other != tap).toArray(Tap[]::new);
    }

    /** Somebody who looks. */
    public final class Tap implements AutoCloseable {

        private final ConnectionFilter filter;
        private final int sample;
        private final Runnable wake;
        private final Queue<Event> queue = new ConcurrentLinkedQueue<>();
        private final AtomicInteger waiting = new AtomicInteger();
        private final AtomicLong passedOver = new AtomicLong();
        /** About a second, and how many events it has had. */
        private final AtomicLong second = new AtomicLong();

        private Tap(ConnectionFilter filter, int sample, Runnable wake) {
            this.filter = filter;
            this.sample = sample;
            this.wake = wake;
        }

        private void tell(Event event, long now) {
            if (!inTime(now)) {
                passedOver.incrementAndGet();
            } else if (waiting.incrementAndGet() > WAITING) {
                waiting.decrementAndGet();
                passedOver.incrementAndGet();
            } else {
                queue.add(event);
                wake.run();
            }
        }

        private boolean inTime(long now) {
            long window = now >>> SECOND_BITS << COUNT_BITS;
            while (true) {
                long was = second.get();
                long next = (was >>> COUNT_BITS << COUNT_BITS) == window ? was + 1 : window + 1;
                if (next - window > PER_SECOND) {
                    return false;
                }
                if (second.compareAndSet(was, next)) {
                    return true;
                }
            }
        }

        /** The next events, {@code most} of them at the most. */
        public List<Event> take(int most) {
            List<Event> taken = new ArrayList<>();
            for (@Nullable
            Event event = queue.poll(); event != null; event = queue.poll()) {
                waiting.decrementAndGet();
                taken.add(event);
                if (taken.size() == most) {
                    break;
                }
            }
            return taken;
        }

        /** How many events were passed over since the last call, because they were too many. */
        public long takePassedOver() {
            return passedOver.getAndSet(0);
        }

        /** Ends it. */
        @Override
        public void close() {
            ConnectionTaps.this.close(this);
        }
    }
}
