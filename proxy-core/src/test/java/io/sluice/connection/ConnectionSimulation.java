package io.sluice.connection;

import static io.sluice.connection.SimulatedDriver.check;

import java.util.SplittableRandom;

/**
 * One connection from its accept to its end, decided by a seed: the real {@link ConnectionMachine}, a
 * {@link SimulatedDriver} and two {@link ScriptedPeer}s on a {@link VirtualTime}. The same seed gives the same
 * connection, nanosecond by nanosecond.
 *
 * <p>What has to hold in every one of them: each peer got what the other sent, in order and once, up to an end that
 * the other made, or it was reset; a connection ends once; and what {@link SimulatedDriver} checks on the way.
 */
final class ConnectionSimulation {

    /** More events than any connection needs: a simulation that reaches this goes round in circles. */
    private static final int MOST_EVENTS = 200_000;

    private final Scenario scenario;
    private final VirtualTime time;
    private final ScriptedPeer client;
    private final ScriptedPeer backend;
    private final SimulatedDriver driver;

    private ConnectionSimulation(long seed, boolean logged) {
        scenario = Scenario.of(seed);
        SplittableRandom random = new SplittableRandom(~seed);
        time = new VirtualTime(logged);
        client = new ScriptedPeer(Side.CLIENT, time, random.split(), scenario.client(), scenario.peerWire(),
                scenario.peerReadSize(), scenario.peerPace(), scenario.writesFirst() == Side.CLIENT);
        backend = new ScriptedPeer(Side.BACKEND, time, random.split(), scenario.backend(), scenario.peerWire(),
                scenario.peerReadSize(), scenario.peerPace(), scenario.writesFirst() == Side.BACKEND);
        driver = new SimulatedDriver(time, random.split(), scenario, client, backend);
    }

    /**
     * Plays the connection of {@code seed}.
     *
     * @return how it ended
     * @throws AssertionError if a rule was broken; the message has the seed and all that happened
     */
    static Termination run(long seed) {
        try {
            return new ConnectionSimulation(seed, false).play();
        } catch (AssertionError | RuntimeException broken) {
            throw new AssertionError(replay(seed), broken);
        }
    }

    private static String replay(long seed) {
        ConnectionSimulation again = new ConnectionSimulation(seed, true);
        String problem;
        try {
            again.play();
            problem = "not broken when repeated";
        } catch (AssertionError | RuntimeException broken) {
            problem = broken.toString();
        }
        return "seed %d: %s%n%s%n%s".formatted(seed, problem, again.scenario, String.join("\n", again.time.log()));
    }

    private Termination play() {
        client.start();
        driver.start();
        int events = 0;
        while (time.step()) {
            driver.checkTimers();
            check(++events < MOST_EVENTS, "no end is in sight");
        }
        Termination termination = driver.termination();
        check(termination != null, "the connection never ended; it is " + driver.machine().phase());
        check(!scenario.polite() || termination == Termination.NORMAL,
                "nobody did wrong, and still it ended as " + termination);
        sawRightEnd(client, backend, termination);
        if (driver.connected()) {
            sawRightEnd(backend, client, termination);
        }
        return termination;
    }

    /** Checks that {@code peer} saw the right end. It has checked the bytes that it got itself. */
    static void sawRightEnd(ScriptedPeer peer, ScriptedPeer other, Termination termination) {
        check(peer.got() <= other.sent(), "bytes from nowhere");
        if (peer.sawEnd()) {
            check(other.finished() && peer.got() == other.sent(), "a peer saw an end before all that was sent");
        }
        if (peer.left() || peer.socket().aborted()) {
            return;
        }
        if (termination == Termination.NORMAL) {
            check(peer.sawEnd() || peer.stoppedForEver(), "a peer was not told of the other's end");
            check(!peer.socket().resetArrived() || other.socket().aborted(), "a peer was reset for nothing");
        } else {
            check(peer.socket().resetArrived(), "a peer was not told of the reset");
        }
    }
}
