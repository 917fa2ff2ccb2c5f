package io.sluice.it.dataplane;

import static io.sluice.it.testbed.Script.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.LiveObjects;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.Script;
import io.sluice.it.testbed.ScriptedPeer;
import io.sluice.it.testbed.ScriptedPeer.End;
import io.sluice.it.testbed.ScriptedPeer.Outcome;
import io.sluice.it.testbed.ScriptedServer;
import io.sluice.proxy.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Any interleaving of sends, pauses, half-closes and resets by both sides ends with every byte delivered in order, or
 * with a reset on both sides. The seed is part of a failure's message; {@code -Dsluice.it.seed=} repeats it.
 */
class InterleavingIT {

    private static final int CONNECTIONS = Integer.getInteger("sluice.it.interleavings", 400);
    private static final int AT_ONCE = 20;

    /** What one side is going to do; it reads all the while. */
    private record Plan(Script course, boolean resets) {

        static Plan of(RandomGenerator random) {
            Script sending = script();
            int sends = random.nextInt(5);
            for (int i = 0; i < sends; i++) {
                sending = sending.then(new Script.Step.SendOrBeReset(1L << random.nextInt(20)));
                if (random.nextBoolean()) {
                    sending = sending.then(new Script.Step.Idle(Duration.ofNanos(random.nextLong(2_000_000))));
                }
            }
            boolean resets = random.nextInt(4) == 0;
            sending = resets ? sending.reset() : sending.finish();
            Script reading = random.nextBoolean()
                    ? script().then(new Script.Step.ReceiveToEndOrReset(1 << 20, Duration.ZERO))
                    : script().then(new Script.Step.ReceiveToEndOrReset(1 << (8 + random.nextInt(8)),
                            Duration.ofNanos(random.nextLong(300_000))));
            return new Plan(script().together(sending, reading), resets);
        }
    }

    @EachTransport
    void every_byte_arrives_in_order_or_both_sides_are_reset(Transport transport) throws Exception {
        long seed = Long.getLong("sluice.it.seed", System.nanoTime());
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            for (int round = 0; round < CONNECTIONS / AT_ONCE; round++) {
                round(sluice, seed, random, round);
            }
            sluice.awaitIdle();
            // A reset waits until what came before it has arrived.
            await("seed " + seed).atMost(Duration.ofMinutes(1))
                    .until(() -> LiveObjects.count("io.sluice.connection.ConnectionMachine") == 0);
        }
    }

    /** Each connection has a Service of its own, so that it is known which two ends belong together. */
    private static void round(RunningSluice sluice, long seed, RandomGenerator random, int round) throws Exception {
        List<Plan> clients = new ArrayList<>();
        List<Plan> servers = new ArrayList<>();
        List<ScriptedServer> backends = new ArrayList<>();
        for (int i = 0; i < AT_ONCE; i++) {
            clients.add(Plan.of(random));
            servers.add(Plan.of(random));
            if (round == 0) {
                sluice.service("s" + i, sluice.address(i));
            }
        }
        if (round == 0) {
            sluice.start();
        }
        for (int i = 0; i < AT_ONCE; i++) {
            backends.add(ScriptedServer.at(sluice.address(i), servers.get(i).course()));
        }
        List<ScriptedPeer> peers = new ArrayList<>();
        for (int i = 0; i < AT_ONCE; i++) {
            peers.add(sluice.client("s" + i, clients.get(i).course()));
        }
        for (int i = 0; i < AT_ONCE; i++) {
            try (ScriptedServer backend = backends.get(i)) {
                String what = "seed " + seed + " round " + round + " connection " + i + " client " + clients.get(i)
                        + " server " + servers.get(i);
                check(what, clients.get(i), peers.get(i), servers.get(i), backend);
            }
        }
    }

    private static void check(String what, Plan client, ScriptedPeer clientPeer, Plan server, ScriptedServer backend) {
        Outcome ofClient = clientPeer.outcome();
        // A client that resets at once may be gone before the backend is reached.
        if (client.resets() && backend.accepted() == 0) {
            return;
        }
        Outcome ofServer = backend.next().outcome();
        direction(what + ": client to server", ofClient, client, ofServer, server);
        direction(what + ": server to client", ofServer, server, ofClient, client);
    }

    /** The bytes themselves were compared as they came. */
    private static void direction(String what, Outcome sender, Plan sends, Outcome receiver, Plan receives) {
        assertThat(receiver.received()).as(what).isLessThanOrEqualTo(sender.sent());
        if (receiver.end() == End.FINISHED) {
            assertThat(sender.finished()).as(what + ": an end that was sent").isTrue();
            assertThat(receiver.received()).as(what + ": whole").isEqualTo(sender.sent());
        } else if (receiver.end() == End.RESET) {
            assertThat(sends.resets() || receives.resets()).as(what + ": somebody has reset").isTrue();
        }
        if (!sends.resets() && !receives.resets()) {
            assertThat(receiver.end()).as(what).isEqualTo(End.FINISHED);
        }
    }
}
