package io.sluice.liveness;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Decides from samples of progress which threads are stalled. Pure: times are passed in.
 *
 * <p>Time is counted by looks: between two of them never more than twice the time that should have passed. While the whole
 * machine or process stands still (suspended, SIGSTOP, a pause of the garbage collector, no CPU time), there are no looks
 * either, so this time does not count against a thread.
 */
final class StallDetector {

    /**
     * A thread at one look.
     *
     * @param progress differs from the last look's if it has made progress
     * @param busy     whether it has something to do
     * @param waitsFor what it waits for outside this process, or null
     * @param ended    whether it has ended
     */
    record Sample(ThreadKind kind, String thread, long progress, boolean busy, @Nullable String waitsFor,
            boolean ended) {}

    /** A stall has begun, or is {@code over}, after {@code lasted}. */
    record Change(Stall stall, boolean over, Duration lasted) {}

    /** The state of a thread since it last made progress. */
    private static final class Seen {
        final long progress;
        /** In counted time. */
        final long at;
        final boolean ended;
        @Nullable
        Stall stall;

        Seen(long progress, long at, boolean ended) {
            this.progress = progress;
            this.at = at;
            this.ended = ended;
        }
    }

    private final long timeout;
    private final long longestStep;
    private Map<String, Seen> seen = new HashMap<>();
    private long counted;
    private long last;
    private boolean first = true;

    /**
     * Has looked at nothing yet.
     *
     * @param timeout  a thread that makes no progress for longer is stalled
     * @param interval the time between two looks, unless everything stands still
     */
    StallDetector(Duration timeout, Duration interval) {
        this.timeout = timeout.toNanos();
        this.longestStep = 2 * interval.toNanos();
    }

    /**
     * Looks at all threads.
     *
     * @param nanos as of {@link System#nanoTime}
     * @param now   the same moment, for messages
     * @return stalls that begin and end with this look; a thread that is no longer watched counts as going on
     */
    List<Change> look(long nanos, Instant now, List<Sample> samples) {
        counted += first ? 0 : Math.min(nanos - last, longestStep);
        first = false;
        last = nanos;
        List<Change> changes = new ArrayList<>();
        Map<String, Seen> next = new HashMap<>();
        for (Sample sample : samples) {
            Seen before = seen.remove(sample.thread());
            boolean same = before != null && before.progress == sample.progress() && before.ended == sample.ended()
                    && (sample.busy() || sample.ended());
            Seen after = same && before != null ? before : new Seen(sample.progress(), counted, sample.ended());
            next.put(sample.thread(), after);
            if (before != null && !same) {
                over(before, changes);
            }
            long still = counted - after.at;
            // Only the second look shows that a thread has ended for good: the daemon may be about to end.
            if (after.stall == null && (sample.ended() ? same : still > timeout)) {
                after.stall = new Stall(sample.kind(), sample.thread(), now.minusNanos(still),
                        sample.waitsFor(), sample.ended());
                changes.add(new Change(after.stall, false, Duration.ofNanos(still)));
            }
        }
        seen.values().forEach(gone -> over(gone, changes));
        seen = next;
        return changes;
    }

    private void over(Seen before, List<Change> changes) {
        if (before.stall != null) {
            changes.add(new Change(before.stall, true, Duration.ofNanos(counted - before.at)));
        }
    }

    /** For how long the thread has made no progress, in counted time; zero if it is not watched. */
    Duration still(String thread) {
        Seen of = seen.get(thread);
        return of == null ? Duration.ZERO : Duration.ofNanos(counted - of.at);
    }

    /** The stalls that last. */
    List<Stall> stalls() {
        List<Stall> stalls = new ArrayList<>();
        for (Seen each : seen.values()) {
            if (each.stall != null) {
                stalls.add(each.stall);
            }
        }
        stalls.sort((a, b) -> a.thread().compareTo(b.thread()));
        return List.copyOf(stalls);
    }
}
