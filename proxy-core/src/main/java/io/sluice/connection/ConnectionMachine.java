package io.sluice.connection;

import org.jspecify.annotations.Nullable;

/**
 * The life of one proxied TCP connection as a pure state machine.
 *
 * <p>The driver reports events ({@link #connected}, {@link #received}, {@link #finished}, {@link #failed} …), the machine
 * orders actions ({@link ConnectionActions}); the driver keeps the bytes and reports their numbers. It passes the time with
 * each event, as nanoseconds of any monotonic clock, and calls {@link #timer} at {@link #deadline}. So the same class runs
 * on an event loop and in a simulation.
 *
 * <p>The rules: the proxy relays the end of a stream as an end once all bytes before it are delivered, and the opposite
 * direction goes on (RFC 9293 §3.6); it relays a reset as a reset, but only after the bytes read before it are delivered;
 * it pauses reading from one side while the other is slow; it repeats a failed attempt to connect at another endpoint while
 * the client waits, never after a byte was sent. While it delivers the bytes that came before a reset, it reads and drops
 * the bytes that the other side sends: a peer that writes before it reads on would otherwise never take the delivery. A
 * peer whose host is dead counts as one that has reset the connection.
 *
 * <p>Not thread-safe: lives on the event loop of its connection.
 */
public final class ConnectionMachine {

    /** The phase of a connection. */
    public enum Phase {
        /** The proxy connects to an endpoint and keeps the bytes that the client sends. */
        CONNECTING,
        /** The proxy relays bytes in both directions. */
        ESTABLISHED,
        /** One side has finished sending; the other direction goes on. */
        HALF_CLOSED,
        /** One side was reset; the proxy delivers the bytes that it had sent before to the other side, then resets that. */
        FLUSHING,
        /** The connection has ended. */
        CLOSED
    }

    /** How long the proxy still tries endpoints for the bytes of a client that has reset, in nanoseconds. */
    private static final long RESET_GRACE = 1_000_000_000L;

    private static final class Direction {
        final Side from;
        long received;
        long delivered;
        boolean paused;
        /** The source has sent FIN: nothing more will be received. */
        boolean sourceFinished;
        /** The proxy has sent FIN to the sink. */
        boolean finishRelayed;
        /** A write to the sink failed: it takes no bytes any more. */
        boolean sinkBroken;
        /** The source's host acknowledges nothing any more. */
        boolean sourceDead;

        Direction(Side from) {
            this.from = from;
        }

        long buffered() {
            return sinkBroken ? 0 : received - delivered;
        }

        boolean done() {
            return sourceFinished && buffered() == 0;
        }
    }

    private final ConnectionLimits limits;
    private final ConnectionActions actions;
    private final Direction fromClient = new Direction(Side.CLIENT);
    private final Direction fromBackend = new Direction(Side.BACKEND);

    private Phase phase = Phase.CONNECTING;
    private int attempts;
    private long attemptStarted;
    /** Until when endpoints are tried for the bytes of a client that has reset; {@link Long#MAX_VALUE} if it has not. */
    private long soughtUntil = Long.MAX_VALUE;
    private long lastActivity;
    private Side lastSender = Side.CLIENT;
    private long flushDeadline;
    private Side flushCulprit = Side.CLIENT;
    private boolean flushAfterFinish;
    private long drainDeadline = Long.MAX_VALUE;

    public ConnectionMachine(ConnectionLimits limits, ConnectionActions actions) {
        this.limits = limits;
        this.actions = actions;
    }

    /** The proxy has accepted the client: connects to the first endpoint, and begins to read from the client. */
    public void start(long now) {
        lastActivity = now;
        attemptStarted = now;
        actions.read(Side.CLIENT, true);
        if (phase == Phase.CONNECTING) {
            attempt(now);
        }
    }

    /** The endpoint has accepted: the bytes that the client has sent so far may be delivered. */
    public void connected(long now) {
        if (phase != Phase.CONNECTING) {
            return;
        }
        lastActivity = now;
        phase = fromClient.sourceFinished ? Phase.HALF_CLOSED : Phase.ESTABLISHED;
        actions.read(Side.BACKEND, true);
        if (phase != Phase.CLOSED) {
            settle(fromClient);
        }
        if (phase != Phase.CLOSED && soughtUntil != Long.MAX_VALUE) {
            relayReset(Side.CLIENT, now);
        }
    }

    /** An attempt failed: tries another endpoint, or resets the client. */
    public void connectFailed(ConnectFailure failure, long now) {
        if (phase != Phase.CONNECTING) {
            return;
        }
        if (failure == ConnectFailure.LOCAL_RESOURCES) {
            giveUp(Termination.LOCAL_RESOURCES);
        } else if (attempts <= limits.connectRetries()) {
            attempt(now);
        } else {
            giveUp(failed(failure));
        }
    }

    /**
     * There is no endpoint, or none left that was not tried.
     *
     * @param lastFailure why the last attempt failed, null if there was none
     */
    public void noEndpoint(@Nullable ConnectFailure lastFailure) {
        if (phase == Phase.CONNECTING) {
            attempts--;
            giveUp(lastFailure == null ? Termination.NO_ENDPOINT : failed(lastFailure));
        }
    }

    /**
     * {@code bytes} were read from {@code from}.
     *
     * @return whether the driver has to deliver them; if not, the other side takes no bytes and the driver drops them
     */
    public boolean received(Side from, int bytes, long now) {
        Direction direction = direction(from);
        if (phase == Phase.CLOSED || direction.sinkBroken
                || phase == Phase.FLUSHING && from != flushCulprit) {
            return false;
        }
        lastActivity = now;
        lastSender = from;
        direction.received += bytes;
        if (!direction.paused && direction.buffered() >= limits.bufferBytes()) {
            direction.paused = true;
            actions.read(from, false);
        }
        return true;
    }

    /** The kernel took {@code bytes}, received from the other side, for {@code to}. */
    public void delivered(Side to, long bytes, long now) {
        if (phase == Phase.CLOSED) {
            return;
        }
        Direction direction = direction(to.other());
        direction.delivered += bytes;
        lastActivity = now;
        if (direction.paused && phase != Phase.FLUSHING && !direction.sourceFinished && !direction.sinkBroken
                && direction.buffered() <= limits.bufferBytes() / 2) {
            direction.paused = false;
            actions.read(direction.from, true);
        }
        settle(direction);
    }

    /** {@code from} has finished sending: its FIN was read. */
    public void finished(Side from, long now) {
        Direction direction = direction(from);
        if (phase == Phase.CLOSED || direction.sourceFinished) {
            return;
        }
        if (direction(from.other()).sinkBroken) {
            // A write to it failed before: the kernel reported the reset there, and so reports an end here.
            failed(from, now);
            return;
        }
        if (!direction.sinkBroken) {
            lastActivity = now;
        }
        direction.sourceFinished = true;
        if (phase == Phase.ESTABLISHED) {
            phase = Phase.HALF_CLOSED;
        }
        settle(direction);
    }

    /**
     * A write to {@code to} failed: it was reset. The bytes that it sent before may still be unread, so the proxy reads
     * them to the end; only then it relays the reset, or when the other side has taken no byte for the flush timeout.
     */
    public void writeFailed(Side to, long now) {
        if (phase == Phase.CLOSED) {
            return;
        }
        Direction toIt = direction(to.other());
        if (toIt.sinkBroken) {
            return;
        }
        toIt.sinkBroken = true;
        Direction fromIt = direction(to);
        if (phase == Phase.CONNECTING || phase == Phase.FLUSHING || fromIt.sourceFinished || fromIt.sinkBroken) {
            failed(to, now);
            return;
        }
        lastActivity = now;
        phase = Phase.HALF_CLOSED;
        discard(to.other());
    }

    /**
     * The host of {@code side} acknowledges nothing any more: a failure that {@link #failed} or {@link #writeFailed}
     * reports of it, then or later, is no reset by the peer; the proxy has given it up.
     */
    public void dead(Side side) {
        direction(side).sourceDead = true;
    }

    /** {@code side} was reset, or its socket failed otherwise. */
    public void failed(Side side, long now) {
        switch (phase) {
            case CLOSED -> {
            }
            case CONNECTING -> {
                if (side == Side.CLIENT && fromClient.buffered() > 0) {
                    // The endpoint gets the client's bytes and then the reset, as it would without a proxy between them.
                    soughtUntil = Math.min(soughtUntil, now + Math.min(limits.connectTimeout(), RESET_GRACE));
                } else if (side == Side.CLIENT) {
                    clientGone();
                }
            }
            case FLUSHING -> {
                if (side != flushCulprit) {
                    end(flushTermination());
                }
            }
            case ESTABLISHED, HALF_CLOSED -> relayReset(side, now);
        }
    }

    /** Ends the connection: the client is gone, so no endpoint is needed. */
    private void clientGone() {
        phase = Phase.CLOSED;
        actions.cancelConnect();
        actions.close(Side.CLIENT);
        actions.ended(Termination.CLIENT_ABORTED_CONNECTING);
    }

    /** Ends the connection now, by a reset on both sides: the drain deadline has passed, or the proxy ends. */
    public void kill() {
        kill(Termination.KILLED_CONNECTING, Termination.KILLED);
    }

    /** The same because an operator ordered it. */
    public void killByOrder() {
        kill(Termination.ORDERED_CONNECTING, Termination.ORDERED);
    }

    private void kill(Termination connecting, Termination later) {
        switch (phase) {
            case CLOSED -> {
            }
            case CONNECTING -> {
                phase = Phase.CLOSED;
                actions.cancelConnect();
                actions.reset(Side.CLIENT);
                actions.ended(connecting);
            }
            default -> end(later);
        }
    }

    /** The kernel goes on with this connection: both sockets are closed, which sends nothing. Only while nothing is buffered. */
    public void handOver() {
        if (phase != Phase.ESTABLISHED || fromClient.buffered() > 0 || fromBackend.buffered() > 0) {
            throw new IllegalStateException("not quiet");
        }
        phase = Phase.CLOSED;
        actions.close(Side.CLIENT);
        actions.close(Side.BACKEND);
    }

    /** The proxy drains: it ends this connection at {@code deadline} if it is still open. The earliest call counts. */
    public void drain(long deadline) {
        drainDeadline = Math.min(drainDeadline, deadline);
    }

    /** When the driver has to call {@link #timer} next; {@link Long#MAX_VALUE} for never. Changes with every event. */
    public long deadline() {
        long own = switch (phase) {
            case CONNECTING -> Math.min(attemptStarted + limits.connectTimeout(), soughtUntil);
            case ESTABLISHED -> after(lastActivity, limits.idleTimeout());
            case HALF_CLOSED -> after(lastActivity, Math.min(limits.idleTimeout(),
                    broken() ? limits.flushTimeout() : limits.halfCloseTimeout()));
            case FLUSHING -> flushDeadline;
            case CLOSED -> Long.MAX_VALUE;
        };
        return phase == Phase.CLOSED ? own : Math.min(own, drainDeadline);
    }

    /** Acts if {@link #deadline} has been reached; harmless before. */
    public void timer(long now) {
        if (now < deadline()) {
            return;
        }
        if (now >= drainDeadline) {
            kill();
            return;
        }
        switch (phase) {
            case CONNECTING -> {
                if (now >= soughtUntil) {
                    clientGone();
                } else {
                    actions.cancelConnect();
                    connectFailed(ConnectFailure.TIMED_OUT, now);
                }
            }
            case ESTABLISHED -> end(silent() == Side.CLIENT ? Termination.CLIENT_IDLE : Termination.BACKEND_IDLE);
            case HALF_CLOSED -> {
                if (broken()) {
                    flushCulprit = fromBackend.sinkBroken ? Side.CLIENT : Side.BACKEND;
                    flushAfterFinish = fromClient.sourceFinished || fromBackend.sourceFinished;
                    end(flushTermination());
                } else {
                    end(silent() == Side.CLIENT ? Termination.CLIENT_IDLE_LAST : Termination.BACKEND_IDLE_LAST);
                }
            }
            case FLUSHING -> end(flushTermination());
            case CLOSED -> {
            }
        }
    }

    /** The current phase. */
    public Phase phase() {
        return phase;
    }

    /** Which side has finished sending first, if one has; meaningful in {@link Phase#HALF_CLOSED}. */
    public Side finishedSide() {
        return fromClient.sourceFinished ? Side.CLIENT : Side.BACKEND;
    }

    /** Nanoseconds since bytes were read or delivered last. */
    public long idle(long now) {
        return now - lastActivity;
    }

    /** How many endpoints were tried beyond the first. */
    public int retries() {
        return Math.max(0, attempts - 1);
    }

    /** Bytes read from {@code from} since the start. */
    public long receivedFrom(Side from) {
        return direction(from).received;
    }

    /** Bytes handed to the kernel for {@code to} since the start. */
    public long deliveredTo(Side to) {
        return direction(to.other()).delivered;
    }

    /** Whether what {@code from} sends is read only to be dropped: the other side was reset. */
    public boolean discards(Side from) {
        return direction(from).sinkBroken;
    }

    /** Bytes read from {@code from} and not yet delivered to the other side. */
    public long buffered(Side from) {
        return direction(from).buffered();
    }

    /** A write to one side has failed, and what it sent before is still being read. */
    private boolean broken() {
        return fromClient.sinkBroken || fromBackend.sinkBroken;
    }

    private void attempt(long now) {
        attempts++;
        attemptStarted = now;
        actions.connect();
    }

    private static Termination failed(ConnectFailure failure) {
        return switch (failure) {
            case REFUSED, UNREACHABLE -> Termination.BACKEND_REFUSED;
            case TIMED_OUT -> Termination.BACKEND_CONNECT_TIMED_OUT;
            case NO_LOCAL_PORT, LOCAL_RESOURCES -> Termination.LOCAL_RESOURCES;
        };
    }

    private void giveUp(Termination termination) {
        phase = Phase.CLOSED;
        actions.reset(Side.CLIENT);
        actions.ended(termination);
    }

    /** The side that the proxy waits for: the one that does not take its bytes, else the one that is to send next. */
    private Side silent() {
        boolean clientIsSlow = fromBackend.buffered() > 0;
        boolean backendIsSlow = fromClient.buffered() > 0;
        if (clientIsSlow != backendIsSlow) {
            return clientIsSlow ? Side.CLIENT : Side.BACKEND;
        }
        return phase == Phase.HALF_CLOSED ? finishedSide().other() : lastSender.other();
    }

    /** After a delivery or an end: relays the end of a stream, and closes when both are over. */
    private void settle(Direction direction) {
        if (phase == Phase.FLUSHING) {
            if (direction.from == flushCulprit && direction.buffered() == 0) {
                resetRelayed();
            }
            return;
        }
        if (phase == Phase.CONNECTING || phase == Phase.CLOSED || !direction.done()) {
            return;
        }
        Direction opposite = direction(direction.from.other());
        if (opposite.done()) {
            phase = Phase.CLOSED;
            actions.close(Side.CLIENT);
            actions.close(Side.BACKEND);
            actions.ended(Termination.NORMAL);
        } else if (!direction.finishRelayed && !direction.sinkBroken) {
            direction.finishRelayed = true;
            actions.finish(direction.from.other());
        }
    }

    private void relayReset(Side side, long now) {
        boolean afterFinish = fromClient.sourceFinished || fromBackend.sourceFinished;
        Direction fromIt = direction(side);
        flushAfterFinish = afterFinish;
        if (fromIt.sinkBroken) {
            // The other side was reset before this one.
            flushCulprit = side.other();
            end(flushTermination());
            return;
        }
        flushCulprit = side;
        direction(side.other()).sinkBroken = true;
        if (fromIt.buffered() == 0) {
            resetRelayed();
            return;
        }
        phase = Phase.FLUSHING;
        flushDeadline = now + limits.flushTimeout();
        discard(side.other());
    }

    /** Resumes reading from {@code from} if it was paused; {@link #received} drops its bytes from now on. */
    private void discard(Side from) {
        Direction direction = direction(from);
        if (direction.paused) {
            direction.paused = false;
            actions.read(from, true);
        }
    }

    private void resetRelayed() {
        phase = Phase.CLOSED;
        actions.reset(flushCulprit);
        actions.resetAfterDelivery(flushCulprit.other());
        actions.ended(flushTermination());
    }

    private Termination flushTermination() {
        if (direction(flushCulprit).sourceDead) {
            return flushCulprit == Side.CLIENT ? Termination.CLIENT_DEAD : Termination.BACKEND_DEAD;
        }
        if (flushCulprit == Side.CLIENT) {
            return flushAfterFinish ? Termination.CLIENT_ABORTED_LAST : Termination.CLIENT_ABORTED;
        }
        return flushAfterFinish ? Termination.BACKEND_ABORTED_LAST : Termination.BACKEND_ABORTED;
    }

    private void end(Termination termination) {
        phase = Phase.CLOSED;
        actions.reset(Side.CLIENT);
        actions.reset(Side.BACKEND);
        actions.ended(termination);
    }

    private Direction direction(Side from) {
        return from == Side.CLIENT ? fromClient : fromBackend;
    }

    private static long after(long time, long delay) {
        return delay == Long.MAX_VALUE ? Long.MAX_VALUE : time + delay;
    }
}
