package io.sluice.http;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Decides which connection gives way to a new one; pure. The newest is never refused: a probe connects, asks at once and is
 * answered within a moment, while an attacker who wants to keep others out must hold connections for long.
 *
 * <p>This node and all other clients have separate limits, so that no client from outside can displace a probe of this node.
 */
final class Admission {

    /** A connection that is newer than this may not have had the time to send its request. */
    static final long GRACE_NANOS = 250_000_000;

    /** What this decision needs to know of a connection. */
    interface Held {

        /** The client that it counts against. */
        Client client();

        /** Whether the server waits for the client: for its request, for it to read an answer, for its next request. */
        boolean waitsForClient();

        /** Whether the server waits for its request. */
        boolean arriving();

        /** The time since when one waits for the other, by the {@link LoopClock}. */
        long since();
    }

    private Admission() {}

    /**
     * The connection that gives way.
     *
     * @param open     the open connections
     * @param newcomer the client of the new connection
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

    /** The connection that gives way when a descriptor is needed: never one that has sent a request, or may just be sending. */
    static <H extends Held> Optional<H> mostOverdue(Collection<H> open, long now) {
        return open.stream().filter(held -> isOverdue(held, now)).min(longestWait(now));
    }

    /** The longest wait first. */
    static Comparator<Held> longestWait(long now) {
        return Comparator.comparingLong(held -> held.since() - now);
    }

    /**
     * First connections that the server waits for. Without such, those whose request is arriving or all others, whichever are
     * more, so that neither group displaces the other. Among these, those of the client with the most connections; of these
     * the one that has waited longest, but among those that wait for the server the newest, so that older ones get done.
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
