package io.sluice.dns.server;

import java.net.InetAddress;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Limits TCP connections, in all and of each client; at a limit the connection that has been idle for longest gives way to a
 * new one (RFC 7766 §6.2.3). Any thread; the lock is held for one step in a table, never while anything is waited for.
 */
final class ConnectionCaps {

    private final int max;
    private final int maxPerClient;
    private final Set<Slot> slots = new LinkedHashSet<>();
    private final Map<InetAddress, Integer> byClient = new HashMap<>();

    ConnectionCaps(int max, int maxPerClient) {
        this.max = max;
        this.maxPerClient = maxPerClient;
    }

    /** The slot of one connection, which counts as busy until {@link #idle} is called. Any thread. */
    final class Slot {

        private final InetAddress client;
        private final boolean own;
        private final Runnable giveWay;
        private volatile boolean idle;
        private volatile long idleSince;

        private Slot(InetAddress client, boolean own, Runnable giveWay) {
            this.client = client;
            this.own = own;
            this.giveWay = giveWay;
        }

        /** Since {@code now} no query waits and no reply is on its way to the client. */
        void idle(long now) {
            idleSince = now;
            idle = true;
        }

        /** A query has arrived. */
        void busy() {
            idle = false;
        }

        /** Forgets the connection; does nothing if it has given way already. */
        void release() {
            synchronized (ConnectionCaps.this) {
                remove(this);
            }
        }
    }

    /**
     * Counts a connection of {@code client}, if one more is allowed.
     *
     * @param own     whether the client is this machine: many programs have that address, so only the limit for all counts
     * @param giveWay closes the connection as soon as it is idle; called at most once, by any thread
     * @return null if no more is allowed
     */
    @Nullable
    Slot admit(InetAddress client, boolean own, Runnable giveWay) {
        Slot victim = null;
        Slot slot = new Slot(client, own, giveWay);
        synchronized (this) {
            boolean ofClient = !own && byClient.getOrDefault(client, 0) >= maxPerClient;
            if (ofClient || slots.size() >= max) {
                victim = longestIdle(ofClient ? client : null);
                if (victim == null) {
                    return null;
                }
                remove(victim);
            }
            slots.add(slot);
            if (!own) {
                byClient.merge(client, 1, Integer::sum);
            }
        }
        if (victim != null) {
            victim.giveWay.run();
        }
        return slot;
    }

    private @Nullable Slot longestIdle(@Nullable InetAddress client) {
        Slot longest = null;
        for (Slot slot : slots) {
            if (slot.idle && (client == null || !slot.own && slot.client.equals(client))
                    && (longest == null || slot.idleSince - longest.idleSince < 0)) {
                longest = slot;
            }
        }
        return longest;
    }

    private void remove(Slot slot) {
        if (slots.remove(slot) && !slot.own) {
            byClient.computeIfPresent(slot.client, (address, count) -> count == 1 ? null : count - 1);
        }
    }

    /** The number of open connections. */
    synchronized int open() {
        return slots.size();
    }
}
