package io.sluice.metrics;

import static java.util.Objects.requireNonNull;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.ServicePortName;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What is counted of one Service port.
 *
 * <p>Each {@link #accepted} is followed by exactly one {@link #closed}. The counting methods are called on any event
 * loop, never block and never allocate, except that the end of the last connection of a {@linkplain #retire retired}
 * port hands the removal of its series to an executor. The figures may be read on any thread; {@link #endpoint},
 * {@link #endpoints} and {@link #retire} are for the control thread.
 */
public final class PortMeters {

    static final Tags FROM_CLIENT = Tags.of("direction", "from_client");
    static final Tags FROM_BACKEND = Tags.of("direction", "from_backend");

    private static final Duration[] CONNECT_BUCKETS = {Duration.ofNanos(500_000), Duration.ofMillis(1),
            Duration.ofNanos(2_500_000), Duration.ofMillis(5), Duration.ofMillis(10), Duration.ofMillis(25),
            Duration.ofMillis(50), Duration.ofMillis(100), Duration.ofMillis(250), Duration.ofSeconds(1),
            Duration.ofSeconds(5)};
    private static final Duration[] CONNECTION_BUCKETS = {Duration.ofMillis(5), Duration.ofMillis(25),
            Duration.ofMillis(100), Duration.ofMillis(500), Duration.ofSeconds(2), Duration.ofSeconds(10),
            Duration.ofMinutes(1), Duration.ofMinutes(5), Duration.ofMinutes(30), Duration.ofHours(4),
            Duration.ofHours(24)};

    private final ProxyMetrics owner;
    private final ServicePortName name;

    private final AtomicInteger active = new AtomicInteger();
    private final LongAdder total = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder aborted = new LongAdder();
    private final LongAdder retries = new LongAdder();
    private final LongAdder ejections = new LongAdder();
    private volatile int ejectedNow;
    private final LongAdder fromClient = new LongAdder();
    private final LongAdder fromBackend = new LongAdder();
    private final EnumMap<RefusalReason, LongAdder> refused = new EnumMap<>(RefusalReason.class);
    private final Timer connectDuration;
    private final Timer connectionDuration;

    private final ConcurrentMap<EndpointAddress, EndpointMeters> endpoints = new ConcurrentHashMap<>();
    private volatile EndpointCounts endpointCounts = new EndpointCounts(0, 0, 0);

    private final Tags tags;
    private final MeterGroup series;
    private volatile boolean retired;

    /** Registers its series; under the owner's lock. */
    PortMeters(ProxyMetrics owner, ServicePortName name, MeterRegistry registry) {
        this.owner = owner;
        this.name = name;
        this.tags = Tags.of("namespace", name.service().namespace(), "service", name.service().name(), "port",
                name.port());
        this.series = new MeterGroup(registry, tags);
        series.gauge("sluice.connections.active", "Connections that are open", active, AtomicInteger::get);
        series.counter("sluice.connections", "Connections that were accepted", total);
        series.counter("sluice.connections.failed",
                "Accepted connections that no endpoint took, or that the endpoint, a timeout or the proxy broke",
                failed);
        series.counter("sluice.connections.aborted", "Accepted connections that the client reset or left early",
                aborted);
        series.counter("sluice.connect.retries", "Endpoints that were tried after another had failed", retries);
        series.counter("sluice.relayed.bytes", "Bytes that were passed on", FROM_CLIENT, fromClient);
        series.counter("sluice.relayed.bytes", "Bytes that were passed on", FROM_BACKEND, fromBackend);
        for (RefusalReason reason : RefusalReason.values()) {
            LongAdder count = new LongAdder();
            refused.put(reason, count);
            series.counter("sluice.connections.refused", "Connections that were turned away",
                    Tags.of("reason", reason.label()), count);
        }
        connectDuration = series.histogram("sluice.connect.duration",
                "From accept until an endpoint took the connection", CONNECT_BUCKETS);
        connectionDuration = series.histogram("sluice.connection.duration", "From accept to close",
                CONNECTION_BUCKETS);
        series.counter("sluice.endpoint.ejections", "Endpoints that were put aside because they did not answer",
                ejections);
        series.gauge("sluice.endpoints.ejected", "Endpoints that are left out because they do not answer", this,
                meters -> meters.ejectedNow);
        for (EndpointState state : EndpointState.values()) {
            series.gauge("sluice.endpoints", "Known endpoints", Tags.of("state", state.label()), this,
                    meters -> meters.endpointCounts.of(state));
        }
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
    public void closed(Ending ending, long durationNanos) {
        switch (ending) {
            case COMPLETED -> {
            }
            case CLIENT_ABORTED -> aborted.increment();
            case FAILED -> failed.increment();
        }
        connectionDuration.record(durationNanos, TimeUnit.NANOSECONDS);
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
        connectDuration.record(latencyNanos, TimeUnit.NANOSECONDS);
    }

    /** An attempt failed and another endpoint is tried. */
    public void retried() {
        retries.increment();
    }

    /** An endpoint was put aside because it did not answer. */
    public void ejected() {
        ejections.increment();
    }

    /** Takes notice of how many endpoints are left out because they do not answer. Control thread. */
    public void ejectedNow(int endpoints) {
        ejectedNow = endpoints;
    }

    /** A connection was turned away. If it had been {@link #accepted}, {@link #closed} is called as well. */
    public void refused(RefusalReason reason) {
        requireNonNull(refused.get(reason)).increment();
    }

    /** Bytes of clients that were written to an endpoint. */
    public void bytesFromClient(long bytes) {
        fromClient.add(bytes);
    }

    /** Bytes of endpoints that were written to a client. */
    public void bytesFromBackend(long bytes) {
        fromBackend.add(bytes);
    }

    /** How many connections are open now; exact. */
    public int active() {
        return active.get();
    }

    /** How many connections were ever accepted. */
    public long total() {
        return total.sum();
    }

    /** How many accepted connections ended as {@link Ending#FAILED}. */
    public long failed() {
        return failed.sum();
    }

    /**
     * The meters of an endpoint: always the same object for one address until its series were removed. Beyond the bound
     * on series the object counts as any other, but is not in the registry. Control thread.
     */
    public EndpointMeters endpoint(EndpointAddress address) {
        return owner.endpoint(this, address);
    }

    /** Takes notice of what endpoints there are now, for the gauge by state. Control thread. */
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

    Tags tags() {
        return tags;
    }

    void removeSeries() {
        series.remove();
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
        int of(EndpointState state) {
            return switch (state) {
                case READY -> ready;
                case SERVING_TERMINATING -> servingTerminating;
                case NOT_READY -> notReady;
            };
        }
    }
}
