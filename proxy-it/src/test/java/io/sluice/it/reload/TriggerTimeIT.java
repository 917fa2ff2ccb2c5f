package io.sluice.it.reload;

import static io.sluice.it.testbed.Script.script;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.it.testbed.EachTransport;
import io.sluice.it.testbed.Gate;
import io.sluice.it.testbed.Load;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.ScriptedPeer;
import io.sluice.it.testbed.TcpTable;
import io.sluice.proxy.Transport;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Endpoints that come and go: not one new connection fails, and established ones stay where they are. */
class TriggerTimeIT {

    @EachTransport
    void endpoints_come_and_go_under_load_and_no_connection_fails(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            sluice.pod(1, "pod-1");
            sluice.pod(2, "pod-2");
            Pod third = sluice.pod(3, "pod-3");
            sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
            long listener = TcpTable.listenerInode(sluice.vip("kubia"));
            Load brief = sluice.with(Load.ofShortConnections(sluice.vip("kubia"), 4)).awaitAnswers(50);
            Load lasting = sluice.with(Load.ofLongConnections(sluice.vip("kubia"), 4));
            for (int round = 0; round < 10; round++) {
                sluice.service("kubia", sluice.address(1), sluice.address(2), sluice.address(3)).awaitEndpoints("kubia",
                        sluice.address(1), sluice.address(2), sluice.address(3));
                brief.awaitAnswers(30);
                sluice.service("kubia", sluice.address(2), sluice.address(3)).awaitEndpoints("kubia", sluice.address(2),
                        sluice.address(3));
                brief.awaitAnswers(30);
                sluice.service("kubia", sluice.address(1), sluice.address(2)).awaitEndpoints("kubia", sluice.address(1),
                        sluice.address(2));
                brief.awaitAnswers(30);
            }
            lasting.awaitAnswers(100);
            brief.stopAndExpectNoFailure();
            lasting.stopAndExpectNoFailure();
            assertThat(third.requests()).isPositive();
            assertThat(TcpTable.listenerInode(sluice.vip("kubia"))).as("the listening socket").isEqualTo(listener);
        }
    }

    @EachTransport
    void a_removed_endpoint_keeps_its_connections_and_gets_no_new_ones(Transport transport) throws Exception {
        try (RunningSluice sluice = new RunningSluice().transport(transport)) {
            Gate removed = new Gate();
            sluice.server(1, script().send(1).await(removed).receive(5).send(100_000));
            sluice.pod(2, "pod-2");
            sluice.service("kubia", sluice.address(1)).start();
            Gate connected = new Gate();
            ScriptedPeer client = sluice.client("kubia",
                    script().receive(1).open(connected).await(removed).send(5).receiveToEnd(100_000));
            connected.pass();
            sluice.service("kubia", sluice.address(2)).awaitEndpoints("kubia", sluice.address(2));
            for (int i = 0; i < 4; i++) {
                assertThat(sluice.hit("kubia")).isEqualTo("pod-2");
            }
            removed.open();
            client.outcome();
        }
    }

    @Test
    void readiness_of_pods_decides_who_gets_new_connections() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            sluice.pod(2, "pod-2");
            sluice.manifest("all.yaml", pods(sluice, true, true)).start();
            assertThat(List.of(sluice.hit("kubia"), sluice.hit("kubia"))).containsExactlyInAnyOrder("pod-1", "pod-2");
            sluice.manifest("all.yaml", pods(sluice, true, false)).awaitEndpoints("kubia", sluice.address(1));
            assertThat(List.of(sluice.hit("kubia"), sluice.hit("kubia"))).containsOnly("pod-1");
            sluice.manifest("all.yaml", pods(sluice, true, true)).awaitEndpoints("kubia", sluice.address(1),
                    sluice.address(2));
            assertThat(List.of(sluice.hit("kubia"), sluice.hit("kubia"))).containsExactlyInAnyOrder("pod-1", "pod-2");
        }
    }

    private static String pods(RunningSluice sluice, boolean first, boolean second) {
        return Manifests.all(List.of(Manifests.selectingService("kubia"),
                Manifests.pod("kubia", "pod-1", sluice.address(1), first),
                Manifests.pod("kubia", "pod-2", sluice.address(2), second)));
    }

    @Test
    void a_terminating_endpoint_gets_new_connections_only_while_there_is_no_other() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            sluice.pod(1, "pod-1");
            sluice.pod(2, "pod-2");
            sluice.manifest("kubia.yaml", slice(sluice, false)).start();
            assertThat(List.of(sluice.hit("kubia"), sluice.hit("kubia"))).containsExactlyInAnyOrder("pod-1", "pod-2");
            sluice.manifest("kubia.yaml", slice(sluice, true)).awaitEndpoints("kubia", sluice.address(2));
            assertThat(List.of(sluice.hit("kubia"), sluice.hit("kubia"))).containsOnly("pod-2");
            sluice.manifest("kubia.yaml", slice(sluice, true).replace("{ready: true}", "{ready: false}"))
                    .awaitEndpoints("kubia", sluice.address(1));
            assertThat(List.of(sluice.hit("kubia"), sluice.hit("kubia"))).containsOnly("pod-1");
        }
    }

    private static String slice(RunningSluice sluice, boolean terminating) {
        return Manifests.bareService("kubia") + """
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: kubia-1, labels: {kubernetes.io/service-name: kubia}}
                addressType: IPv4
                ports: [{port: 8080}]
                endpoints:
                - {addresses: [%s], conditions: {ready: %s, serving: true, terminating: %s}}
                - {addresses: [%s], conditions: {ready: true}}
                """.formatted(sluice.address(1), !terminating, terminating, sluice.address(2));
    }
}
