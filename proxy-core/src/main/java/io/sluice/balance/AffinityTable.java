package io.sluice.balance;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import java.net.InetAddress;
import java.util.Collection;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The last endpoint of each client address, for {@code sessionAffinity: ClientIP}.
 *
 * <p>The number of clients is bounded: a new client beyond it replaces, of a small sample, the one that was seen longest ago.
 * A client that is known costs neither a lock nor an object. Any thread; {@link #forget} and {@link #sweep} are for the
 * control thread.
 */
public final class AffinityTable {

    /** The size of the sample of which the client that was seen longest ago makes room. */
    private static final int SAMPLE = 8;

    /** One client's endpoint. Only the time changes, and the index at which the endpoint was found last. */
    static final class Entry {
        private final EndpointAddress address;
        private final @Nullable String pod;
        private volatile long seen;
        /** A hint that is checked before it is used: event loops may overwrite each other's. */
        private int index;

        private Entry(Endpoint endpoint, long seen) {
            this.address = endpoint.address();
            this.pod = endpoint.target();
            this.seen = seen;
        }

        EndpointAddress address() {
            return address;
        }

        @Nullable
        String pod() {
            return pod;
        }

        /** The client has connected again. */
        void seen(long now) {
            seen = now;
        }

        int index() {
            return index;
        }

        void index(int found) {
            index = found;
        }
    }

    private final int capacity;
    private final ConcurrentHashMap<InetAddress, Entry> clients = new ConcurrentHashMap<>();
    private final AtomicInteger size = new AtomicInteger();
    private final AtomicBoolean makingRoom = new AtomicBoolean();
    /** Where the search for old entries goes on; guarded by {@link #makingRoom}. */
    private @Nullable Iterator<Map.Entry<InetAddress, Entry>> hand;

    /**
     * An empty table.
     *
     * @param capacity the most clients that are remembered, at least 1
     */
    public AffinityTable(int capacity) {
        this.capacity = capacity;
    }

    /** How many clients are remembered, those that are out of date included. */
    public int size() {
        return size.get();
    }

    /** The entry of {@code client}; null without one, or if it was last seen {@code timeout} nanoseconds ago or longer. */
    @Nullable
    Entry find(InetAddress client, long timeout, long now) {
        Entry entry = clients.get(client);
        return entry == null || now - entry.seen >= timeout ? null : entry;
    }

    /** Remembers that {@code client} goes to {@code endpoint}. */
    void remember(InetAddress client, Endpoint endpoint, long now) {
        Entry known = clients.get(client);
        if (known != null && known.address.equals(endpoint.address())) {
            known.seen = now;
            return;
        }
        if (clients.put(client, new Entry(endpoint, now)) == null && size.incrementAndGet() > capacity) {
            makeRoom();
        }
    }

    private void makeRoom() {
        if (!makingRoom.compareAndSet(false, true)) {
            return;
        }
        try {
            while (size.get() > capacity) {
                removeOneOfAFew();
            }
        } finally {
            makingRoom.set(false);
        }
    }

    private void removeOneOfAFew() {
        Iterator<Map.Entry<InetAddress, Entry>> from = hand;
        InetAddress oldest = null;
        Entry oldestEntry = null;
        for (int i = 0; i < SAMPLE; i++) {
            if (from == null || !from.hasNext()) {
                from = clients.entrySet().iterator();
                if (!from.hasNext()) {
                    break;
                }
            }
            Map.Entry<InetAddress, Entry> next = from.next();
            if (oldestEntry == null || next.getValue().seen - oldestEntry.seen < 0) {
                oldest = next.getKey();
                oldestEntry = next.getValue();
            }
        }
        hand = from;
        if (oldest != null && oldestEntry != null && clients.remove(oldest, oldestEntry)) {
            size.decrementAndGet();
        }
    }

    /** Drops the clients of these endpoints. */
    void forget(Collection<EndpointAddress> gone) {
        removeIf(entry -> gone.contains(entry.address));
    }

    /** Drops clients that were last seen {@code timeout} nanoseconds ago or longer. */
    public void sweep(long timeout, long now) {
        removeIf(entry -> now - entry.seen >= timeout);
    }

    private void removeIf(java.util.function.Predicate<Entry> outdated) {
        clients.forEach((client, entry) -> {
            if (outdated.test(entry) && clients.remove(client, entry)) {
                size.decrementAndGet();
            }
        });
    }
}
