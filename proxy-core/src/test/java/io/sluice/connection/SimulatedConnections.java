package io.sluice.connection;

import static io.sluice.connection.SimulatedDriver.check;

import io.sluice.connection.Scenario.Endpoint;
import io.sluice.connection.Scenario.Habits;
import io.sluice.connection.ScriptedPeer.Step;
import io.sluice.connection.TcpEnd.Wire;
import io.sluice.simulation.World;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one simulated process, byte by byte: the real {@link ConnectionMachine} with its {@link SimulatedDriver} and
 * two peers for each, in the time of a {@link World}. Peers end in the five ways of a program that checks a proxy, or die.
 */
public final class SimulatedConnections {

    private static final long SECOND = 1_000_000_000L;
    private static final long MILLISECOND = SECOND / 1000;
    /** Longer than any script goes on. */
    private static final long LONGEST = 8 * 60 * SECOND;
    /** The time within which peers have got everything after the end of a connection. */
    private static final long DELIVERED = 30 * SECOND;
    private static final int PING_BYTES = 64;

    /** Who ends a connection, and how. */
    private enum Ending {
        /** The client finishes; the server responds to the end, and finishes. */
        CLIENT_FINISHES,
        /** The server finishes; then the client closes. */
        SERVER_FINISHES,
        /** The client resets when all that it has sent is on its way, and when it has got all, or earlier. */
        CLIENT_RESETS,
        /** The server does. */
        SERVER_RESETS,
        /** Questions and answers in turn, then the client finishes. */
        PING
    }

    /**
     * The scripts of both peers.
     *
     * @param dueToServer how many bytes the server has to get in the end, at the least
     * @param dueToClient the same of the client
     */
    private record Scripts(List<Step> client, List<Step> server, long dueToServer, long dueToClient) {}

    /** One connection. */
    private static final class One {
        final Ending ending;
        final Scripts scripts;
        final boolean refused;
        final @Nullable Side dies;
        final ScriptedPeer client;
        final ScriptedPeer server;
        final SimulatedDriver driver;
        final long began;
        /** When the process that drains ends it; never if it does not drain. */
        long drainsUntil = Long.MAX_VALUE;
        boolean killed;
        long endedAt = -1;

        One(Time time, SplittableRandom random, Ending ending, Scripts scripts, int failed, boolean accepted,
                @Nullable Side dies) {
            this.ending = ending;
            this.scripts = scripts;
            this.refused = !accepted;
            this.dies = dies;
            this.began = time.now();
            Scenario scenario = scenario(random, scripts, failed, accepted, dies);
            client = new ScriptedPeer(Side.CLIENT, time, random.split(), scripts.client(), scenario.peerWire(),
                    scenario.peerReadSize(), scenario.peerPace(), false);
            server = new ScriptedPeer(Side.BACKEND, time, random.split(), scripts.server(), scenario.peerWire(),
                    scenario.peerReadSize(), scenario.peerPace(), false);
            driver = new SimulatedDriver(time, random.split(), scenario, client, server);
        }

        boolean over() {
            return killed || driver.termination() != null;
        }
    }

    /** The world's time for a driver and its peers. */
    private static final class Time extends VirtualTime {

        private final World world;
        private @Nullable One one;

        Time(World world) {
            super(false);
            this.world = world;
        }

        @Override
        long now() {
            return world.nanoTime();
        }

        @Override
        void at(long time, Runnable action) {
            world.after(time - now(), () -> {
                action.run();
                One known = one;
                if (known != null && !known.over()) {
                    known.driver.checkTimers();
                }
            });
        }

        @Override
        void log(Supplier<String> line) {
            // A history of the world has other lines.
        }
    }

    private final World world;
    private final SplittableRandom random;
    private final List<One> open = new ArrayList<>();

    /** None yet. */
    public SimulatedConnections(World world, long seed) {
        this.world = world;
        this.random = new SplittableRandom(seed);
    }

    /**
     * A client has connected.
     *
     * @param failed   how many endpoints refuse before one accepts
     * @param accepted whether one does
     * @param mayDie   whether the host of a peer may vanish in the middle
     */
    public void accept(int failed, boolean accepted, boolean mayDie) {
        SplittableRandom own = random.split();
        Ending ending = Ending.values()[own.nextInt(Ending.values().length)];
        Side dies = mayDie && own.nextInt(4) == 0 ? own.nextBoolean() ? Side.CLIENT : Side.BACKEND : null;
        Time time = new Time(world);
        One one = new One(time, own, ending, scripts(own, ending), failed, accepted, dies);
        time.one = one;
        open.add(one);
        one.client.start();
        one.driver.start();
    }

    /** How many have not been found to be over. */
    public int size() {
        return open.size();
    }

    /** The process wants to end: those that go on for longer than {@code nanos} are reset. */
    public void drain(long nanos) {
        open.stream().filter(one -> !one.over()).forEach(one -> {
            one.drainsUntil = world.nanoTime() + nanos;
            one.driver.drain(one.drainsUntil);
        });
    }

    /** {@code kill -9}: the kernel closes its sockets. */
    public void kill() {
        open.stream().filter(one -> !one.over()).forEach(one -> {
            one.killed = true;
            one.driver.die();
        });
    }

    /** Checks all connections, and forgets those that have come to a right end. */
    public void review() {
        long now = world.nanoTime();
        open.removeIf(one -> {
            if (!one.over()) {
                one.driver.checkTimers();
                check(now - SECOND < one.drainsUntil, "a connection goes on after the time to drain: " + one.ending);
                check(now - one.began < LONGEST, "a connection does not come to an end: " + one.ending);
                return false;
            }
            if (one.endedAt < 0) {
                one.endedAt = now;
            }
            if (now - one.endedAt < DELIVERED) {
                return false;
            }
            endedRight(one);
            return true;
        });
    }

    private static void endedRight(One one) {
        if (one.killed) {
            check(isTold(one.client) && (!one.driver.connected() || isTold(one.server)),
                    "a peer waits for a process that was killed: " + one.ending);
            return;
        }
        Termination how = one.driver.termination();
        if (how == null) {
            throw new AssertionError("it has not ended");
        }
        ConnectionSimulation.sawRightEnd(one.client, one.server, how);
        if (one.driver.connected()) {
            ConnectionSimulation.sawRightEnd(one.server, one.client, how);
        }
        if (one.refused || one.drainsUntil != Long.MAX_VALUE || one.dies != null) {
            return;
        }
        check(one.client.got() >= one.scripts.dueToClient() && one.server.got() >= one.scripts.dueToServer(),
                "bytes are missing after " + one.ending + ", which ended as " + how + ": the client got "
                        + one.client.got() + " of " + one.scripts.dueToClient() + ", the server " + one.server.got()
                        + " of " + one.scripts.dueToServer());
        check(how == switch (one.ending) {
            case CLIENT_FINISHES, SERVER_FINISHES, PING -> Termination.NORMAL;
            case CLIENT_RESETS -> Termination.CLIENT_ABORTED;
            case SERVER_RESETS -> Termination.BACKEND_ABORTED;
        }, one.ending + " ended as " + how);
    }

    private static boolean isTold(ScriptedPeer peer) {
        return peer.left() || peer.socket().resetArrived() || peer.socket().finishArrived()
                || peer.socket().aborted();
    }

    private static Scenario scenario(SplittableRandom random, Scripts scripts, int failed, boolean accepted,
            @Nullable Side dies) {
        List<Endpoint> endpoints = new ArrayList<>();
        for (int i = 0; i < failed; i++) {
            endpoints.add(new Endpoint(ConnectFailure.REFUSED, random.nextLong(100 * MILLISECOND)));
        }
        if (accepted) {
            endpoints.add(new Endpoint(null, random.nextLong(300 * MILLISECOND)));
        }
        ConnectionLimits limits = new ConnectionLimits(5 * SECOND, 2, Long.MAX_VALUE, 300 * SECOND, 60 * SECOND,
                100 + random.nextInt(400));
        Wire wire = new Wire(Integer.MAX_VALUE, 50 + random.nextInt(300), 200, 20 * MILLISECOND);
        return new Scenario(0, false, limits, endpoints, scripts.client(), scripts.server(), null, dies,
                random.nextLong(40 * SECOND), SECOND + random.nextLong(20 * SECOND), 50 + random.nextInt(200),
                100 * MILLISECOND, wire,
                new Wire(50 + random.nextInt(300), 50 + random.nextInt(300), 200, 20 * MILLISECOND), -1, 0,
                new Habits(50 + random.nextInt(200), 1 + random.nextInt(4), random.nextBoolean(),
                        random.nextBoolean(), random.nextBoolean(), random.nextInt(4) == 0, MILLISECOND));
    }

    private static Scripts scripts(SplittableRandom random, Ending ending) {
        List<Step> client = new ArrayList<>();
        List<Step> server = new ArrayList<>();
        if (ending == Ending.PING) {
            int rounds = 1 + random.nextInt(6);
            for (int i = 1; i <= rounds; i++) {
                client.add(new Step.Send(PING_BYTES));
                client.add(new Step.AwaitBytes((long) PING_BYTES * i));
                client.add(new Step.Pause(random.nextLong(20 * SECOND)));
                server.add(new Step.AwaitBytes((long) PING_BYTES * i));
                server.add(new Step.Send(PING_BYTES));
            }
            client.add(new Step.Finish());
            server.add(new Step.AwaitEnd());
            server.add(new Step.Finish());
            return new Scripts(client, server, (long) PING_BYTES * rounds, (long) PING_BYTES * rounds);
        }
        long fromClient = sends(random, client);
        long fromServer = sends(random, server);
        boolean early = random.nextBoolean();
        switch (ending) {
            case CLIENT_FINISHES -> {
                client.add(new Step.Finish());
                server.add(new Step.AwaitEnd());
                server.add(new Step.Finish());
            }
            case SERVER_FINISHES -> {
                server.add(new Step.Finish());
                client.add(new Step.AwaitEnd());
                client.add(new Step.Close());
            }
            case CLIENT_RESETS -> {
                fromServer = early ? 0 : fromServer;
                resets(client, fromServer);
            }
            case SERVER_RESETS -> {
                fromClient = early ? 0 : fromClient;
                resets(server, fromClient);
            }
            case PING -> throw new IllegalStateException("has scripts of its own");
        }
        return new Scripts(client, server, fromClient, fromServer);
    }

    private static void resets(List<Step> script, long due) {
        script.add(new Step.AwaitBytes(due));
        script.add(new Step.AwaitDelivery());
        script.add(new Step.Reset());
    }

    private static long sends(SplittableRandom random, List<Step> script) {
        long sum = 0;
        for (int i = random.nextInt(4); i >= 0; i--) {
            int bytes = 1 + random.nextInt(600);
            script.add(new Step.Send(bytes));
            script.add(new Step.Pause(random.nextLong(random.nextBoolean() ? SECOND : 15 * SECOND)));
            sum += bytes;
        }
        return sum;
    }
}
