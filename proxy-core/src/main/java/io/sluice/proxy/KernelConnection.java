package io.sluice.proxy;

import io.sluice.connection.Termination;
import io.sluice.metrics.EndpointMeters;
import io.sluice.netlink.TrackedConnection;
import io.sluice.netlink.TrackedConnection.Tuple;
import io.sluice.proxy.ProxiedConnection.AcceptedClient;
import io.sluice.service.EndpointAddress;
import java.net.Inet4Address;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A connection that the kernel has. What it was before does not change; its figures are those of the last look, which
 * {@link KernelConnections} takes. Any thread may read them.
 */
final class KernelConnection {

    private static final long NEVER = Long.MIN_VALUE;
    private static final int TCP_HEADER_BYTES = 20;
    private static final int IPV4_HEADER_BYTES = 20 + TCP_HEADER_BYTES;
    private static final int IPV6_HEADER_BYTES = 40 + TCP_HEADER_BYTES;

    /**
     * What it was before.
     *
     * @param meters       of the endpoint; null if that is no endpoint of the port any more
     * @param acceptedAt   nanoseconds of the data path's clock
     * @param connectNanos from accept until the endpoint took it; -1 if that is not known
     * @param toBackend    bytes that went to the endpoint
     * @param toClient     bytes that went to the client
     */
    record Before(AcceptedClient accepted, EndpointAddress endpoint, @Nullable EndpointMeters meters,
            List<Attempt> attempts, int retries, boolean masqueraded, long acceptedAt, long connectNanos,
            long toBackend, long toClient) {}

    private final Before before;
    private final Tuple original;
    private final int headerBytes;
    private volatile long fromClient;
    private volatile long fromBackend;
    private volatile long idleNanos;
    /** The number of the last look that has found it, or that had begun when it was handed over. Only the looking thread. */
    private int lastLook;
    private boolean finishing;
    private long movedAt = NEVER;

    /** @param look the number of the last look that has begun */
    KernelConnection(int look, Before before) {
        this.lastLook = look;
        this.before = before;
        this.original = new Tuple(before.accepted().client(), before.accepted().listener());
        this.headerBytes = before.accepted().client().getAddress() instanceof Inet4Address
                ? IPV4_HEADER_BYTES
                : IPV6_HEADER_BYTES;
    }

    /** What the kernel knows it by. */
    Tuple original() {
        return original;
    }

    boolean meant(ConnectionFilter filter) {
        AcceptedClient accepted = before.accepted();
        return filter.matches(accepted.id(), accepted.client(), accepted.port().name(), before.endpoint());
    }

    /** Whether neither look {@code number} nor the one before has found it: one that it was added during may have passed it. */
    boolean isMissing(int number) {
        return number - lastLook > 1;
    }

    /** How it has ended if it is missing: the kernel forgets one that has nearly finished when a peer does not answer. */
    Termination missing() {
        return finishing ? Termination.KERNEL_NORMAL : Termination.KERNEL_FORGOTTEN;
    }

    /**
     * Counts what has passed since the last look.
     *
     * @param at nanoseconds of the data path's clock
     */
    void seen(TrackedConnection now, long at, int number) {
        lastLook = number;
        finishing = now.state() == TrackedConnection.State.FINISHING;
        long client = now.fromClient().payload(headerBytes);
        long backend = now.fromBackend().payload(headerBytes);
        long newFromClient = Math.max(0, client - fromClient);
        long newFromBackend = Math.max(0, backend - fromBackend);
        fromClient = Math.max(fromClient, client);
        fromBackend = Math.max(fromBackend, backend);
        if (newFromClient + newFromBackend > 0 || movedAt == NEVER) {
            movedAt = at;
        }
        idleNanos = at - movedAt;
        before.accepted().port().meters().bytesFromClient(newFromClient);
        before.accepted().port().meters().bytesFromBackend(newFromBackend);
        EndpointMeters meters = before.meters();
        if (meters != null) {
            meters.bytesFromClient(newFromClient);
            meters.bytesFromBackend(newFromBackend);
        }
    }

    /** For how long looks have found no byte. */
    long idleNanos() {
        return idleNanos;
    }

    ConnectionView view(long now) {
        AcceptedClient accepted = before.accepted();
        return new ConnectionView(accepted.id(), accepted.client(), accepted.listener(), accepted.port().name(),
                before.endpoint(), "kernel",
                Instant.now().minusNanos(now - before.acceptedAt()).truncatedTo(ChronoUnit.MILLIS),
                before.toBackend() + fromClient, before.toClient() + fromBackend, before.retries());
    }

    ConnectionDetail detail(long now) {
        return new ConnectionDetail(view(now), before.accepted().traffic(), before.attempts(), before.connectNanos(),
                now - before.acceptedAt(), idleNanos, 0, 0, null, null, before.masqueraded());
    }

    /** Takes it out of the meters. */
    EndedConnection ended(Termination termination, long now) {
        AcceptedClient accepted = before.accepted();
        EndpointMeters meters = before.meters();
        if (meters != null) {
            meters.closed();
        }
        long total = now - before.acceptedAt();
        accepted.port().meters().closed(ProxiedConnection.outcome(termination), total);
        return new EndedConnection(accepted.id(), accepted.client(), accepted.listener(), accepted.port().name(),
                accepted.traffic(), before.endpoint(), before.attempts(), before.acceptedAt(),
                before.connectNanos(), total, before.toBackend() + fromClient, before.toClient() + fromBackend,
                before.retries(), termination, before.masqueraded());
    }

    /** The wall clock's time of accept. */
    Instant accepted(long now) {
        return view(now).acceptedAt();
    }
}
