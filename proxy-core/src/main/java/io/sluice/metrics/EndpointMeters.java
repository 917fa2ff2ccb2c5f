package io.sluice.metrics;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.sluice.service.EndpointAddress;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What is counted of one endpoint of one Service port.
 *
 * <p>An attempt to connect ends with {@link #connectFailed} or {@link #opened}, and each {@link #opened} is followed by
 * exactly one {@link #closed}. These, and {@code bytesFrom…}, are called on any event loop, never block and never
 * allocate, except that the end of the last connection of a {@linkplain #retire retired} endpoint hands the removal of
 * its series to an executor. The figures may be read on any thread.
 */
public final class EndpointMeters {

    private final ProxyMetrics owner;
    private final PortMeters port;
    private final EndpointAddress address;

    private final AtomicInteger active = new AtomicInteger();
    private final LongAdder total = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder fromClient = new LongAdder();
    private final LongAdder fromBackend = new LongAdder();

    private volatile boolean retired;
    /** Null while it has no series; guarded by the owner's lock. */
    private @Nullable MeterGroup series;

    EndpointMeters(ProxyMetrics owner, PortMeters port, EndpointAddress address) {
        this.owner = owner;
        this.port = port;
        this.address = address;
    }

    /** The endpoint. */
    public EndpointAddress address() {
        return address;
    }

    /** It took a connection. */
    public void opened() {
        active.incrementAndGet();
        total.increment();
    }

    /** The attempt to connect failed: refused, unreachable or too slow. */
    public void connectFailed() {
        failed.increment();
    }

    /** A connection that it had taken ended. */
    public void closed() {
        if (active.decrementAndGet() == 0 && retired) {
            owner.endpointDrained(this);
        }
    }

    /** Bytes that were written to the endpoint; also to be told to the {@link PortMeters}. */
    public void bytesFromClient(long bytes) {
        fromClient.add(bytes);
    }

    /** Bytes of the endpoint that were written to the client; also to be told to the {@link PortMeters}. */
    public void bytesFromBackend(long bytes) {
        fromBackend.add(bytes);
    }

    /** How many connections are open now; exact, and cheap enough to balance by. */
    public int active() {
        return active.get();
    }

    /** How many connections it ever took. */
    public long total() {
        return total.sum();
    }

    /** How many attempts to connect failed. */
    public long failed() {
        return failed.sum();
    }

    /**
     * The endpoint is gone: its series leave the registry now if no connection is open, else when the last one ends. If
     * {@link PortMeters#endpoint} is asked for it before that, the same meters go on. What is counted after the removal,
     * as by an attempt that was under way, is not seen. Control thread; idempotent.
     */
    public void retire() {
        owner.retire(this);
    }

    PortMeters port() {
        return port;
    }

    boolean gone() {
        return retired && active.get() == 0;
    }

    void markRetired(boolean value) {
        retired = value;
    }

    boolean isRetired() {
        return retired;
    }

    boolean hasSeries() {
        return series != null;
    }

    void addSeries(MeterRegistry registry, Tags portTags) {
        MeterGroup group = new MeterGroup(registry, portTags.and("endpoint", address.toString()));
        group.gauge("sluice.endpoint.connections.active", "Connections that are open to the endpoint", active,
                AtomicInteger::get);
        group.counter("sluice.endpoint.connections", "Connections that the endpoint took", total);
        group.counter("sluice.endpoint.connections.failed", "Attempts to connect to the endpoint that failed", failed);
        group.counter("sluice.endpoint.relayed.bytes", "Bytes that were passed on", PortMeters.FROM_CLIENT, fromClient);
        group.counter("sluice.endpoint.relayed.bytes", "Bytes that were passed on", PortMeters.FROM_BACKEND,
                fromBackend);
        series = group;
    }

    void removeSeries() {
        if (series != null) {
            series.remove();
            series = null;
        }
    }
}
