package io.sluice.dns.forward;

import io.sluice.dns.wire.Question;
import io.sluice.dns.wire.UpstreamMessage;
import io.sluice.metrics.DnsMetrics;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Answers of upstreams, each kept as long as its TTL; the least recently used is dropped first. Any thread; the lock
 * is held for one step in a table, never while anything is waited for.
 */
final class ReplyCache {

    /**
     * An answer.
     *
     * @param at when it arrived, in nanoseconds
     */
    record Entry(UpstreamMessage message, long at) {

        long ageSeconds(long now) {
            return TimeUnit.NANOSECONDS.toSeconds(now - at);
        }

        boolean expired(long now) {
            return now - at >= TimeUnit.SECONDS.toNanos(message.lifetime());
        }
    }

    private final int maxEntries;
    private final int maxBytes;
    private final DnsMetrics metrics;
    private final LinkedHashMap<Question, Entry> entries = new LinkedHashMap<>(64, 0.75f, true);
    private int bytes;

    ReplyCache(int maxEntries, int maxBytes, DnsMetrics metrics) {
        this.maxEntries = maxEntries;
        this.maxBytes = maxBytes;
        this.metrics = metrics;
    }

    /** The answer to {@code question} that is still valid at {@code now}; null for none. */
    @Nullable
    Entry get(Question question, long now) {
        Entry entry = find(question, now);
        if (entry == null) {
            metrics.cacheMiss();
        } else {
            metrics.cacheHit(entry.message().denial());
        }
        return entry;
    }

    private synchronized @Nullable Entry find(Question question, long now) {
        Entry entry = entries.get(question);
        if (entry != null && entry.expired(now)) {
            entries.remove(question);
            bytes -= entry.message().size();
            return null;
        }
        return entry;
    }

    /** Keeps {@code message}, if it may be cached. */
    synchronized void put(Question question, UpstreamMessage message, long now) {
        if (message.lifetime() == 0 || message.size() > maxBytes / 16) {
            return;
        }
        Entry before = entries.put(question, new Entry(message, now));
        bytes += message.size() - (before == null ? 0 : before.message().size());
        Iterator<Entry> eldest = entries.values().iterator();
        while (entries.size() > maxEntries || bytes > maxBytes) {
            Entry leaving = eldest.next();
            eldest.remove();
            bytes -= leaving.message().size();
            if (!leaving.expired(now)) {
                metrics.cacheEviction();
            }
        }
    }

    /** Forgets everything. */
    synchronized void clear() {
        entries.clear();
        bytes = 0;
    }

    /** How many answers are kept. */
    synchronized int size() {
        return entries.size();
    }
}
