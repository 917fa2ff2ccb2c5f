package io.sluice.it.dataplane;

import static io.sluice.it.testbed.Script.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.Gate;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.Script;
import io.sluice.it.testbed.ScriptedPeer;
import io.sluice.proxy.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Timeouts and limits. */
class BoundsIT {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @EachTransport
    void an_idle_connection_is_reset_on_both_sides(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport).idleTimeout(Duration.ofMillis(500))
                .accessLog()) {
            var backend = sluice.server(1, script().receive(10).send(10).receiveToReset());
            sluice.service("kubia", sluice.address(1)).start();
            sluice.client("kubia", script().send(10).receive(10).receiveToReset()).outcome();
            backend.next().outcome();
            await().atMost(PATIENCE).until(() -> sluice.log().accessLines().size() == 1);
            assertThat(sluice.log().accessLines().getFirst()).contains(" 10/10 B ").endsWith(" cD");
        }
    }

    @EachTransport
    void a_connection_that_talks_now_and_then_is_not_idle(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport).idleTimeout(Duration.ofSeconds(3))) {
            Script slow = script();
            Script server = script();
            for (int i = 0; i < 5; i++) {
                slow = slow.expectNothingFor(Duration.ofMillis(800)).send(1).receive(1);
                server = server.receive(1).send(1);
            }
            sluice.server(1, server.receiveToEnd(0));
            sluice.service("kubia", sluice.address(1)).start();
            sluice.client("kubia", slow.finish().receiveToEnd(0)).outcome();
        }
    }

    @Test
    void without_an_idle_timeout_a_silent_connection_stays() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            Gate over = new Gate();
            sluice.server(1, script().await(over).send(1));
            sluice.service("kubia", sluice.address(1)).start();
            ScriptedPeer client = sluice.client("kubia",
                    script().expectNothingFor(Duration.ofSeconds(2)).open(over).receiveToEnd(1));
            client.outcome();
        }
    }

    @EachTransport
    void a_half_closed_connection_has_a_bound_of_its_own(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport).halfCloseTimeout(Duration.ofMillis(500))
                .accessLog()) {
            Gate over = new Gate();
            var backend = sluice.server(1, script().receiveToEnd(10).await(over));
            sluice.service("kubia", sluice.address(1)).start();
            ScriptedPeer whole = sluice.client("kubia", script().send(10).await(over));
            sluice.client("kubia", script().send(10).finish().receiveToReset()).outcome();
            await().atMost(PATIENCE).until(() -> sluice.log().accessLines().size() == 1);
            assertThat(sluice.log().accessLines().getFirst()).endsWith(" sL");
            // The other connection is as silent, but whole.
            assertThat(sluice.sluice().activeConnections()).isEqualTo(1);
            over.open();
            whole.outcome();
            assertThat(backend.accepted()).isEqualTo(2);
        }
    }

    @EachTransport
    void over_the_overall_limit_connections_are_reset_until_one_ends(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport).maxConnections(4, 0)) {
            limitReached(sluice, 4, "limit", "--max-connections)");
        }
    }

    @EachTransport
    void over_the_limit_of_a_service_its_connections_are_reset_and_others_are_not(Transport transport)
            throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport).maxConnections(100, 3)) {
            sluice.pod(9, "other");
            sluice.service("other", sluice.address(9));
            limitReached(sluice, 3, "service_limit", "--max-connections-per-service)");
        }
    }

    private static void limitReached(RunningSluice sluice, int limit, String reason, String flag) throws Exception {
        Gate over = new Gate();
        sluice.server(1, script().send(1).await(over));
        sluice.service("kubia", sluice.address(1)).start();
        List<ScriptedPeer> admitted = new ArrayList<>();
        for (int i = 0; i < limit; i++) {
            Gate in = new Gate();
            admitted.add(sluice.client("kubia", script().receive(1).open(in).await(over).receiveToEnd(0)));
            in.pass();
        }
        for (int i = 0; i < 5; i++) {
            sluice.client("kubia", script().receiveToReset()).outcome();
        }
        assertThat(sluice.refused("kubia", reason)).isEqualTo(5);
        assertThat(sluice.log().lines(Level.WARN, flag)).hasSize(1);
        if (reason.equals("service_limit")) {
            assertThat(sluice.hit("other")).isEqualTo("other");
        }
        over.open();
        for (ScriptedPeer peer : admitted) {
            peer.outcome();
        }
        sluice.awaitIdle();
        sluice.client("kubia", script().receiveToEnd(1)).outcome();
    }
}
