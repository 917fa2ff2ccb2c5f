package io.sluice.metrics;

import static io.sluice.metrics.Family.number;
import static io.sluice.metrics.Family.numbers;

import io.sluice.metrics.Family.Point;
import io.sluice.service.EndpointAddress;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceFieldUpdater;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The counters of one endpoint of one Service port.
 *
 * <p>An attempt to connect ends with {@link #connectFailed} or {@link #opened}, and each {@link #opened} is followed by
 * exactly one {@link #closed}. These, and {@code bytesFrom…}, are called on any event loop, never block and never allocate,
 * except that the first attempt makes the counters, the first connection the histograms, and the end of the last connection of a {@linkplain #retire retired}
 * endpoint hands the removal of its series to an executor. The figures may be read on any thread.
 */
public final class EndpointMeters {

    private static final AtomicReferenceFieldUpdater<EndpointMeters, @Nullable Counts> COUNTS =
            AtomicReferenceFieldUpdater.newUpdater(EndpointMeters.class, Counts.class, "counts");
    private static final AtomicReferenceFieldUpdater<EndpointMeters, @Nullable EndpointLatency> LATENCY =
            AtomicReferenceFieldUpdater.newUpdater(EndpointMeters.class, EndpointLatency.class, "latency");

    /** Made with the first attempt to connect: most endpoints of a large cluster never see one from here. */
    private static final class Counts {
        final AtomicInteger active = new AtomicInteger();
        final LongAdder total = new LongAdder();
        final AtomicLongArray failed = new AtomicLongArray(EndpointFailure.values().length);
        final LongAdder fromClient = new LongAdder();
        final LongAdder fromBackend = new LongAdder();
    }

    /** All series of an endpoint; those of durations once there has been one, as long as there are not too many. */
    static final List<Family<EndpointMeters>> FAMILIES = List.of(
            number(MetricCatalog.ENDPOINT_CONNECTIONS_ACTIVE, EndpointMeters::active),
            number(MetricCatalog.ENDPOINT_CONNECTIONS, EndpointMeters::total),
            new Family.Numbers<>(MetricCatalog.ENDPOINT_CONNECTIONS_FAILED,
                    Stream.of(EndpointFailure.values())
                            .map(why -> new Point<EndpointMeters>(why.label(), endpoint -> endpoint.shownFailures(why)))
                            .toList()),
            numbers(MetricCatalog.ENDPOINT_RELAYED_BYTES, "from_client", EndpointMeters::bytesFromClient,
                    "from_backend", EndpointMeters::bytesFromBackend),
            new Family.Durations<>(MetricCatalog.ENDPOINT_CONNECT_DURATION, EndpointLatency.BUCKETS,
                    endpoint -> EndpointLatency.connectHistogram(endpoint.latency)),
            new Family.Durations<>(MetricCatalog.ENDPOINT_FIRST_BYTE_DURATION, EndpointLatency.BUCKETS,
                    endpoint -> EndpointLatency.firstByteHistogram(endpoint.latency)));

    private final PortMeters port;
    private final EndpointAddress address;
    private volatile @Nullable Counts counts;
    /** Made with the first connection that it takes. */
    private volatile @Nullable EndpointLatency latency;

    private volatile boolean retired;
    private volatile boolean removed;
    /** Changed under the owner's lock. */
    private volatile boolean shown;

    EndpointMeters(PortMeters port, EndpointAddress address) {
        this.port = port;
        this.address = address;
    }

    private Counts counts() {
        Counts known = counts;
        if (known != null) {
            return known;
        }
        COUNTS.compareAndSet(this, null, new Counts());
        Counts made = counts;
        if (made == null) {
            throw new IllegalStateException("what was made is gone");
        }
        return made;
    }

    private EndpointLatency madeLatency(long now) {
        EndpointLatency known = latency;
        if (known != null) {
            return known;
        }
        LATENCY.compareAndSet(this, null, new EndpointLatency(this, port.owner().histograms(), now));
        EndpointLatency made = latency;
        if (made == null) {
            throw new IllegalStateException("what was made is gone");
        }
        return made;
    }

    /** How fast it is; null before its first connection. */
    @Nullable
    EndpointLatency latency() {
        return latency;
    }

    /** The endpoint. */
    public EndpointAddress address() {
        return address;
    }

    /** The endpoint accepted a connection. */
    public void opened() {
        Counts mine = counts();
        mine.active.incrementAndGet();
        mine.total.increment();
    }

    /**
     * The endpoint accepted a connection; to be called beside {@link #opened}.
     *
     * @param nanos from the attempt on
     */
    public void connected(long nanos) {
        long now = System.nanoTime();
        madeLatency(now).connected(nanos, now);
    }

    /**
     * The first octet of a connection, or the first datagram of a flow, has come from the endpoint.
     *
     * @param nanos since it could have come: since the first octet went to the endpoint, or since it took the connection if it
     *              speaks first
     */
    public void firstByte(long nanos) {
        long now = System.nanoTime();
        madeLatency(now).firstByte(nanos, now);
    }

    /** The attempt to connect failed. */
    public void connectFailed(EndpointFailure why) {
        counts().failed.getAndIncrement(at(why));
    }

    /** A connection that it had taken ended. */
    public void closed() {
        if (counts().active.decrementAndGet() == 0 && retired) {
            port.owner().endpointDrained(this);
        }
    }

    /** Bytes that the proxy wrote to the endpoint; also has to be counted by the {@link PortMeters}. */
    public void bytesFromClient(long bytes) {
        counts().fromClient.add(bytes);
    }

    /** Bytes of the endpoint that the proxy wrote to the client; also has to be counted by the {@link PortMeters}. */
    public void bytesFromBackend(long bytes) {
        counts().fromBackend.add(bytes);
    }

    /** How many connections are open now; exact, and cheap enough to balance by. */
    public int active() {
        Counts known = counts;
        return known == null ? 0 : known.active.get();
    }

    /** How many connections it ever took. */
    public long total() {
        Counts known = counts;
        return known == null ? 0 : known.total.sum();
    }

    /** Bytes that the proxy ever wrote to the endpoint. */
    public long bytesFromClient() {
        Counts known = counts;
        return known == null ? 0 : known.fromClient.sum();
    }

    /** Bytes of the endpoint that the proxy ever wrote to clients. */
    public long bytesFromBackend() {
        Counts known = counts;
        return known == null ? 0 : known.fromBackend.sum();
    }

    /** How many attempts to connect failed for this reason. */
    public long failed(EndpointFailure why) {
        Counts known = counts;
        return known == null ? 0 : known.failed.get(at(why));
    }

    /**
     * The endpoint is gone: its series leave the registry now if no connection is open, else when the last one ends. If
     * {@link PortMeters#endpoint} is asked for it before that, the same meters go on. What is counted after the removal,
     * as by an attempt that was under way, is not seen. Control thread; idempotent.
     */
    public void retire() {
        port.owner().retire(this);
    }

    private long shownFailures(EndpointFailure why) {
        long failures = failed(why);
        return failures > 0 || why.alwaysShown() ? failures : Family.ABSENT;
    }

    private static int at(EndpointFailure why) {
        return switch (why) {
            case REFUSED -> 0;
            case TIMEOUT -> 1;
            case UNREACHABLE -> 2;
            case OTHER -> 3;
        };
    }

    PortMeters port() {
        return port;
    }

    boolean gone() {
        return retired && active() == 0;
    }

    void markRetired(boolean value) {
        retired = value;
    }

    /** It was removed for good: others may have series. What is still counted is not seen. */
    void removed() {
        removed = true;
        EndpointLatency measured = latency;
        if (measured != null) {
            measured.giveBack();
        }
    }

    boolean isRemoved() {
        return removed;
    }

    boolean isRetired() {
        return retired;
    }

    boolean hasSeries() {
        return shown;
    }

    void hasSeries(boolean value) {
        shown = value;
    }
}
