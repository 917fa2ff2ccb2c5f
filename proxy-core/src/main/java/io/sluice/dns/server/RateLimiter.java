package io.sluice.dns.server;

import java.net.InetAddress;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Limits the queries of each client: a token bucket for each address, kept as one number, the time at which it is full again
 * (the generic cell rate algorithm). Any thread, without locks; times are passed in.
 *
 * <p>Full buckets are forgotten when there are too many; if that does not help, further clients share one bucket.
 */
final class RateLimiter {

    private static final long SWEEP_INTERVAL_NANOS = 1_000_000_000L;

    private final long interval;
    private final long tolerance;
    private final int maxClients;
    private final ConcurrentMap<InetAddress, AtomicLong> fullAt = new ConcurrentHashMap<>();
    private final AtomicLong shared;
    private final AtomicLong nextSweep;

    /**
     * @param perSecond  the rate in the long run
     * @param burst      how many queries at once after silence
     * @param maxClients the most clients that are told apart
     * @param now        in nanoseconds of the clock that all calls use
     */
    RateLimiter(int perSecond, int burst, int maxClients, long now) {
        this.interval = Math.max(1, 1_000_000_000L / perSecond);
        this.tolerance = interval * burst;
        this.maxClients = maxClients;
        this.shared = new AtomicLong(now);
        this.nextSweep = new AtomicLong(now);
    }

    /** Takes a token of {@code client}'s bucket; false if it is empty. */
    boolean allow(InetAddress client, long now) {
        AtomicLong bucket = fullAt.get(client);
        if (bucket == null) {
            bucket = bucketOf(client, now);
        }
        while (true) {
            long full = bucket.get();
            long next = Math.max(full - now, 0) + interval;
            if (next > tolerance) {
                return false;
            }
            if (bucket.compareAndSet(full, now + next)) {
                return true;
            }
        }
    }

    /** The number of clients that are told apart now. */
    int clients() {
        return fullAt.size();
    }

    private AtomicLong bucketOf(InetAddress client, long now) {
        if (fullAt.size() >= maxClients) {
            long sweep = nextSweep.get();
            if (now - sweep >= 0 && nextSweep.compareAndSet(sweep, now + SWEEP_INTERVAL_NANOS)) {
                fullAt.values().removeIf(bucket -> bucket.get() - now <= 0);
            }
            if (fullAt.size() >= maxClients) {
                return shared;
            }
        }
        return fullAt.computeIfAbsent(client, address -> new AtomicLong(now));
    }
}
