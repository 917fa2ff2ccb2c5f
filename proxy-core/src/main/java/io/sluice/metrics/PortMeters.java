package io.sluice.metrics;

import io.prometheus.metrics.model.snapshots.Labels;
import io.sluice.metrics.DurationHistogram.Buckets;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.Protocol;
import io.sluice.service.ServicePortName;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The counters of one Service port.
 *
 * <p>Each {@link #accepted} is followed by exactly one {@link #closed}. The counting methods are called on any event loop,
 * never block and never allocate, except that the first connection makes the histograms and the end of the last one of a
 * {@linkplain #retire retired} port hands the removal of its series to an executor. The figures may be read on any thread;
 * {@link #endpoint}, {@link #endpoints} and {@link #retire} are for the control thread.
 */
public final class PortMeters {

    private static final Buckets CONNECT_BUCKETS = Buckets.of(Duration.ofNanos(500_000), Duration.ofMillis(1),
            Duration.ofNanos(2_500_000), Duration.ofMillis(5), Duration.ofMillis(10), Duration.ofMillis(25),
            Duration.ofMillis(50), Duration.ofMillis(100), Duration.ofMillis(250), Duration.ofSeconds(1),
            Duration.ofSeconds(5));
    private static final Buckets CONNECTION_BUCKETS = Buckets.of(Duration.ofMillis(5), Duration.ofMillis(25),
            Duration.ofMillis(100), Duration.ofMillis(500), Duration.ofSeconds(2), Duration.ofSeconds(10),
            Duration.ofMinutes(1), Duration.ofMinutes(5), Duration.ofMinutes(30), Duration.ofHours(4),
            Duration.ofHours(24));

    /** Rare events are counted in one array: at these indexes, and from {@link #REFUSED} on by reason. */
    private static final int FAILED = 0;
    private static final int ABORTED = 1;
    private static final int RETRIES = 2;
    private static final int EJECTIONS = 3;
    private static final int DEAD_CLIENTS = 4;
    private static final int DEAD_BACKENDS = 5;
    private static final int ORDERED = 6;
    private static final int CHECKS_PASSED = 7;
    private static final int CHECKS_FAILED = 8;
    private static final int REFUSED = 9;

    private final ProxyMetrics owner;
    private final ServicePortName name;

    private final AtomicInteger active = new AtomicInteger();
    private final LongAdder total = new LongAdder();
    private final LongAdder fromClient = new LongAdder();
    private final LongAdder fromBackend = new LongAdder();
    private final AtomicLongArray seldom = new AtomicLongArray(REFUSED + RefusalReason.values().length);
    private volatile int ejectedNow;
    /** -1 while none was ever drained. */
    private volatile int drainedNow = -1;
    /** -1 while none is checked. */
    private volatile int unhealthyNow = -1;
    /** Of a UDP port; null for others. */
    private final @Nullable DatagramCounts datagrams;
    private final DurationHistogram connectDuration = new DurationHistogram(CONNECT_BUCKETS);
    private final DurationHistogram connectionDuration = new DurationHistogram(CONNECTION_BUCKETS);

    private final ConcurrentMap<EndpointAddress, EndpointMeters> endpoints = new ConcurrentHashMap<>();
    private volatile EndpointCounts endpointCounts = EndpointCounts.NONE;

    private volatile boolean retired;

    PortMeters(ProxyMetrics owner, ServicePortName name) {
        this.owner = owner;
        this.name = name;
        this.datagrams = name.protocol() == Protocol.UDP ? new DatagramCounts() : null;
    }

    /** What is counted of a UDP port alone. */
    private static final class DatagramCounts {
        final LongAdder fromClient = new LongAdder();
        final LongAdder fromBackend = new LongAdder();
        final LongAdder gaveWay = new LongAdder();
    }

    /** The Service port. */
    public ServicePortName name() {
        return name;
    }

    /** A connection was accepted. */
    public void accepted() {
        active.incrementAndGet();
        total.increment();
    }

    /**
     * An accepted connection ended.
     *
     * @param durationNanos from accept to close
     */
    public void closed(ConnectionOutcome outcome, long durationNanos) {
        switch (outcome) {
            case COMPLETED -> {
            }
            case CLIENT_ABORTED -> seldom.getAndIncrement(ABORTED);
            case CLIENT_DEAD -> {
                seldom.getAndIncrement(ABORTED);
                seldom.getAndIncrement(DEAD_CLIENTS);
            }
            case BACKEND_DEAD -> {
                seldom.getAndIncrement(FAILED);
                seldom.getAndIncrement(DEAD_BACKENDS);
            }
            case ORDERED -> {
                seldom.getAndIncrement(FAILED);
                seldom.getAndIncrement(ORDERED);
            }
            case FAILED -> seldom.getAndIncrement(FAILED);
        }
        connectionDuration.record(durationNanos, System.nanoTime());
        if (active.decrementAndGet() == 0 && retired) {
            owner.portDrained(this);
        }
    }

    /**
     * An endpoint took a connection.
     *
     * @param latencyNanos from accept, failed attempts included
     */
    public void connected(long latencyNanos) {
        connectDuration.record(latencyNanos, System.nanoTime());
    }

    /** An attempt failed and another endpoint is tried. */
    public void retried() {
        seldom.getAndIncrement(RETRIES);
    }

    /** An endpoint was ejected because it did not answer. */
    public void ejected() {
        seldom.getAndIncrement(EJECTIONS);
    }

    /** A health check of an endpoint has ended. */
    public void checked(boolean passed) {
        seldom.getAndIncrement(passed ? CHECKS_PASSED : CHECKS_FAILED);
    }

    /** Sets the number of endpoints that fail their health check, -1 if none is checked. Control thread. */
    public void unhealthyNow(int endpoints) {
        unhealthyNow = endpoints;
    }

    /** Sets the number of endpoints that are ejected: silent, unhealthy, or by hand. Control thread. */
    public void ejectedNow(int endpoints) {
        ejectedNow = endpoints;
    }

    /** Sets the number of endpoints that are drained by hand. Control thread. */
    public void drainedNow(int endpoints) {
        if (endpoints > 0 || drainedNow > 0) {
            drainedNow = endpoints;
        }
    }

    /** A connection was turned away. If it had been {@link #accepted}, {@link #closed} is called as well. */
    public void refused(RefusalReason reason) {
        seldom.getAndIncrement(at(reason));
    }

    /** Bytes of clients that were written to an endpoint. */
    public void bytesFromClient(long bytes) {
        fromClient.add(bytes);
    }

    /** Bytes of endpoints that were written to a client. */
    public void bytesFromBackend(long bytes) {
        fromBackend.add(bytes);
    }

    /** A datagram of a client was passed on; of a UDP port, on which a flow counts as a connection. */
    public void datagramFromClient() {
        if (datagrams != null) {
            datagrams.fromClient.increment();
        }
    }

    /** A datagram of an endpoint was passed on. */
    public void datagramFromBackend() {
        if (datagrams != null) {
            datagrams.fromBackend.increment();
        }
    }

    /** A flow of datagrams gave way to another. */
    public void gaveWay() {
        if (datagrams != null) {
            datagrams.gaveWay.increment();
        }
    }

    /** How many connections are open now; exact. */
    public int active() {
        return active.get();
    }

    /** How many connections were ever accepted. */
    public long total() {
        return total.sum();
    }

    /** How many bytes were passed on, in both directions. */
    public long bytes() {
        return fromClient.sum() + fromBackend.sum();
    }

    /** Adds how fast its endpoints were in the last while. */
    public void addTo(RecentLatency recent) {
        endpoints.values().forEach(recent::add);
    }

    /** How many accepted connections ended as {@link ConnectionOutcome#FAILED}. */
    public long failed() {
        return seldom.get(FAILED);
    }

    /**
     * The meters of an endpoint: always the same object for one address until its series were removed. Beyond the bound
     * on series the object counts as any other, but is not in the registry. Control thread.
     */
    public EndpointMeters endpoint(EndpointAddress address) {
        return owner.endpoint(this, address);
    }

    /** Sets the present endpoints, for the gauge by state. Control thread. */
    public void endpoints(EndpointSet now) {
        int ready = 0;
        int servingTerminating = 0;
        for (Endpoint endpoint : now.endpoints()) {
            if (endpoint.ready()) {
                ready++;
            } else if (endpoint.serving() && endpoint.terminating()) {
                servingTerminating++;
            }
        }
        endpointCounts =
                new EndpointCounts(ready, servingTerminating, now.endpoints().size() - ready - servingTerminating);
    }

    /**
     * The port is gone: it and its endpoints are retired. Its series leave the registry now if no connection is open,
     * else when the last one ends. If {@link ProxyMetrics#port} is asked for it before that, the same meters go on.
     * Control thread; idempotent.
     */
    public void retire() {
        owner.retire(this);
    }

    @Nullable
    EndpointMeters known(EndpointAddress address) {
        return endpoints.get(address);
    }

    Collection<EndpointMeters> knownEndpoints() {
        return endpoints.values();
    }

    void add(EndpointMeters endpoint) {
        endpoints.put(endpoint.address(), endpoint);
    }

    boolean remove(EndpointMeters endpoint) {
        return endpoints.remove(endpoint.address(), endpoint);
    }

    boolean gone() {
        return retired && active.get() == 0;
    }

    void markRetired(boolean value) {
        retired = value;
    }

    ProxyMetrics owner() {
        return owner;
    }

    private static int at(RefusalReason reason) {
        return REFUSED + switch (reason) {
            case NO_ENDPOINT -> 0;
            case CONNECT_FAILED -> 1;
            case CONNECT_TIMEOUT -> 2;
            case LIMIT -> 3;
            case SERVICE_LIMIT -> 4;
            case SOURCE_RANGE -> 5;
            case LOCAL_RESOURCES -> 6;
        };
    }

    /** The labels of its series. */
    Labels labels() {
        return Labels.of("namespace", name.service().namespace(), "port", name.port(), "service",
                name.service().name());
    }

    /** Adds its series to a scrape; those of durations, more than half of them, once there has been one. */
    void collect(Scrape into, Labels labels, long now) {
        into.gauge(MetricCatalog.CONNECTIONS_ACTIVE, labels, active.get());
        into.counter(MetricCatalog.CONNECTIONS, labels, total.sum());
        into.counter(MetricCatalog.CONNECTIONS_FAILED, labels, seldom.get(FAILED));
        into.counter(MetricCatalog.CONNECTIONS_ABORTED, labels, seldom.get(ABORTED));
        collectDead(into, labels.add("side", "client"), seldom.get(DEAD_CLIENTS));
        collectDead(into, labels.add("side", "backend"), seldom.get(DEAD_BACKENDS));
        if (seldom.get(ORDERED) > 0) {
            into.counter(MetricCatalog.CONNECTIONS_KILLED, labels, seldom.get(ORDERED));
        }
        into.counter(MetricCatalog.CONNECT_RETRIES, labels, seldom.get(RETRIES));
        into.counter(MetricCatalog.RELAYED_BYTES, labels.add("direction", "from_client"), fromClient.sum());
        into.counter(MetricCatalog.RELAYED_BYTES, labels.add("direction", "from_backend"), fromBackend.sum());
        if (datagrams != null) {
            into.counter(MetricCatalog.DATAGRAMS, labels.add("direction", "from_client"), datagrams.fromClient.sum());
            into.counter(MetricCatalog.DATAGRAMS, labels.add("direction", "from_backend"),
                    datagrams.fromBackend.sum());
            into.counter(MetricCatalog.FLOWS_GAVE_WAY, labels, datagrams.gaveWay.sum());
        }
        for (RefusalReason reason : RefusalReason.values()) {
            into.counter(MetricCatalog.CONNECTIONS_REFUSED, labels.add("reason", reason.label()),
                    seldom.get(at(reason)));
        }
        if (connectDuration.hasCounted()) {
            into.histogram(MetricCatalog.CONNECT_DURATION, labels, connectDuration, now);
        }
        if (connectionDuration.hasCounted()) {
            into.histogram(MetricCatalog.CONNECTION_DURATION, labels, connectionDuration, now);
        }
        into.counter(MetricCatalog.ENDPOINT_EJECTIONS, labels, seldom.get(EJECTIONS));
        into.gauge(MetricCatalog.ENDPOINTS_EJECTED, labels, ejectedNow);
        int unhealthy = unhealthyNow;
        if (unhealthy >= 0) {
            into.gauge(MetricCatalog.ENDPOINTS_UNHEALTHY, labels, unhealthy);
            into.counter(MetricCatalog.HEALTH_CHECKS, labels.add("result", "passed"), seldom.get(CHECKS_PASSED));
            into.counter(MetricCatalog.HEALTH_CHECKS, labels.add("result", "failed"), seldom.get(CHECKS_FAILED));
        }
        if (drainedNow >= 0) {
            into.gauge(MetricCatalog.ENDPOINTS_DRAINED, labels, drainedNow);
        }
        for (EndpointState state : EndpointState.values()) {
            into.gauge(MetricCatalog.ENDPOINTS, labels.add("state", state.label()), endpointCounts.of(state));
        }
    }

    /** Most ports never have one. */
    private static void collectDead(Scrape into, Labels labels, long count) {
        if (count > 0) {
            into.counter(MetricCatalog.CONNECTIONS_DEAD_PEER, labels, count);
        }
    }

    /** The values of the label {@code state}. */
    private enum EndpointState {
        READY("ready"), SERVING_TERMINATING("serving_terminating"), NOT_READY("not_ready");

        private final String label;

        EndpointState(String label) {
            this.label = label;
        }

        String label() {
            return label;
        }
    }

    private record EndpointCounts(int ready, int servingTerminating, int notReady) {

        static final EndpointCounts NONE = new EndpointCounts(0, 0, 0);

        int of(EndpointState state) {
            return switch (state) {
                case READY -> ready;
                case SERVING_TERMINATING -> servingTerminating;
                case NOT_READY -> notReady;
            };
        }
    }
}
