package io.sluice.connection;

import org.jspecify.annotations.Nullable;

/**
 * The life of one proxied TCP connection as a pure state machine.
 *
 * <p>It knows what has happened ({@link #connected}, {@link #received}, {@link #finished}, {@link #failed} …) and decides
 * what to do ({@link ConnectionActions}); the bytes themselves stay with the driver, which reports their numbers. Time
 * is passed in with each event as nanoseconds of any monotonic clock, and {@link #deadline} says when {@link #timer}
 * has to be called. So the same class runs on an event loop and in a simulation.
 *
 * <p>The rules: the end of a stream is relayed as an end once all before it is delivered, and the opposite direction
 * goes on (RFC 9293 §3.6); a reset is relayed as a reset, but only after what was read before it is delivered; reading
 * from one side pauses while the other is slow; a failed attempt to connect is repeated at another endpoint while the
 * client waits, never after a byte was sent. While what came before a reset is being delivered, what the other side sends
 * is read and dropped: a peer that writes before it reads on would otherwise never take what is being delivered.
 *
 * <p>Not thread-safe: lives on the event loop of its connection.
 */
public final class ConnectionMachine {

    /** Where in its life a connection is. */
    public enum Phase {
        /** An endpoint is being connected; what the client sends is kept. */
        CONNECTING,
        /** Bytes move both ways. */
        ESTABLISHED,
        /** One side has finished sending; the other direction goes on. */
        HALF_CLOSED,
        /** One side was reset; what it had sent before is being delivered to the other, which is reset then. */
        FLUSHING,
        /** Over. */
        CLOSED
    }

    private static final class Direction {
        final Side from;
        long received;
        long delivered;
        boolean paused;
        /** The source has finished, nothing more will be received. */
        boolean sourceFinished;
        /** The sink was told so. */
        boolean finishRelayed;
        /** The sink takes nothing any more: its write failed. */
        boolean sinkBroken;

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

    /** The client was accepted: the first endpoint is asked for, and reading from the client begins. */
    public void start(long now) {
        lastActivity = now;
        attemptStarted = now;
        actions.read(Side.CLIENT, true);
        if (phase == Phase.CONNECTING) {
            attempt(now);
        }
    }

    /** The endpoint accepted: what the client has sent so far may be delivered. */
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
    }

    /** An attempt failed: another endpoint is asked for, or the client is reset. */
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
     * @return whether the driver has to deliver them; if not, they have nowhere to go and are dropped
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

    /** {@code bytes} that had been received from the other side were handed to the kernel for {@code to}. */
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
            // A write to it failed before: the reset was told there, and what looks like an end is its consequence.
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
     * Writing to {@code to} failed: it was reset. What it sent before may still be read, so reading from it goes on to
     * its end; only then is the reset relayed, or when the other side has taken nothing for the flush timeout.
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

    /** {@code side} was reset, or its socket failed otherwise. */
    public void failed(Side side, long now) {
        switch (phase) {
            case CLOSED -> {
            }
            case CONNECTING -> {
                if (side == Side.CLIENT) {
                    phase = Phase.CLOSED;
                    actions.cancelConnect();
                    actions.close(Side.CLIENT);
                    actions.ended(Termination.CLIENT_ABORTED_CONNECTING);
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

    /** Ends the connection now, by a reset on both sides: the drain deadline has passed, or an operator asked. */
    public void kill() {
        switch (phase) {
            case CLOSED -> {
            }
            case CONNECTING -> {
                phase = Phase.CLOSED;
                actions.cancelConnect();
                actions.reset(Side.CLIENT);
                actions.ended(Termination.KILLED_CONNECTING);
            }
            default -> end(Termination.KILLED);
        }
    }

    /** The proxy wants to stop: whatever is not over at {@code deadline} is ended then. The earliest call counts. */
    public void drain(long deadline) {
        drainDeadline = Math.min(drainDeadline, deadline);
    }

    /** When {@link #timer} has to be called next; {@link Long#MAX_VALUE} for never. Moves with every event. */
    public long deadline() {
        long own = switch (phase) {
            case CONNECTING -> attemptStarted + limits.connectTimeout();
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
                actions.cancelConnect();
                connectFailed(ConnectFailure.TIMED_OUT, now);
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

    /** Where in its life the connection is. */
    public Phase phase() {
        return phase;
    }

    /** Which side has finished sending first, if one has; meaningful in {@link Phase#HALF_CLOSED}. */
    public Side finishedSide() {
        return fromClient.sourceFinished ? Side.CLIENT : Side.BACKEND;
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

    /** Who is waited for: the side that does not take what it is sent, else the one whose turn it is to send. */
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

    /** From now on {@link #received} takes nothing from {@code from}, whatever waited for room before. */
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
