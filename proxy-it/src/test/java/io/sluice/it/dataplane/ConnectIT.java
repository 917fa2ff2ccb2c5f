package io.sluice.it.dataplane;

import static io.sluice.it.testbed.Script.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.BlackHole;
import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.Load;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.ScriptedPeer;
import io.sluice.it.testbed.TcpTable;
import io.sluice.proxy.Transport;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** From accept until an endpoint takes the connection, or none does. */
class ConnectIT {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @EachTransport
    void an_endpoint_that_refuses_under_load_costs_no_connection(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            sluice.pod(1, "pod-1");
            Pod second = sluice.pod(2, "pod-2");
            second.refuse();
            sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
            Load load = sluice.with(Load.ofShortConnections(sluice.vip("kubia"), 4)).awaitAnswers(500);
            second.start();
            load.awaitAnswers(500);
            load.stopAndExpectNoFailure();
            assertThat(sluice.metric("sluice_connections_failed_total", "kubia")).isZero();
            assertThat(sluice.metric("sluice_connect_retries_total", "kubia")).isPositive();
        }
    }

    @EachTransport
    void a_black_holed_endpoint_is_given_up_after_the_connect_timeout_and_no_client_notices(Transport transport)
            throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport).connect(Duration.ofMillis(200), 3)) {
            sluice.pod(1, "pod-1");
            sluice.with(new BlackHole(sluice.address(2)));
            sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
            for (int i = 0; i < 6; i++) {
                assertThat(sluice.hit("kubia")).isEqualTo("pod-1");
            }
            assertThat(TcpTable.connectingTo(new InetSocketAddress(sluice.address(2), 8080))).isZero();
            assertThat(sluice.metric("sluice_connect_retries_total", "kubia")).isBetween(3.0, 6.0);
        }
    }

    @EachTransport
    void what_a_client_sends_and_finishes_before_an_endpoint_is_connected_arrives(Transport transport)
            throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport).connect(Duration.ofMillis(200), 3)) {
            sluice.with(new BlackHole(sluice.address(1)));
            sluice.server(2, script().receiveToEnd(30_000).send(10));
            sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
            for (int i = 0; i < 4; i++) {
                sluice.client("kubia", script().send(30_000).finish().receiveToEnd(10)).outcome();
            }
        }
    }

    @EachTransport
    void a_connection_that_lives_on_is_kept_alive_on_both_sides(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport).connect(Duration.ofMillis(200), 0)) {
            sluice.server(1, script().send(1).receiveToEnd(0));
            sluice.service("kubia", sluice.address(1)).start();
            InetSocketAddress endpoint = new InetSocketAddress(sluice.address(1), 8080);
            try (Socket client = new Socket()) {
                client.connect(sluice.vip("kubia"));
                assertThat(client.getInputStream().read()).isNotNegative();
                await().atMost(PATIENCE).until(() -> TcpTable.keptAliveTo(endpoint) == 1);
                assertThat(TcpTable.keptAliveTo((InetSocketAddress) client.getLocalSocketAddress())).isEqualTo(1);
            }
        }
    }

    @EachTransport
    void with_every_endpoint_black_holed_the_client_is_reset_after_all_attempts(Transport transport)
            throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport).connect(Duration.ofMillis(200), 1)
                .accessLog()) {
            for (int i = 1; i <= 3; i++) {
                sluice.with(new BlackHole(sluice.address(i)));
            }
            sluice.service("kubia", sluice.address(1), sluice.address(2), sluice.address(3)).start();
            sluice.client("kubia", script().receiveToReset()).outcome();
            assertThat(sluice.refused("kubia", "connect_timeout")).isEqualTo(1);
            await().atMost(PATIENCE).until(() -> sluice.log().accessLines().size() == 1);
            assertThat(sluice.log().accessLines().getFirst()).contains(" 1 retry ").endsWith(" sC");
        }
    }

    @EachTransport
    void with_every_endpoint_refusing_the_client_is_reset(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
            ScriptedPeer client = sluice.client("kubia", script().receiveToReset());
            assertThat(client.outcome().end()).isEqualTo(ScriptedPeer.End.RESET);
            assertThat(sluice.refused("kubia", "connect_failed")).isEqualTo(1);
        }
    }

    @EachTransport
    void a_client_that_resets_while_an_endpoint_is_being_connected_cancels_it(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport).connect(Duration.ofMinutes(5), 0)) {
            sluice.with(new BlackHole(sluice.address(1)));
            sluice.service("kubia", sluice.address(1)).start();
            InetSocketAddress endpoint = new InetSocketAddress(sluice.address(1), 8080);
            for (int bytes : new int[] {0, 100}) {
                long before = TcpTable.connectingTo(endpoint);
                ScriptedPeer client = sluice.client("kubia", script().send(bytes).expectNothingFor(
                        Duration.ofMillis(100)).reset());
                await().atMost(PATIENCE).until(() -> client.done());
                client.outcome();
                sluice.awaitIdle();
                await().atMost(PATIENCE).until(() -> TcpTable.connectingTo(endpoint) <= before);
            }
            assertThat(sluice.metric("sluice_connections_aborted_total", "kubia")).isEqualTo(2);
        }
    }

    @Test
    void without_a_ready_endpoint_connections_are_refused_and_with_one_they_are_accepted() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            sluice.service("kubia").start();
            assertThatThrownBy(() -> sluice.hit("kubia")).isInstanceOf(ConnectException.class);
            assertThat(sluice.get(false, "/api/v1/services")).contains("\"status\":\"NoEndpoints\"", "whyEmpty");
            sluice.service("kubia", sluice.address(1));
            await().atMost(PATIENCE).ignoreExceptionsInstanceOf(ConnectException.class)
                    .until(() -> sluice.hit("kubia"), "pod-1"::equals);
            sluice.service("kubia").awaitEndpoints("kubia");
            await().atMost(PATIENCE).untilAsserted(
                    () -> assertThatThrownBy(() -> sluice.hit("kubia")).isInstanceOf(ConnectException.class));
        }
    }
}
