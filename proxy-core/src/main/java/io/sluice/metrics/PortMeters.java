package io.sluice.metrics;

import static io.sluice.metrics.Family.number;
import static io.sluice.metrics.Family.numbers;

import io.sluice.metrics.DurationHistogram.Buckets;
import io.sluice.metrics.Family.Point;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.Protocol;
import io.sluice.service.ServicePortName;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.stream.Stream;
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

    /** All series of a port; those of durations, more than half of them, once there has been one. */
    static final List<Family<PortMeters>> FAMILIES = List.of(
            number(MetricCatalog.CONNECTIONS_ACTIVE, PortMeters::active),
            number(MetricCatalog.CONNECTIONS, PortMeters::total),
            number(MetricCatalog.CONNECTIONS_FAILED, port -> port.seldom.get(FAILED)),
            number(MetricCatalog.CONNECTIONS_ABORTED, port -> port.seldom.get(ABORTED)),
            numbers(MetricCatalog.CONNECTIONS_DEAD_PEER, "client", port -> port.onceCounted(DEAD_CLIENTS), "backend",
                    port -> port.onceCounted(DEAD_BACKENDS)),
            number(MetricCatalog.CONNECTIONS_KILLED, port -> port.onceCounted(ORDERED)),
            number(MetricCatalog.CONNECT_RETRIES, port -> port.seldom.get(RETRIES)),
            numbers(MetricCatalog.RELAYED_BYTES, "from_client", port -> port.fromClient.sum(), "from_backend",
                    port -> port.fromBackend.sum()),
            numbers(MetricCatalog.DATAGRAMS, "from_client", port -> port.ofDatagrams(counts -> counts.fromClient),
                    "from_backend", port -> port.ofDatagrams(counts -> counts.fromBackend)),
            number(MetricCatalog.FLOWS_GAVE_WAY, port -> port.ofDatagrams(counts -> counts.gaveWay)),
            new Family.Numbers<>(MetricCatalog.CONNECTIONS_REFUSED,
                    Stream.of(RefusalReason.values())
                            .map(why -> new Point<PortMeters>(why.label(), port -> port.seldom.get(at(why)))).toList()),
            new Family.Durations<>(MetricCatalog.CONNECT_DURATION, CONNECT_BUCKETS, port -> port.connectDuration),
            new Family.Durations<>(MetricCatalog.CONNECTION_DURATION, CONNECTION_BUCKETS,
                    port -> port.connectionDuration),
            number(MetricCatalog.ENDPOINT_EJECTIONS, port -> port.seldom.get(EJECTIONS)),
            number(MetricCatalog.ENDPOINTS_EJECTED, port -> port.ejectedNow),
            number(MetricCatalog.ENDPOINTS_UNHEALTHY, port -> unlessNegative(port.unhealthyNow)),
            numbers(MetricCatalog.HEALTH_CHECKS, "passed", port -> port.whileChecked(CHECKS_PASSED), "failed",
                    port -> port.whileChecked(CHECKS_FAILED)),
            number(MetricCatalog.ENDPOINTS_DRAINED, port -> unlessNegative(port.drainedNow)),
            new Family.Numbers<>(MetricCatalog.ENDPOINTS,
                    Stream.of(EndpointState.values()).map(
                            state -> new Point<PortMeters>(state.label(), port -> port.endpointCounts.of(state)))
                            .toList()));

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

    /** A number that most ports never have. */
    private long onceCounted(int seldomAt) {
        long count = seldom.get(seldomAt);
        return count > 0 ? count : Family.ABSENT;
    }

    private static long unlessNegative(int number) {
        return number < 0 ? Family.ABSENT : number;
    }

    private long whileChecked(int seldomAt) {
        return unhealthyNow >= 0 ? seldom.get(seldomAt) : Family.ABSENT;
    }

    private long ofDatagrams(Function<DatagramCounts, LongAdder> which) {
        return datagrams == null ? Family.ABSENT : which.apply(datagrams).sum();
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
