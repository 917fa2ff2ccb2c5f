package io.sluice.http;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which connection gives way to a new one; pure. The newest is never refused: whoever probes connects, asks at once and
 * is answered within a moment, while whoever holds connections to keep others out must hold them for long.
 *
 * <p>This node and all others have places of their own, so that nobody from outside can displace a probe of this node.
 */
final class Admission {

    /** A younger one may still be on its way to its request: connecting and asking are two things. */
    static final long GRACE_NANOS = 250_000_000;

    /** A connection as far as this decision goes. */
    interface Held {

        /** Whom it counts for. */
        Client client();

        /** Whether we wait for the client: for its request, for it to take an answer, for its next one. */
        boolean waitsForClient();

        /** Whether it is its request that we wait for. */
        boolean arriving();

        /** Since when, or since when it waits for us, by the {@link LoopClock}. */
        long since();
    }

    private Admission() {}

    /**
     * Who gives way.
     *
     * @param open     the connections there are
     * @param newcomer who has one more
     * @param now      by the {@link LoopClock}
     */
    static <H extends Held> Optional<H> givesWay(Collection<H> open, Client newcomer, HttpLimits limits, long now) {
        Map<Client, Integer> counts = new HashMap<>();
        List<H> pool = new ArrayList<>();
        for (H held : open) {
            if (held.client().ownNode() == newcomer.ownNode()) {
                pool.add(held);
                counts.merge(held.client(), 1, Integer::sum);
            }
        }
        int mine = counts.merge(newcomer, 1, Integer::sum);
        boolean share = !newcomer.ownNode() && mine > limits.connectionsPerClient();
        if (!share && pool.size() < (newcomer.ownNode() ? limits.ownConnections() : limits.connections())) {
            return Optional.empty();
        }
        return pool.stream().filter(held -> !share || held.client().equals(newcomer)).min(order(pool, counts, now));
    }

    /** Who gives way when a descriptor is needed: nobody who is being answered or may be on the way. */
    static <H extends Held> Optional<H> mostOverdue(Collection<H> open, long now) {
        return open.stream().filter(held -> isOverdue(held, now)).min(longestWait(now));
    }

    /** Those that have waited longest come first. */
    static Comparator<Held> longestWait(long now) {
        return Comparator.comparingLong(held -> held.since() - now);
    }

    /**
     * First those that keep us waiting. If there are none, those whose request is on its way or all others, whichever are
     * more, so that neither displaces the other. Among these the client that has most; of it whoever has waited longest,
     * but of those that we keep waiting the last, so that what is nearly done gets done.
     */
    private static Comparator<Held> order(Collection<? extends Held> pool, Map<Client, Integer> counts, long now) {
        long arriving = pool.stream().filter(Held::arriving).count();
        boolean manyArrive = arriving >= pool.size() - arriving;
        return Comparator
                .<Held>comparingInt(held -> isOverdue(held, now) ? 0 : held.arriving() == manyArrive ? 1 : 2)
                .thenComparingInt(held -> -counts.getOrDefault(held.client(), 0))
                .thenComparing(held -> !held.waitsForClient())
                .thenComparingLong(held -> held.waitsForClient() ? held.since() - now : now - held.since());
    }

    private static boolean isOverdue(Held held, long now) {
        return held.waitsForClient() && now - held.since() >= GRACE_NANOS;
    }
}
