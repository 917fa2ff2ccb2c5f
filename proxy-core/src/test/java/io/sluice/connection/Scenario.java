package io.sluice.connection;

import io.sluice.connection.ScriptedPeer.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a seed decides before a simulation begins. Buffers are a few bytes long, so that every bound is met
 * often.
 *
 * @param polite    both peers send, finish and read to the end, an endpoint accepts and no time limit is near: such a
 *                  connection has to end well
 * @param endpoints what happens at each when it is connected to
 * @param writesFirst the side that reads nothing while bytes that it sent are still under way; null for neither
 * @param dies      the side whose host vanishes at some time after it was connected; null for neither
 * @param noticed   how long after that the driver takes notice
 * @param drainAt   when the proxy wants to stop, after the start; negative for never
 * @param driver    habits of the driver
 */
record Scenario(long seed, boolean polite, ConnectionLimits limits, List<Endpoint> endpoints, List<Step> client,
        List<Step> backend, @Nullable Side writesFirst, @Nullable Side dies, long diesAfter, long noticed,
        int peerReadSize, long peerPace, TcpEnd.Wire peerWire,
        TcpEnd.Wire proxyWire, long drainAt,
        long drainGrace, Habits driver) {

    /**
     * @param failure null for an endpoint that accepts; {@link ConnectFailure#TIMED_OUT} for one that never answers
     * @param delay   until the answer; 0 for an answer while the driver is still asking
     */
    record Endpoint(@Nullable ConnectFailure failure, long delay) {}

    /**
     * What a driver may do one way or another.
     *
     * @param readSize            the most bytes of one read
     * @param readsInARow         how often it reads before others have their turn
     * @param readsAtOnce         reads already while the machine tells it to read
     * @param noticesResets       hears of a reset while reading is paused, as with epoll; hands over what had arrived
     * @param reportsPartialWrites reports each part that the kernel takes, not only whole buffers
     * @param reportsLate         reports what was delivered some time after it was
     * @param lateness            of timers, at the most
     */
    record Habits(int readSize, int readsInARow, boolean readsAtOnce, boolean noticesResets,
            boolean reportsPartialWrites, boolean reportsLate, long lateness) {}

    private static final long MILLISECOND = TimeUnit.MILLISECONDS.toNanos(1);

    static Scenario of(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        boolean polite = random.nextInt(4) == 0;
        boolean idles = !polite && random.nextInt(3) == 0;
        SplittableRandom deaths = new SplittableRandom(31 * seed + 7);
        boolean drains = !polite && random.nextInt(8) == 0;
        ConnectionLimits limits = polite
                ? new ConnectionLimits(TimeUnit.MINUTES.toNanos(1), 3, Long.MAX_VALUE, TimeUnit.HOURS.toNanos(1),
                        TimeUnit.MINUTES.toNanos(1), 1 + random.nextInt(100))
                : new ConnectionLimits(millis(random, 5, 40), random.nextInt(4),
                        idles ? millis(random, 5, 80) : Long.MAX_VALUE, millis(random, 5, 80), millis(random, 1, 30),
                        1 + random.nextInt(100));
        List<Endpoint> endpoints = new ArrayList<>();
        int before = random.nextInt(4);
        for (int i = 0; i < before; i++) {
            endpoints.add(polite ? refusing(random) : any(random));
        }
        if (polite || random.nextInt(8) != 0) {
            endpoints.add(new Endpoint(null, delay(random, 10)));
        }
        // Without a limit some pairs wait for one another for ever: two that do not read, two that await the other's
        // end, or one that does both.
        boolean limited = idles || drains;
        boolean clientMayStop = !polite && random.nextBoolean();
        boolean backendMayStop = !polite && (limited || !clientMayStop);
        boolean clientAwaits = random.nextInt(4) == 0 && (limited || !clientMayStop);
        boolean backendAwaits = !clientAwaits && random.nextInt(2) == 0 && (limited || !backendMayStop);
        return new Scenario(seed, polite, limits, endpoints,
                script(random, polite, clientMayStop, clientAwaits, limited),
                script(random, polite, backendMayStop, backendAwaits, limited),
                writesFirst(new SplittableRandom(~seed), clientMayStop, backendMayStop, limited),
                polite || deaths.nextInt(8) != 0 ? null : deaths.nextBoolean() ? Side.CLIENT : Side.BACKEND,
                millis(deaths, 0, 40), millis(deaths, 1, 40), 1 + random.nextInt(60), 1 + random.nextLong(MILLISECOND),
                new TcpEnd.Wire(Integer.MAX_VALUE, 1 + random.nextInt(80), 60, MILLISECOND / 2),
                new TcpEnd.Wire(1 + random.nextInt(80), 1 + random.nextInt(80), 60, MILLISECOND / 2),
                drains ? random.nextLong(40 * MILLISECOND) : -1, random.nextLong(20 * MILLISECOND),
                new Habits(1 + random.nextInt(60), 1 + random.nextInt(4), random.nextBoolean(), random.nextBoolean(),
                        random.nextBoolean(), random.nextInt(4) == 0, random.nextBoolean() ? 0 : MILLISECOND));
    }

    /** One that writes first and one that stops reading wait for one another. */
    private static @Nullable Side writesFirst(SplittableRandom random, boolean clientMayStop, boolean backendMayStop,
            boolean limited) {
        if (random.nextInt(3) != 0) {
            return null;
        }
        Side side = random.nextBoolean() ? Side.CLIENT : Side.BACKEND;
        return limited || !(side == Side.CLIENT ? backendMayStop : clientMayStop) ? side : null;
    }

    private static Endpoint refusing(SplittableRandom random) {
        return new Endpoint(ConnectFailure.REFUSED, delay(random, 10));
    }

    private static Endpoint any(SplittableRandom random) {
        return switch (random.nextInt(8)) {
            case 0, 1 -> refusing(random);
            case 2 -> new Endpoint(ConnectFailure.UNREACHABLE, delay(random, 20));
            case 3, 4 -> new Endpoint(ConnectFailure.TIMED_OUT, 1);
            case 5 -> new Endpoint(ConnectFailure.NO_LOCAL_PORT, 0);
            case 6 -> new Endpoint(ConnectFailure.LOCAL_RESOURCES, 0);
            default -> new Endpoint(null, delay(random, 60));
        };
    }

    private static List<Step> script(SplittableRandom random, boolean polite, boolean mayStop, boolean awaits,
            boolean mayLinger) {
        List<Step> script = new ArrayList<>();
        int steps = random.nextInt(8);
        for (int i = 0; i < steps; i++) {
            script.add(switch (random.nextInt(8)) {
                case 0, 1 -> new Step.Pause(millis(random, 0, 15));
                case 2 -> new Step.StopReading(
                        mayStop && random.nextInt(3) == 0 ? ScriptedPeer.FOR_EVER : millis(random, 1, 30));
                default -> new Step.Send(1 + random.nextInt(random.nextBoolean() ? 20 : 400));
            });
        }
        if (awaits) {
            script.add(random.nextInt(script.size() + 1), new Step.AwaitEnd());
        }
        int end = polite ? 0 : random.nextInt(8);
        switch (end) {
            case 4 -> script.add(new Step.Reset());
            case 5 -> script.add(new Step.Close());
            case 6 -> {
                script.add(new Step.Finish());
                script.add(new Step.Pause(millis(random, 0, 20)));
                script.add(random.nextBoolean() ? new Step.Reset() : new Step.Close());
            }
            case 7 -> {
                if (!mayLinger) {
                    script.add(new Step.Finish());
                }
            }
            default -> script.add(new Step.Finish());
        }
        return script;
    }

    private static long delay(SplittableRandom random, int millis) {
        return random.nextInt(3) == 0 ? 0 : millis(random, 0, millis);
    }

    private static long millis(SplittableRandom random, int least, int most) {
        return least * MILLISECOND + 1 + random.nextLong((most - least) * MILLISECOND);
    }
}
