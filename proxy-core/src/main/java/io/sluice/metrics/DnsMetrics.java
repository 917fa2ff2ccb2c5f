package io.sluice.metrics;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/**
 * The counters of the DNS server; names have the meaning that CoreDNS gives them. Any thread; never blocks.
 *
 * <p>Labels come from small fixed sets: zones of our own and {@code .} for all else, known record types, rcodes,
 * configured upstreams. Nothing that a client writes becomes a label.
 */
public final class DnsMetrics {

    private static final Duration[] DURATIONS = durations();
    private static final Duration[] UPDATE_DURATIONS = {Duration.ofMillis(1), Duration.ofMillis(5),
            Duration.ofMillis(25), Duration.ofMillis(100), Duration.ofMillis(500), Duration.ofSeconds(2)};
    private static final double[] SIZES =
            {100, 200, 300, 400, 511, 1_023, 2_047, 4_095, 8_191, 16_000, 32_000, 48_000, 64_000};

    private final MeterRegistry registry;
    private final ConcurrentMap<RequestKey, Counter> requests = new ConcurrentHashMap<>();
    private final ConcurrentMap<ResponseKey, Counter> responses = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, Timer> durations = new ConcurrentHashMap<>();
    private final ConcurrentMap<ResponseKey, Timer> upstreams = new ConcurrentHashMap<>();
    private final ConcurrentMap<String, Counter> upstreamFailures = new ConcurrentHashMap<>();
    private final Map<Protocol, DistributionSummary> requestSizes = new EnumMap<>(Protocol.class);
    private final Map<Protocol, DistributionSummary> responseSizes = new EnumMap<>(Protocol.class);
    private final Map<Drop, Counter> dropped = new EnumMap<>(Drop.class);
    private final Counter cacheRequests;
    private final Counter cacheHits;
    private final Counter cacheDenialHits;
    private final Counter cacheEvictions;
    private final Counter upstreamRejects;
    private final Timer updates;

    /** Why a query was not answered, or a connection not served. */
    public enum Drop {
        /** The client is in no range of {@code --dns-allow}. */
        NOT_ALLOWED,
        /** The client asked more often than it may. */
        RATE_LIMIT,
        /** Too many TCP connections, in all or of this client. */
        CONNECTION_LIMIT,
        /** Not a query: too short, or itself a reply. */
        MALFORMED,
        /** The socket takes no more replies for now. */
        CONGESTED
    }

    private record RequestKey(String zone, Protocol protocol, IpFamily family, String type) {}

    private record ResponseKey(String place, String rcode) {}

    /** Registers the meters; those with labels appear when they are first counted. */
    public DnsMetrics(MeterRegistry registry) {
        this.registry = registry;
        for (Protocol protocol : new Protocol[] {Protocol.UDP, Protocol.TCP}) {
            requestSizes.put(protocol, MetricCatalog.DNS_REQUEST_SIZE.summary(registry, SIZES, word(protocol)));
            responseSizes.put(protocol, MetricCatalog.DNS_RESPONSE_SIZE.summary(registry, SIZES, word(protocol)));
        }
        for (Drop reason : Drop.values()) {
            dropped.put(reason, MetricCatalog.DNS_DROPPED.counter(registry, word(reason)));
        }
        cacheRequests = MetricCatalog.DNS_CACHE_REQUESTS.counter(registry);
        cacheHits = MetricCatalog.DNS_CACHE_HITS.counter(registry, "success");
        cacheDenialHits = MetricCatalog.DNS_CACHE_HITS.counter(registry, "denial");
        cacheEvictions = MetricCatalog.DNS_CACHE_EVICTIONS.counter(registry);
        upstreamRejects = MetricCatalog.DNS_UPSTREAM_REJECTS.counter(registry);
        updates = MetricCatalog.DNS_UPDATE_DURATION.timer(registry, UPDATE_DURATIONS);
    }

    /**
     * Registers gauges that are read at each scrape. Called once.
     *
     * @param names        the number of names in our zones
     * @param connections  the number of open TCP connections
     * @param cacheEntries the number of cached answers of upstreams
     */
    public void gauges(IntSupplier names, IntSupplier connections, IntSupplier cacheEntries) {
        MetricCatalog.DNS_NAMES.gauge(registry, names::getAsInt);
        MetricCatalog.DNS_CONNECTIONS_ACTIVE.gauge(registry, connections::getAsInt);
        MetricCatalog.DNS_CACHE_ENTRIES.gauge(registry, cacheEntries::getAsInt);
    }

    /**
     * A query was answered.
     *
     * @param zone          one of our zones, {@code .} or {@code dropped}
     * @param protocol      UDP or TCP
     * @param type          of the question, {@code other} for those without a well-known name
     * @param requestBytes  of the query
     * @param responseBytes of the reply
     * @param nanos         from receiving to handing the reply to the socket
     */
    public void answered(String zone, Protocol protocol, IpFamily family, String type, String rcode, int requestBytes,
            int responseBytes, long nanos) {
        requests.computeIfAbsent(new RequestKey(zone, protocol, family, type), this::requests).increment();
        responses.computeIfAbsent(new ResponseKey(zone, rcode), this::responses).increment();
        durations.computeIfAbsent(zone, this::duration).record(nanos, TimeUnit.NANOSECONDS);
        Objects.requireNonNull(requestSizes.get(protocol)).record(requestBytes);
        Objects.requireNonNull(responseSizes.get(protocol)).record(responseBytes);
    }

    /** A query or a connection was not answered. */
    public void dropped(Drop reason) {
        Objects.requireNonNull(dropped.get(reason)).increment();
    }

    /** A lookup in the cache found no answer. */
    public void cacheMiss() {
        cacheRequests.increment();
    }

    /**
     * A lookup in the cache found the answer.
     *
     * @param denial whether the answer is negative (NXDOMAIN or no data)
     */
    public void cacheHit(boolean denial) {
        cacheRequests.increment();
        (denial ? cacheDenialHits : cacheHits).increment();
    }

    /** The cache evicted an answer before its TTL had passed. */
    public void cacheEviction() {
        cacheEvictions.increment();
    }

    /**
     * An upstream answered, or did not.
     *
     * @param to    its address
     * @param rcode of its answer, or {@code timeout} or {@code error}
     */
    public void upstream(String to, String rcode, long nanos) {
        upstreams.computeIfAbsent(new ResponseKey(to, rcode),
                key -> MetricCatalog.DNS_UPSTREAM_DURATION.timer(registry, DURATIONS, key.place(), key.rcode()))
                .record(nanos, TimeUnit.NANOSECONDS);
    }

    /** A health check of the upstream at {@code to} was not answered. */
    public void upstreamCheckFailed(String to) {
        upstreamFailures.computeIfAbsent(to,
                address -> MetricCatalog.DNS_UPSTREAM_FAILURES.counter(registry, address)).increment();
    }

    /** A query was refused because too many wait for upstreams. */
    public void upstreamRejected() {
        upstreamRejects.increment();
    }

    /** A zone was made. */
    public void updated(long nanos) {
        updates.record(nanos, TimeUnit.NANOSECONDS);
    }

    private Counter requests(RequestKey key) {
        return MetricCatalog.DNS_REQUESTS.counter(registry, key.zone(), word(key.protocol()),
                key.family() == IpFamily.IPV4 ? "1" : "2", key.type());
    }

    private Counter responses(ResponseKey key) {
        return MetricCatalog.DNS_RESPONSES.counter(registry, key.place(), key.rcode());
    }

    private Timer duration(String zone) {
        return MetricCatalog.DNS_REQUEST_DURATION.timer(registry, DURATIONS, zone);
    }

    private static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }

    /** From 10 µs, because answers from memory take that long, to 5 s. */
    private static Duration[] durations() {
        long[] micros = {10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000,
                500_000, 1_000_000, 2_500_000, 5_000_000};
        Duration[] buckets = new Duration[micros.length];
        for (int i = 0; i < micros.length; i++) {
            buckets[i] = Duration.ofNanos(micros[i] * 1_000);
        }
        return buckets;
    }
}
