package io.sluice.proxy;

import io.sluice.balance.PreservedTraffic;
import io.sluice.balance.Traffic;
import io.sluice.connection.ConnectFailure;
import io.sluice.connection.ConnectionActions;
import io.sluice.connection.ConnectionMachine;
import io.sluice.connection.PeerSilence;
import io.sluice.connection.Side;
import io.sluice.connection.Termination;
import io.sluice.linux.TcpInfo;
import io.sluice.metrics.ConnectionOutcome;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.RefusalReason;
import io.sluice.proxy.ConnectionTaps.What;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection from a client to an endpoint: drives a {@link ConnectionMachine}, picks endpoints for it, runs its
 * timer and counts. Subclasses open, read and write the sockets. Lives on one event loop.
 */
abstract sealed class ProxiedConnection implements ConnectionActions permits NativeConnection, ChannelConnection {

    static final Logger LOG = LoggerFactory.getLogger(ProxiedConnection.class);

    /** The time between two checks while a reset waits for the bytes before it. */
    static final long DELIVERY_POLL_MILLIS = 5;

    /** A timer that is later than this did not wait for other connections: the process stood still. */
    private static final long STOOD_STILL_NANOS = 100_000_000;

    /**
     * A connection as it was accepted.
     *
     * @param listener the address that the client connected to
     */
    record AcceptedClient(long id, ServicePortTargets port, InetSocketAddress listener, Traffic traffic,
            InetSocketAddress client) {}

    /** The endpoint has sent its first byte. */
    private static final long CAME = -1;

    /** The {@link DeadPeerSweep} does not have it. */
    static final int NOT_SWEPT = -1;

    final EventLoopContext owner;
    final ConnectionMachine machine;
    private final AcceptedClient accepted;
    private final long acceptedAt;

    private Set<EndpointAddress> tried = Set.of();
    /** What was tried in vain. */
    private List<Attempt> attempts = List.of();
    private @Nullable EndpointAddress endpoint;
    private @Nullable EndpointMeters endpointMeters;
    private @Nullable ConnectFailure lastFailure;
    private boolean connected;
    /** It has lived for a while. */
    private boolean settled;
    /** Its place in the {@link DeadPeerSweep}, in which it is while something may be under way to one of its peers. */
    int sweepIndex = NOT_SWEPT;
    private boolean masqueraded;
    private long connectNanos = -1;
    /** When the present attempt to connect began. */
    private long attemptedAt;
    /** Since when the first byte of the endpoint could come; {@link #CAME} after it. */
    private long awaitedSince;
    private @Nullable ScheduledFuture<?> timer;
    private long timerAt = Long.MAX_VALUE;

    ProxiedConnection(AcceptedClient accepted, EventLoopContext owner) {
        this.accepted = accepted;
        this.owner = owner;
        this.machine = new ConnectionMachine(owner.limits(), this);
        this.acceptedAt = owner.now();
    }

    /** Starts; the client's socket is ready to be read. */
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

    /** Ends at once because an operator ordered it. */
    final void killByOrder() {
        machine.killByOrder();
    }

    final boolean meant(ConnectionFilter filter) {
        return filter.matches(accepted.id(), accepted.client(), accepted.port().name(), endpoint);
    }

    /** Runs {@code action}; what it throws ends this connection, and not the event loop's round. */
    final void contain(Runnable action) {
        try {
            action.run();
        } catch (RuntimeException | Error e) {
            fault(e);
        }
    }

    /** A fault of this program: it ends this connection, and no other. */
    final void fault(Throwable fault) {
        owner.fault("connection " + id() + " to " + port().name(), fault);
        try {
            machine.kill();
        } catch (RuntimeException | Error again) {
            owner.fault("connection " + id() + " to " + port().name(), again);
        }
    }

    final ServicePortTargets port() {
        return accepted.port();
    }

    final long id() {
        return accepted.id();
    }

    /** The header of the PROXY protocol, which precedes the first byte; empty for none. */
    final byte[] header() {
        return ProxyProtocolHeader.of(accepted.port().proxyProtocol(), accepted.client(), accepted.listener());
    }

    /** The client's address, if {@code endpoint} is to see it and can reply to it; null for this machine's own. */
    final @Nullable InetAddress source(EndpointAddress endpoint) {
        PreservedTraffic preserved = accepted.port().preserved();
        if (preserved.isNone()) {
            return null;
        }
        InetAddress client = accepted.client().getAddress();
        masqueraded = !owner.origins().sees(endpoint.ip(), client, accepted.listener().getAddress(), preserved,
                accepted.traffic());
        return masqueraded ? null : client;
    }

    /** The endpoint that was chosen last; null before the first. */
    final @Nullable EndpointAddress endpoint() {
        return endpoint;
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
        return new ConnectionView(accepted.id(), accepted.client(), accepted.listener(), accepted.port().name(),
                endpoint,
                state, acceptedInstant(), machine.deliveredTo(Side.BACKEND),
                machine.deliveredTo(Side.CLIENT),
                machine.retries());
    }

    /** Everything that is known of it now. */
    final ConnectionDetail detail() {
        long now = owner.now();
        return new ConnectionDetail(view(), accepted.traffic(), attempts, connectNanos, now - acceptedAt,
                machine.idle(now), machine.buffered(Side.CLIENT), machine.buffered(Side.BACKEND), null, null,
                masqueraded);
    }

    private Instant acceptedInstant() {
        return Instant.now().minusNanos(owner.now() - acceptedAt).truncatedTo(ChronoUnit.MILLIS);
    }

    /** Begins to connect to {@code address}; ends in {@link #backendConnected} or {@link #backendFailed}. */
    abstract void open(EndpointAddress address);

    /** Gives up the attempt of {@link #open}, which must report no result any more. */
    abstract void abandon();

    @Override
    public final void connect() {
        ServicePortTargets.Targets targets = accepted.port().targets(IpFamily.of(accepted.listener().getAddress()),
                accepted.traffic());
        int index = targets.pool().pick(accepted.client().getAddress(), tried, System.nanoTime());
        if (index < 0) {
            machine.noEndpoint(lastFailure);
            return;
        }
        EndpointAddress chosen = targets.pool().endpoints().get(index).address();
        if (lastFailure != null) {
            accepted.port().meters().retried();
        }
        endpoint = chosen;
        endpointMeters = targets.meters().get(index);
        attemptedAt = owner.now();
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

    /** The endpoint has accepted the connection. */
    final void backendConnected() {
        connected = true;
        long now = owner.now();
        connectNanos = now - acceptedAt;
        awaitedSince = now;
        accepted.port().meters().connected(connectNanos);
        meters().opened();
        meters().connected(now - attemptedAt);
        if (owner.taps().on()) {
            owner.taps().tell(What.OPENED, detail(), System.nanoTime());
        }
        machine.connected(now);
    }

    /** The endpoint has not accepted it. */
    final void backendFailed(Throwable cause) {
        ConnectFailure failure = ConnectFailures.classify(cause);
        LOG.debug("{} -> {} {}: {}", accepted.client(), accepted.port().name(), endpoint, cause.getMessage());
        attemptFailed(failure);
        machine.connectFailed(failure, owner.now());
        rearm();
    }

    private void attemptFailed(ConnectFailure failure) {
        lastFailure = failure;
        meters().connectFailed(ConnectFailures.counted(failure));
        if (failure == ConnectFailure.NO_LOCAL_PORT || failure == ConnectFailure.LOCAL_RESOURCES) {
            boolean inClientsName = !masqueraded && !accepted.port().preserved().isNone();
            owner.localFault(failure, endpoint, inClientsName ? accepted.client().getAddress() : null);
        }
        EndpointAddress failed = endpoint;
        if (failed == null) {
            return;
        }
        if (tried.isEmpty()) {
            tried = new HashSet<>(4);
            attempts = new ArrayList<>(2);
        }
        attempts.add(new Attempt(failed, failure, owner.now() - attemptedAt));
        tried.add(failed);
        if (ProbeResult.of(failure) == ProbeResult.SILENT) {
            accepted.port().health().unanswered(failed, ConnectFailures.counted(failure));
        }
    }

    /** The kernel has accepted {@code bytes} for {@code to}. */
    final void delivered(Side to, int bytes) {
        long now = owner.now();
        if (awaitedSince != CAME) {
            awaitFirstByte(to, now);
        }
        if (to == Side.BACKEND) {
            accepted.port().meters().bytesFromClient(bytes);
            meters().bytesFromClient(bytes);
        } else {
            accepted.port().meters().bytesFromBackend(bytes);
            meters().bytesFromBackend(bytes);
        }
        machine.delivered(to, bytes, now);
    }

    /** An endpoint is not slow because its client begins late. */
    private void awaitFirstByte(Side to, long now) {
        if (to == Side.CLIENT) {
            meters().firstByte(now - awaitedSince);
            awaitedSince = CAME;
        } else if (machine.deliveredTo(Side.BACKEND) == 0) {
            awaitedSince = now;
        }
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
        accepted.port().meters().closed(outcome(termination), total);
        owner.ended(this);
        EndedConnection ended = new EndedConnection(accepted.id(), accepted.client(), accepted.listener(),
                accepted.port().name(), accepted.traffic(), endpoint, attempts, acceptedAt, connectNanos, total,
                machine.deliveredTo(Side.BACKEND), machine.deliveredTo(Side.CLIENT), machine.retries(), termination,
                masqueraded);
        owner.recent().add(ended);
        if (owner.taps().on()) {
            owner.taps().tell(What.CLOSED, ended.detail(acceptedInstant()), System.nanoTime());
        }
        if (owner.accessLog().enabled()) {
            owner.accessLog().log(ended.forLog());
        }
    }

    /** The kernel goes on with it: nothing is held here any more. */
    final void handedOver(KernelConnections kernel) {
        EndpointAddress chosen = endpoint;
        if (chosen == null) {
            throw new IllegalStateException("no endpoint was chosen");
        }
        kernel.add(new KernelConnection(kernel.looks(),
                new KernelConnection.Before(accepted, chosen, meters(), List.copyOf(attempts),
                        machine.retries(), masqueraded, acceptedAt, connectNanos, machine.deliveredTo(Side.BACKEND),
                        machine.deliveredTo(Side.CLIENT))));
        if (timer != null) {
            timer.cancel(false);
            timer = null;
        }
        machine.handOver();
        release();
        owner.ended(this);
    }

    final AcceptedClient accepted() {
        return accepted;
    }

    /** Told once: the connection has lived on for as long as an endpoint has time to take it. */
    abstract void settled();

    /** The event loop's {@link BufferBudget} has become short: cancels receives whose bytes would be held. */
    abstract void buffersShort();

    /** Something goes to a peer. */
    final void watchPeers() {
        if (settled && sweepIndex == NOT_SWEPT) {
            Duration limit = port().peers(owner.peers()).deadPeer();
            if (!limit.isZero()) {
                owner.sweep().add(this, limit.toNanos());
            }
        }
    }

    /** Ends the connection if one of its peers is dead, and forgets it if nothing is under way to either. */
    abstract void lookAtPeers();

    /** Whether the peer of which the kernel says {@code info} is dead. */
    final boolean isTooLong(PeerSilence silence, TcpInfo info, long limitNanos) {
        long now = owner.now();
        return silence.isTooLong(info.isAwaiting(), info.transmissions(),
                now - TimeUnit.MILLISECONDS.toNanos(info.silentMillis()), now, limitNanos);
    }

    /** Frees what is held for the connection; its sockets were closed. */
    void release() {
        owner.sweep().remove(this);
    }

    static ConnectionOutcome outcome(Termination termination) {
        return switch (termination) {
            case NORMAL, KERNEL_NORMAL -> ConnectionOutcome.COMPLETED;
            case CLIENT_ABORTED_CONNECTING, CLIENT_ABORTED, CLIENT_ABORTED_LAST -> ConnectionOutcome.CLIENT_ABORTED;
            case CLIENT_DEAD -> ConnectionOutcome.CLIENT_DEAD;
            case BACKEND_DEAD -> ConnectionOutcome.BACKEND_DEAD;
            case ORDERED_CONNECTING, ORDERED, KERNEL_ORDERED -> ConnectionOutcome.ORDERED;
            default -> ConnectionOutcome.FAILED;
        };
    }

    private void countRefusal(Termination termination) {
        switch (termination) {
            case NO_ENDPOINT -> accepted.port().meters().refused(RefusalReason.NO_ENDPOINT);
            case BACKEND_REFUSED -> accepted.port().meters().refused(RefusalReason.CONNECT_FAILED);
            case BACKEND_CONNECT_TIMED_OUT -> accepted.port().meters().refused(RefusalReason.CONNECT_TIMEOUT);
            case LOCAL_RESOURCES -> accepted.port().meters().refused(RefusalReason.LOCAL_RESOURCES);
            default -> {
            }
        }
    }

    /** The machine's deadline may be earlier now. There is at most one timer task, re-armed lazily if the deadline is later. */
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
     * A timer that is later than a busy event loop explains means that the process stood still while the kernel went on: it
     * may have the bytes that were waited for. One more round of the event loop reads them first.
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
