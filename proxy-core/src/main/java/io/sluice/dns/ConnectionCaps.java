package io.sluice.dns;

import java.net.InetAddress;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;

/** How many TCP connections are open, in all and of each client. Any thread. */
final class ConnectionCaps {

    private final int max;
    private final int maxPerClient;
    private final AtomicInteger open = new AtomicInteger();
    private final ConcurrentMap<InetAddress, Integer> byClient = new ConcurrentHashMap<>();

    ConnectionCaps(int max, int maxPerClient) {
        this.max = max;
        this.maxPerClient = maxPerClient;
    }

    /** Counts a connection of {@code client}, if there may be one more. */
    boolean admit(InetAddress client) {
        if (open.incrementAndGet() > max) {
            open.decrementAndGet();
            return false;
        }
        if (byClient.merge(client, 1, Integer::sum) > maxPerClient) {
            release(client);
            return false;
        }
        return true;
    }

    /** Forgets a connection that was admitted. */
    void release(InetAddress client) {
        byClient.computeIfPresent(client, (address, count) -> count == 1 ? null : count - 1);
        open.decrementAndGet();
    }

    /** How many are open. */
    int open() {
        return open.get();
    }
}
