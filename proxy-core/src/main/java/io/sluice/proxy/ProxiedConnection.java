package io.sluice.proxy;

import io.sluice.balance.Traffic;
import io.sluice.connection.ConnectFailure;
import io.sluice.connection.ConnectionActions;
import io.sluice.connection.ConnectionMachine;
import io.sluice.connection.Side;
import io.sluice.connection.Termination;
import io.sluice.metrics.ClosedConnection;
import io.sluice.metrics.Ending;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.RefusalReason;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection from a client to an endpoint: drives a {@link ConnectionMachine}, picks endpoints for it, keeps its
 * timer and counts. How sockets are opened, read and written is its subclass's business. Lives on one event loop.
 */
abstract sealed class ProxiedConnection implements ConnectionActions permits BareConnection, ChannelConnection {

    static final Logger LOG = LoggerFactory.getLogger(ProxiedConnection.class);

    /** While a reset waits for the bytes before it. */
    static final long DELIVERY_POLL_MILLIS = 5;

    /** A timer that is later than this was not late because others had their turn. */
    private static final long STOOD_STILL_NANOS = 100_000_000;

    /**
     * Where a connection came in.
     *
     * @param listener the address that the client connected to
     */
    record Arrival(long id, PortProxy port, InetSocketAddress listener, Traffic traffic, InetSocketAddress client) {}

    final LoopConnections owner;
    final ConnectionMachine machine;
    private final Arrival arrival;
    private final long acceptedAt;

    private Set<EndpointAddress> tried = Set.of();
    private @Nullable EndpointAddress endpoint;
    private @Nullable EndpointMeters endpointMeters;
    private @Nullable ConnectFailure lastFailure;
    private boolean connected;
    private boolean settled;
    private long connectNanos = -1;
    private @Nullable ScheduledFuture<?> timer;
    private long timerAt = Long.MAX_VALUE;

    ProxiedConnection(Arrival arrival, LoopConnections owner) {
        this.arrival = arrival;
        this.owner = owner;
        this.machine = new ConnectionMachine(owner.limits(), this);
        this.acceptedAt = owner.now();
    }

    /** Begins; the client's socket is ready to be read. */
    void start() {
        machine.start(acceptedAt);
        rearm();
    }

    final void drain(long deadline) {
        machine.drain(deadline);
        rearm();
    }

    final void kill() {
        machine.kill();
    }

    /** Does what must not end the event loop's turn, whatever it throws. */
    final void contain(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | Error e) {
            fault(e);
        }
    }

    /** Something was thrown that nothing should throw: it ends this connection, and no other. */
    final void fault(Throwable fault) {
        owner.fault("connection " + id() + " to " + port().name(), fault);
        try {
            machine.kill();
        } catch (RuntimeException | Error again) {
            owner.fault("connection " + id() + " to " + port().name(), again);
        }
    }

    final PortProxy port() {
        return arrival.port();
    }

    final long id() {
        return arrival.id();
    }

    /** What the endpoint is told before the first byte; empty for nothing. */
    final byte[] header() {
        return ProxyHeader.of(arrival.port().proxyProtocol(), arrival.client(), arrival.listener());
    }

    /** The client's address, if {@code endpoint} is to see it and can answer it; null for this machine's own. */
    final @Nullable InetAddress source(EndpointAddress endpoint) {
        InetAddress client = arrival.client().getAddress();
        return arrival.port().preserveSource() && !client.isLoopbackAddress() && !client.isLinkLocalAddress()
                && !endpoint.ip().isLoopbackAddress() && !client.equals(endpoint.ip())
                && IpFamily.of(client) == endpoint.family() ? client : null;
    }

    final boolean connected() {
        return connected;
    }

    final ConnectionView view() {
        String state = switch (machine.phase()) {
            case CONNECTING -> "connecting";
            case ESTABLISHED -> "established";
            case HALF_CLOSED -> "half-closed (" + (machine.finishedSide() == Side.CLIENT ? "client" : "backend") + ")";
            case FLUSHING, CLOSED -> "closing";
        };
        return new ConnectionView(arrival.id(), arrival.client(), arrival.listener(), arrival.port().name(), endpoint,
                state, acceptedInstant(), machine.deliveredTo(Side.BACKEND),
                machine.deliveredTo(Side.CLIENT),
                machine.retries());
    }

    private Instant acceptedInstant() {
        return Instant.now().minusNanos(owner.now() - acceptedAt).truncatedTo(ChronoUnit.MILLIS);
    }

    /** Begins to connect to {@code address}; ends in {@link #backendConnected} or {@link #backendFailed}. */
    abstract void open(EndpointAddress address);

    /** Gives the attempt of {@link #open} up; neither answer is wanted any more. */
    abstract void abandon();

    @Override
    public final void connect() {
        PortProxy.Targets targets = arrival.port().targets(IpFamily.of(arrival.listener().getAddress()),
                arrival.traffic());
        int index = targets.lane().pick(arrival.client().getAddress(), tried, System.nanoTime());
        if (index < 0) {
            machine.noEndpoint(lastFailure);
            return;
        }
        EndpointAddress chosen = targets.lane().endpoints().get(index).address();
        if (lastFailure != null) {
            arrival.port().meters().retried();
        }
        endpoint = chosen;
        endpointMeters = targets.meters().get(index);
        open(chosen);
        rearm();
    }

    @Override
    public final void cancelConnect() {
        if (machine.phase() == ConnectionMachine.Phase.CONNECTING) {
            attemptFailed(ConnectFailure.TIMED_OUT);
        }
        abandon();
    }

    /** The endpoint took the connection. */
    final void backendConnected() {
        connected = true;
        connectNanos = owner.now() - acceptedAt;
        arrival.port().meters().connected(connectNanos);
        meters().opened();
        machine.connected(owner.now());
    }

    /** It did not. */
    final void backendFailed(Throwable cause) {
        ConnectFailure failure = ConnectFailures.classify(cause);
        LOG.debug("{} -> {} {}: {}", arrival.client(), arrival.port().name(), endpoint, cause.getMessage());
        attemptFailed(failure);
        machine.connectFailed(failure, owner.now());
        rearm();
    }

    private void attemptFailed(ConnectFailure failure) {
        lastFailure = failure;
        meters().connectFailed();
        if (failure == ConnectFailure.NO_LOCAL_PORT || failure == ConnectFailure.LOCAL_RESOURCES) {
            owner.localFault(failure, endpoint);
        }
        EndpointAddress failed = endpoint;
        if (failed == null) {
            return;
        }
        if (tried.isEmpty()) {
            tried = new HashSet<>(4);
        }
        tried.add(failed);
        if (ProbeResult.of(failure) == ProbeResult.SILENT) {
            arrival.port().health().unanswered(failed);
        }
    }

    /** The kernel took {@code bytes} for {@code to}. */
    final void delivered(Side to, int bytes) {
        if (to == Side.BACKEND) {
            arrival.port().meters().bytesFromClient(bytes);
            meters().bytesFromClient(bytes);
        } else {
            arrival.port().meters().bytesFromBackend(bytes);
            meters().bytesFromBackend(bytes);
        }
        machine.delivered(to, bytes, owner.now());
    }

    private EndpointMeters meters() {
        if (endpointMeters == null) {
            throw new IllegalStateException("no endpoint was chosen");
        }
        return endpointMeters;
    }

    @Override
    public final void ended(Termination termination) {
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
        release();
        long total = owner.now() - acceptedAt;
        if (connected) {
            meters().closed();
        } else {
            countRefusal(termination);
        }
        arrival.port().meters().closed(ending(termination), total);
        owner.ended(this);
        if (owner.accessLog().enabled()) {
            owner.accessLog()
                    .log(new ClosedConnection(arrival.client(), arrival.port().name(), arrival.listener(), endpoint,
                            connectNanos, total, machine.deliveredTo(Side.BACKEND), machine.deliveredTo(Side.CLIENT),
                            machine.retries(), termination.code()));
        }
    }

    /** Told once: the connection has lived on for as long as an endpoint has time to take it. */
    abstract void settled();

    /** The event loop's {@link BufferBudget} has become short: what was asked of the kernel and would be held is cancelled. */
    abstract void buffersShort();

    /** Gives back what is held for the connection; its sockets were closed. */
    abstract void release();

    private static Ending ending(Termination termination) {
        return switch (termination) {
            case NORMAL -> Ending.COMPLETED;
            case CLIENT_ABORTED_CONNECTING, CLIENT_ABORTED, CLIENT_ABORTED_LAST -> Ending.CLIENT_ABORTED;
            default -> Ending.FAILED;
        };
    }

    private void countRefusal(Termination termination) {
        switch (termination) {
            case NO_ENDPOINT -> arrival.port().meters().refused(RefusalReason.NO_ENDPOINT);
            case BACKEND_REFUSED -> arrival.port().meters().refused(RefusalReason.CONNECT_FAILED);
            case BACKEND_CONNECT_TIMED_OUT -> arrival.port().meters().refused(RefusalReason.CONNECT_TIMEOUT);
            case LOCAL_RESOURCES -> arrival.port().meters().refused(RefusalReason.LOCAL_RESOURCES);
            default -> {
            }
        }
    }

    /** The machine's deadline may have come nearer: one timer task at the most, re-armed lazily when it moved away. */
    final void rearm() {
        long deadline = machine.deadline();
        if (deadline >= timerAt || machine.phase() == ConnectionMachine.Phase.CLOSED) {
            return;
        }
        if (timer != null) {
            timer.cancel(false);
        }
        timerAt = deadline;
        timer = owner.eventLoop().schedule(() -> contain(this::timerFired), Math.max(0, deadline - owner.now()),
                TimeUnit.NANOSECONDS);
    }

    /**
     * A timer that is late by more than a busy event loop is means that the process stood still, and the kernel has gone
     * on in the meantime: it may have what was waited for. That is looked at first, in one more round of the event loop.
     */
    private void timerFired() {
        if (owner.now() - timerAt > STOOD_STILL_NANOS) {
            timer = owner.eventLoop().schedule(() -> contain(this::timeIsUp), 1, TimeUnit.NANOSECONDS);
        } else {
            timeIsUp();
        }
    }

    private void timeIsUp() {
        timer = null;
        timerAt = Long.MAX_VALUE;
        machine.timer(owner.now());
        rearm();
        if (connected && !settled && machine.phase() != ConnectionMachine.Phase.CLOSED) {
            settled = true;
            settled();
        }
    }
}
