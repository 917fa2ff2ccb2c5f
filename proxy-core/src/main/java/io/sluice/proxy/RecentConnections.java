package io.sluice.proxy;

import org.jspecify.annotations.Nullable;

/** The last connections that have ended on one event loop, a bounded number: the oldest gives way. Lives on that event loop. */
final class RecentConnections {

    /** How many all event loops keep together: some 2 MB. */
    static final int ALL = 10_000;

    private final @Nullable EndedConnection[] ring;
    private int next;

    /**
     * Keeps none yet.
     *
     * @param capacity at least 1
     */
    RecentConnections(int capacity) {
        ring = new EndedConnection[capacity];
    }

    void add(EndedConnection ended) {
        ring[next] = ended;
        next = next + 1 == ring.length ? 0 : next + 1;
    }

    /** The newest that is meant; null for none. */
    @Nullable
    EndedConnection newest(ConnectionFilter filter) {
        for (int i = 1; i <= ring.length; i++) {
            EndedConnection ended = ring[Math.floorMod(next - i, ring.length)];
            if (ended == null) {
                return null;
            }
            if (filter.matches(ended.id(), ended.client(), ended.port(), ended.endpoint())) {
                return ended;
            }
        }
        return null;
    }
}
