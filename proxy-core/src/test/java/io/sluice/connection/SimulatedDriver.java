package io.sluice.connection;

import io.sluice.connection.TcpEnd.Chunk;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Drives the real {@link ConnectionMachine} with two simulated sockets, the way an event loop does it with real ones:
 * keeps the buffers, writes what the kernel takes, tries one endpoint after the other, keeps one timer.
 *
 * <p>It checks each action when the machine orders it.
 */
final class SimulatedDriver implements ConnectionActions {

    /** The proxy's socket towards one side, and what the driver knows of it. */
    private final class Socket implements TcpEnd.Application {
        final Side side;
        final TcpEnd end;
        final ArrayDeque<WriteBuffer> toWrite = new ArrayDeque<>();
        boolean reading;
        boolean readPlanned;
        boolean writing;
        boolean closed;
        boolean lastReset;
        /** An end was read and reported; {@code finishReported} if it was one, not the trace of a reset. */
        boolean endRead;
        boolean finishReported;
        boolean failureReported;
        boolean writeFailed;
        /** Its host was silent for too long: the driver reads the bytes that had arrived, then an end. */
        boolean presumedDead;
        /** Bytes read from it that the machine wanted to have delivered. */
        long accepted;
        /** Bytes that the kernel took for it. */
        long written;
        long reported;

        Socket(Side side) {
            this.side = side;
            this.end = new TcpEnd(time, random.split(), scenario.proxyWire(), this);
        }

        boolean aborted() {
            return failureReported || writeFailed;
        }

        @Override
        public void readable() {
            if (closed) {
                return;
            }
            if (reading) {
                readSome();
            } else if (end.resetArrived() && scenario.driver().noticesResets()) {
                while (!closed && readOnce()) {
                    // What the kernel had received is handed over.
                }
            }
        }

        @Override
        public void writable() {
            if (lastReset) {
                resetOnceDelivered();
            } else if (!closed) {
                flush();
            }
        }

        void readSome() {
            for (int i = 0; i < scenario.driver().readsInARow(); i++) {
                if (closed || !reading || !readOnce()) {
                    return;
                }
            }
            planRead();
        }

        void planRead() {
            if (!readPlanned) {
                readPlanned = true;
                time.after(1, () -> {
                    readPlanned = false;
                    if (!closed && reading) {
                        readSome();
                    }
                });
            }
        }

        /** Reads bytes, an end or an error; false if none was there. */
        private boolean readOnce() {
            Chunk chunk = end.read(scenario.driver().readSize());
            if (chunk != null) {
                received(chunk);
                return true;
            }
            boolean untoldReset = end.resetArrived() && !failureReported;
            if (!endRead && (end.finishArrived() || presumedDead || untoldReset && end.errorTaken())) {
                endRead = true;
                finishReported = !writeFailed;
                time.log(() -> side + " finished");
                lastActivity = time.now();
                machine.finished(side, time.now());
                rearm();
                return true;
            }
            if (untoldReset && (!endRead || scenario.driver().noticesResets())) {
                failureReported = true;
                abortedBy(side);
                time.log(() -> side + " failed");
                // Once for the error, once for the socket that is closed thereby.
                machine.failed(side, time.now());
                machine.failed(side, time.now());
                rearm();
            }
            return false;
        }

        private void received(Chunk chunk) {
            boolean wanted = machine.received(side, chunk.length(), time.now());
            time.log(() -> side + " sent " + chunk + (wanted ? "" : ", dropped"));
            if (!wanted) {
                return;
            }
            lastActivity = time.now();
            accepted += chunk.length();
            check(machine.buffered(side) < scenario.limits().bufferBytes() + scenario.driver().readSize()
                    || end.resetArrived(), "more is read than the bound and one read");
            if (connected && held.isEmpty()) {
                socket(side.other()).write(chunk);
            } else {
                held.add(chunk);
            }
        }

        void write(Chunk chunk) {
            if (!closed) {
                toWrite.add(new WriteBuffer(chunk));
                flush();
            }
        }

        private void flush() {
            if (writing) {
                return;
            }
            writing = true;
            while (!closed && !toWrite.isEmpty()) {
                WriteBuffer buffer = toWrite.peek();
                int taken = end.write(buffer.rest);
                if (taken < 0) {
                    fail();
                } else if (taken == 0) {
                    break;
                } else {
                    written += taken;
                    buffer.rest = buffer.rest.without(taken);
                    if (buffer.rest.length() == 0) {
                        toWrite.remove();
                    }
                    if (scenario.driver().reportsPartialWrites()) {
                        deliver(taken);
                    } else if (buffer.rest.length() == 0) {
                        deliver(buffer.length);
                    }
                }
            }
            writing = false;
        }

        private void deliver(int bytes) {
            if (scenario.driver().reportsLate()) {
                time.after(random.nextLong(100_000), () -> report(bytes));
            } else {
                report(bytes);
            }
        }

        private void report(int bytes) {
            long due = Math.min(bytes, written - reported);
            if (due > 0 && !ended) {
                reported += due;
                lastProgress = time.now();
                lastActivity = time.now();
                time.log(() -> side + " was delivered " + due);
                machine.delivered(side, due, time.now());
            }
        }

        /** Every buffer that waits fails, one after the other, after what had been delivered before is reported. */
        private void fail() {
            if (scenario.driver().reportsPartialWrites()) {
                report(Integer.MAX_VALUE);
            } else {
                // Of the buffer that fails a part may have been taken; it is not reported.
                report((int) (written - reported - (toWrite.peek().length - toWrite.peek().rest.length())));
                written = reported;
            }
            int buffers = toWrite.size();
            toWrite.clear();
            writeFailed = true;
            abortedBy(side);
            lastActivity = time.now();
            time.log(() -> "writing to " + side + " failed");
            for (int i = 0; i < buffers; i++) {
                machine.writeFailed(side, time.now());
            }
            rearm();
            if (!closed && reading) {
                planRead();
            }
        }

        /** The peer's host has vanished, which is noticed some time later, if the connection goes on. */
        void dies(ScriptedPeer peer) {
            time.after(scenario.diesAfter(), () -> {
                if (!peer.left()) {
                    peer.die();
                    time.after(scenario.noticed(), this::presumeDead);
                }
            });
        }

        private void presumeDead() {
            if (closed || failureReported || end.resetArrived()) {
                return;
            }
            if (!connected) {
                time.after(scenario.noticed(), this::presumeDead);
                return;
            }
            presumedDead = true;
            toWrite.clear();
            written = reported;
            machine.dead(side);
            if (!writeFailed) {
                writeFailed = true;
                abortedBy(side);
                lastActivity = time.now();
                time.log(() -> side + " is presumed dead");
                machine.writeFailed(side, time.now());
            }
            rearm();
            if (!closed && reading) {
                planRead();
            }
        }

        void resetOnceDelivered() {
            if (end.allDelivered() || time.now() >= resetBy) {
                lastReset = false;
                if (!end.resetArrived()) {
                    end.reset();
                }
            }
        }
    }

    private final VirtualTime time;
    private final SplittableRandom random;
    private final Scenario scenario;
    private final ScriptedPeer clientPeer;
    private final ScriptedPeer backendPeer;
    private final ConnectionMachine machine;
    private final Map<Side, Socket> sockets = new EnumMap<>(Side.class);
    /** What the client sent before an endpoint accepted, and what comes while that is being written. */
    private final ArrayDeque<Chunk> held = new ArrayDeque<>();
    private final Set<Integer> tried = new HashSet<>();
    private final Set<Integer> asked = new HashSet<>();

    private int endpoint = -1;
    private boolean attempting;
    private int attempt;
    private @Nullable ConnectFailure lastFailure;
    private boolean connected;
    private long lastActivity;
    private long resetBy;
    private long timerAt = Long.MAX_VALUE;
    private int timerTask;
    private long drainDeadline = Long.MAX_VALUE;
    private @Nullable Side firstAborted;
    private boolean finishedBefore;
    /** When the first of the two was found to be reset, or when after that the other took something for the last time. */
    private long lastProgress;
    private boolean ended;
    private @Nullable Termination termination;

    SimulatedDriver(VirtualTime time, SplittableRandom random, Scenario scenario, ScriptedPeer clientPeer,
            ScriptedPeer backendPeer) {
        this.time = time;
        this.random = random;
        this.scenario = scenario;
        this.clientPeer = clientPeer;
        this.backendPeer = backendPeer;
        this.machine = new ConnectionMachine(scenario.limits(), this);
        Socket client = new Socket(Side.CLIENT);
        sockets.put(Side.CLIENT, client);
        TcpEnd.join(client.end, clientPeer.socket());
    }

    void start() {
        lastActivity = time.now();
        machine.start(time.now());
        rearm();
        if (scenario.dies() == Side.CLIENT) {
            socket(Side.CLIENT).dies(clientPeer);
        }
        if (scenario.drainAt() >= 0) {
            time.after(scenario.drainAt(), () -> drain(time.now() + scenario.drainGrace()));
        }
    }

    void drain(long deadline) {
        drainDeadline = deadline;
        machine.drain(deadline);
        rearm();
    }

    /** The process is killed: the kernel closes its sockets. */
    void die() {
        ended = true;
        attempting = false;
        timerTask++;
        sockets.values().stream().filter(socket -> !socket.closed).forEach(socket -> {
            socket.closed = true;
            socket.end.close();
        });
    }

    /** Checks, after each event, that no deadline of an open connection has passed unnoticed. */
    void checkTimers() {
        check(machine.deadline() >= time.now() - scenario.driver().lateness(),
                "a deadline passed, and nothing happened");
        check(firstAborted == null || !connected || ended || time.now() - lastProgress
                <= 2 * (scenario.limits().flushTimeout() + scenario.driver().lateness()),
                "a connection lingers of which one side was reset"); // until all of it is read, and until that is delivered
    }

    @Nullable
    Termination termination() {
        return termination;
    }

    boolean connected() {
        return connected;
    }

    ConnectionMachine machine() {
        return machine;
    }

    // Actions of the machine.

    @Override
    public void connect() {
        time.log(() -> "-> connect");
        check(!ended, "an endpoint is asked for after the end");
        check(!connected, "an endpoint is asked for although one is connected");
        check(!attempting, "an endpoint is asked for while one is being connected");
        check(lastFailure != ConnectFailure.LOCAL_RESOURCES, "a local failure is retried");
        endpoint = 0;
        while (tried.contains(endpoint)) {
            endpoint++;
        }
        if (endpoint == scenario.endpoints().size()) {
            machine.noEndpoint(lastFailure);
            return;
        }
        check(asked.add(endpoint), "an endpoint is tried twice");
        check(asked.size() <= 1 + scenario.limits().connectRetries(), "more endpoints are tried than allowed");
        attempting = true;
        int token = ++attempt;
        Scenario.Endpoint chosen = scenario.endpoints().get(endpoint);
        if (chosen.failure() == ConnectFailure.TIMED_OUT) {
            rearm();
        } else if (chosen.delay() == 0) {
            answer(chosen);
        } else {
            time.after(chosen.delay(), () -> {
                if (attempting && token == attempt) {
                    answer(chosen);
                }
            });
            rearm();
        }
    }

    private void answer(Scenario.Endpoint chosen) {
        attempting = false;
        ConnectFailure failure = chosen.failure();
        if (failure != null) {
            time.log(() -> "endpoint " + endpoint + " " + failure);
            tried.add(endpoint);
            lastFailure = failure;
            machine.connectFailed(failure, time.now());
            rearm();
            return;
        }
        time.log(() -> "endpoint " + endpoint + " accepts");
        Socket backend = new Socket(Side.BACKEND);
        sockets.put(Side.BACKEND, backend);
        TcpEnd.join(backend.end, backendPeer.socket());
        backendPeer.start();
        if (scenario.dies() == Side.BACKEND) {
            backend.dies(backendPeer);
        }
        connected = true;
        lastProgress = time.now(); // a client may have been reset before
        lastActivity = time.now();
        machine.connected(time.now());
        while (!held.isEmpty()) {
            backend.write(held.remove());
        }
        rearm();
    }

    @Override
    public void cancelConnect() {
        time.log(() -> "-> cancel connect");
        check(!ended && !connected, "there is no attempt to cancel");
        if (machine.phase() == ConnectionMachine.Phase.CONNECTING) {
            tried.add(endpoint);
            lastFailure = ConnectFailure.TIMED_OUT;
        }
        attempting = false;
    }

    @Override
    public void read(Side side, boolean enabled) {
        time.log(() -> "-> read " + side + " " + enabled);
        Socket socket = open(side);
        socket.reading = enabled;
        if (enabled) {
            if (scenario.driver().readsAtOnce() && side == Side.CLIENT == connected) {
                socket.readSome();
            } else {
                socket.planRead();
            }
        }
    }

    @Override
    public void finish(Side side) {
        time.log(() -> "-> finish " + side);
        Socket socket = open(side);
        check(socket(side.other()).endRead, "an end is relayed that was not read");
        check(socket.toWrite.isEmpty() && held.isEmpty(), "an end is relayed before all before it was delivered");
        socket.end.finish();
    }

    @Override
    public void close(Side side) {
        time.log(() -> "-> close " + side);
        Socket socket = open(side);
        check(socket.toWrite.isEmpty(), "a socket is closed before all was written to it");
        socket.closed = true;
        socket.end.close();
    }

    @Override
    public void reset(Side side) {
        time.log(() -> "-> reset " + side);
        Socket socket = open(side);
        check(firstAborted == null || firstAborted == side || !connected || socket.reading || !socket.end.hasUnread()
                || time.now() >= drainDeadline, "a peer is reset that waits for us to read");
        socket.closed = true;
        socket.end.reset();
    }

    @Override
    public void resetAfterDelivery(Side side) {
        time.log(() -> "-> reset " + side + " after delivery");
        Socket socket = open(side);
        Socket culprit = socket(side.other());
        check(culprit.aborted(), "a reset is relayed that did not happen");
        check(!culprit.end.hasUnread(), "a reset is relayed before what came before it was read");
        check(socket.toWrite.isEmpty() && held.isEmpty() && socket.written == culprit.accepted,
                "a reset is relayed before what was read before it was delivered");
        socket.closed = true;
        socket.lastReset = true;
        resetBy = time.now() + scenario.limits().flushTimeout();
        time.at(resetBy, socket::writable);
        socket.resetOnceDelivered();
    }

    @Override
    public void ended(Termination how) {
        time.log(() -> "-> ended " + how);
        check(!ended, "a connection ends twice");
        check(sockets.values().stream().allMatch(s -> s.closed), "a connection ends with a socket open");
        check(!attempting, "a connection ends with an attempt under way");
        check(fits(how), how + " does not fit what happened");
        check(machine.retries() == Math.max(0, asked.size() - 1), "retries are counted wrong");
        check(machine.phase() == ConnectionMachine.Phase.CLOSED, "ended, but not closed");
        ended = true;
        termination = how;
    }

    private void abortedBy(Side side) {
        if (firstAborted == null) {
            firstAborted = side;
            lastProgress = time.now();
            finishedBefore = sockets.values().stream().anyMatch(s -> s.finishReported);
        }
    }

    private boolean fits(Termination how) {
        Socket client = socket(Side.CLIENT);
        Socket backend = sockets.get(Side.BACKEND);
        boolean finished = client.finishReported || connected && backend.finishReported;
        return switch (how) {
            case NORMAL -> client.finishReported && backend.finishReported && client.written == backend.accepted
                    && backend.written == client.accepted;
            case CLIENT_ABORTED_CONNECTING -> !connected && firstAborted == Side.CLIENT;
            case CLIENT_ABORTED -> connected && firstAborted == Side.CLIENT && !client.presumedDead && !finishedBefore;
            case CLIENT_ABORTED_LAST -> connected && firstAborted == Side.CLIENT && !client.presumedDead && finished;
            case CLIENT_DEAD -> connected && firstAborted == Side.CLIENT && client.presumedDead;
            case BACKEND_REFUSED -> failedLastBy(ConnectFailure.REFUSED, ConnectFailure.UNREACHABLE);
            case BACKEND_ABORTED ->
                    connected && firstAborted == Side.BACKEND && !backend.presumedDead && !finishedBefore;
            case BACKEND_ABORTED_LAST -> connected && firstAborted == Side.BACKEND && !backend.presumedDead && finished;
            case BACKEND_DEAD -> connected && firstAborted == Side.BACKEND && backend.presumedDead;
            case BACKEND_CONNECT_TIMED_OUT -> failedLastBy(ConnectFailure.TIMED_OUT);
            case CLIENT_IDLE, BACKEND_IDLE -> !finished && firstAborted == null
                    && quietFor(scenario.limits().idleTimeout()) && maybeWaitingFor(how == Termination.CLIENT_IDLE);
            case CLIENT_IDLE_LAST, BACKEND_IDLE_LAST -> finished && firstAborted == null
                    && quietFor(Math.min(scenario.limits().idleTimeout(), scenario.limits().halfCloseTimeout()))
                    && maybeWaitingFor(how == Termination.CLIENT_IDLE_LAST);
            case NO_ENDPOINT -> scenario.endpoints().isEmpty();
            case LOCAL_RESOURCES -> failedLastBy(ConnectFailure.LOCAL_RESOURCES, ConnectFailure.NO_LOCAL_PORT);
            case KILLED_CONNECTING -> !connected && time.now() >= drainDeadline;
            case KILLED -> connected && time.now() >= drainDeadline;
            // No operator is in the simulation.
            case ORDERED_CONNECTING, ORDERED -> false;
            // Nor is the kernel's table.
            case KERNEL_NORMAL, KERNEL_RESET, KERNEL_IDLE, KERNEL_FORGOTTEN, KERNEL_ORDERED -> false;
        };
    }

    private boolean failedLastBy(ConnectFailure... failures) {
        return !connected && Set.of(failures).contains(lastFailure);
    }

    private boolean quietFor(long nanos) {
        return connected && time.now() - lastActivity >= nanos;
    }

    /** Not if it is only the other side that does not take what it is sent. */
    private boolean maybeWaitingFor(boolean client) {
        boolean clientIsSlow = !socket(Side.CLIENT).toWrite.isEmpty();
        boolean backendIsSlow = !socket(Side.BACKEND).toWrite.isEmpty();
        return clientIsSlow == backendIsSlow || client == clientIsSlow;
    }

    /** One timer, as an event loop keeps it: moved when the deadline comes nearer, looked at again when it fires. */
    private void rearm() {
        long deadline = machine.deadline();
        if (deadline >= timerAt || ended) {
            return;
        }
        check(deadline >= time.now() - scenario.driver().lateness(), "a deadline lies in the past");
        timerAt = deadline;
        int token = ++timerTask;
        time.at(deadline + random.nextLong(scenario.driver().lateness() + 1), () -> {
            if (token == timerTask) {
                timerAt = Long.MAX_VALUE;
                machine.timer(time.now());
                check(machine.deadline() > time.now(), "a deadline lies in the past after the timer");
                rearm();
            }
        });
    }

    private Socket open(Side side) {
        check(!ended, "an action after the end");
        Socket socket = sockets.get(side);
        check(socket != null, "an action on a socket that is not there");
        check(!socket.closed, "an action on a closed socket");
        return socket;
    }

    private Socket socket(Side side) {
        return sockets.get(side);
    }

    static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
