package io.sluice.it.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.RunningSluice;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** An operator drains, weighs, ejects and kills in a running daemon. */
class OrdersIT {

    private static final Duration PATIENCE = Duration.ofMinutes(1);

    private RunningSluice sluice;

    @BeforeEach
    void start() throws Exception {
        sluice = new RunningSluice().accessLog();
        sluice.pod(1, "pod-1");
        sluice.pod(2, "pod-2");
        sluice.service("kubia", sluice.address(1), sluice.address(2)).start();
    }

    @AfterEach
    void close() throws IOException {
        sluice.close();
    }

    private Terminal run(String... words) {
        Terminal terminal = Terminal.run(sluice, words);
        assertThat(terminal.err()).isEmpty();
        assertThat(terminal.exitCode()).isZero();
        return terminal;
    }

    private String endpoint(int number) {
        return sluice.address(number) + ":8080";
    }

    private Map<String, Integer> hits(int times) throws IOException {
        Map<String, Integer> hits = new TreeMap<>();
        for (int i = 0; i < times; i++) {
            hits.merge(sluice.hit("kubia"), 1, Integer::sum);
        }
        return hits;
    }

    private String events() throws IOException {
        return sluice.get(false, "/api/v1/events?limit=1000");
    }

    @Test
    void a_drained_endpoint_gets_no_new_connection_and_keeps_those_it_has_until_it_is_undrained() throws Exception {
        try (HttpClientConnection one = new HttpClientConnection(sluice.vip("kubia"));
                HttpClientConnection two = new HttpClientConnection(sluice.vip("kubia"))) {
            assertThat(one.ask()).isNotEqualTo(two.ask());
            assertThat(run("drain", endpoint(1)).out()).isEqualTo("default/kubia: " + endpoint(1)
                    + " is drained: it gets no new connections, 1 connection goes on\n");
            assertThat(hits(10)).isEqualTo(Map.of("pod-2", 10));
            // An edit of the Service changes nothing about it.
            sluice.manifests().edit("kubia.yaml",
                    Manifests.service("kubia", sluice.address(1), sluice.address(2), sluice.address(3)));
            sluice.awaitEndpoints("kubia", sluice.address(1), sluice.address(2), sluice.address(3));
            sluice.manifests().edit("kubia.yaml", Manifests.service("kubia", sluice.address(1), sluice.address(2)));
            sluice.awaitEndpoints("kubia", sluice.address(1), sluice.address(2));
            assertThat(hits(10)).isEqualTo(Map.of("pod-2", 10));
            assertThat(one.ask()).isNotEqualTo(two.ask());
        }
        assertThat(run("get", "endpoints").out()).contains(endpoint(1) + " (drained)").doesNotContain("(ejected)");
        assertThat(run("get", "orders").out()).contains(endpoint(1)).contains("drain");
        assertThat(run("explain", "kubia").out()).contains("ready, but drained by hand (");
        assertThat(sluice.metric("sluice_endpoints_drained", "kubia")).isEqualTo(1);
        assertThat(run("undrain", endpoint(1)).out())
                .isEqualTo("default/kubia: " + endpoint(1) + " is drained no more\n");
        assertThat(hits(10)).isEqualTo(Map.of("pod-1", 5, "pod-2", 5));
        assertThat(run("undrain", endpoint(1)).out()).isEqualTo(endpoint(1) + ": nothing is ordered for it\n");
        assertThat(events()).contains("EndpointDrained").contains("EndpointUndrained").contains("by root");
    }

    @Test
    void an_order_ends_with_its_endpoint() throws Exception {
        run("drain", endpoint(1));
        sluice.manifests().edit("kubia.yaml", Manifests.service("kubia", sluice.address(2)));
        sluice.awaitEndpoints("kubia", sluice.address(2));
        sluice.manifests().edit("kubia.yaml", Manifests.service("kubia", sluice.address(1), sluice.address(2)));
        sluice.awaitEndpoints("kubia", sluice.address(1), sluice.address(2));
        assertThat(hits(10)).isEqualTo(Map.of("pod-1", 5, "pod-2", 5));
        assertThat(events()).contains("the endpoint is gone");
    }

    @Test
    void a_service_whose_last_endpoint_is_drained_refuses_and_says_so() throws Exception {
        run("drain", endpoint(1));
        assertThat(run("drain", sluice.address(2)).out())
                .contains("NO ENDPOINT IS LEFT: new connections of default/kubia are refused");
        await().atMost(PATIENCE).untilAsserted(
                () -> assertThatThrownBy(() -> sluice.hit("kubia")).isInstanceOf(ConnectException.class));
        assertThat(run("get", "endpoints").out()).contains("its 2 endpoints are drained by hand");
        assertThat(run("explain", "kubia").out())
                .contains("nowhere: no endpoint takes such connections: its 2 endpoints are drained by hand");
        run("undrain", endpoint(2));
        await().atMost(PATIENCE).ignoreExceptions().until(() -> sluice.hit("kubia").equals("pod-2"));
    }

    @Test
    void what_is_left_after_the_timeout_is_reset_and_a_drain_ends_by_itself() throws Exception {
        try (HttpClientConnection one = new HttpClientConnection(sluice.vip("kubia"));
                HttpClientConnection two = new HttpClientConnection(sluice.vip("kubia"))) {
            String to = one.ask();
            two.ask();
            assertThat(run("drain", endpoint(1), "--timeout", "200ms", "--for", "5s").out())
                    .contains("goes on for 0 s");
            HttpClientConnection reset = to.equals("pod-1") ? one : two;
            HttpClientConnection stays = to.equals("pod-1") ? two : one;
            assertThatThrownBy(() -> reset.socket().getInputStream().read()).hasMessageContaining("reset");
            assertThat(stays.ask()).isEqualTo("pod-2");
        }
        assertThat(sluice.log().accessLines()).anyMatch(line -> line.contains(endpoint(1)) && line.contains(" OD"));
        await().atMost(PATIENCE).until(() -> hits(2).containsKey("pod-1"));
        assertThat(events()).contains("its time is over");
    }

    @Test
    void a_weight_is_followed_and_an_endpoint_that_is_ejected_is_left_out() throws Exception {
        run("weight", endpoint(1), "3");
        assertThat(hits(20)).isEqualTo(Map.of("pod-1", 15, "pod-2", 5));
        run("weight", endpoint(1), "default");
        assertThat(hits(20)).isEqualTo(Map.of("pod-1", 10, "pod-2", 10));
        assertThat(run("eject", endpoint(1)).out()).contains("is ejected: it gets no new connections");
        assertThat(run("eject", endpoint(2)).out()).contains("gets connections all the same");
        assertThat(hits(10)).isEqualTo(Map.of("pod-2", 10));
        assertThat(sluice.metric("sluice_endpoints_ejected", "kubia")).isEqualTo(1);
        run("undrain", endpoint(1), "--service", "kubia");
        run("undrain", endpoint(2), "--service", "default/kubia");
        assertThat(hits(10)).isEqualTo(Map.of("pod-1", 5, "pod-2", 5));
    }

    @Test
    void a_connection_is_killed_by_its_client_and_leaves_the_others() throws Exception {
        try (HttpClientConnection one = new HttpClientConnection(sluice.vip("kubia"));
                HttpClientConnection two = new HttpClientConnection(sluice.vip("kubia"))) {
            one.ask();
            two.ask();
            String client = one.socket().getLocalAddress().getHostAddress() + ":" + one.socket().getLocalPort();
            assertThat(run("kill", "--client", client, "--service", "kubia").out()).isEqualTo("ended 1 connection\n");
            assertThatThrownBy(() -> one.socket().getInputStream().read()).hasMessageContaining("reset");
            two.ask();
            assertThat(run("kill", "--endpoint", sluice.address(9)).out()).isEqualTo("ended 0 connections\n");
            assertThat(run("kill", "--service", "kubia").out()).isEqualTo("ended 1 connection\n");
        }
        sluice.awaitIdle();
        assertThat(sluice.metric("sluice_connections_killed_total", "kubia")).isEqualTo(2);
        assertThat(events()).contains("ConnectionsKilled");
    }

    @Test
    void the_access_log_is_switched_while_connections_come() throws Exception {
        run("access-log", "off");
        sluice.hit("kubia");
        sluice.awaitIdle();
        assertThat(sluice.log().accessLines()).isEmpty();
        run("access-log", "on");
        sluice.hit("kubia");
        await().atMost(PATIENCE).until(() -> sluice.log().accessLines().size() == 1);
    }

    @Test
    void a_mistake_is_one_line_and_changes_nothing() {
        Terminal unknown = Terminal.run(sluice, "drain", sluice.address(7));
        assertThat(unknown.err()).startsWith("sluice: no endpoint of a Service is " + sluice.address(7) + ": ")
                .hasLineCount(1);
        assertThat(unknown.exitCode()).isEqualTo(1);
        assertThat(Terminal.run(sluice, "weight", endpoint(1), "0").exitCode()).isEqualTo(2);
        assertThat(Terminal.run(sluice, "kill").exitCode()).isEqualTo(2);
        assertThat(Terminal.run(sluice, "kill", "4711").err()).isEqualTo("sluice: there is no connection 4711\n");
        assertThat(run("get", "orders", "-A", "-o", "json").out()).contains("\"items\" : [ ]");
    }

    @Test
    void the_socket_is_for_this_user_alone_and_answers_what_is_no_order() throws Exception {
        Path socket = sluice.sluice().operatorSocket().orElseThrow();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket))).isEqualTo("rw-------");
        assertThat(answer(socket, "GET / HTTP/1.1\r\n")).contains("error");
        assertThat(answer(socket, "x".repeat(100_000))).doesNotContain("done");
        assertThat(answer(socket, "{\"order\":\"undrain\",\"target\":\"" + endpoint(1) + "\"}\n")).isEqualTo(
                "{\"done\":[]}\n");
    }

    private static String answer(Path socket, String order) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            ByteBuffer answer = ByteBuffer.allocate(64 * 1024);
            try {
                channel.write(ByteBuffer.wrap(order.getBytes(StandardCharsets.UTF_8)));
                while (channel.read(answer) >= 0) {
                    // Up to the end.
                }
            } catch (IOException e) {
                // It has heard enough, and does not read the rest.
                assertThat(order).hasSizeGreaterThan(16_384);
            }
            return new String(answer.array(), 0, answer.position(), StandardCharsets.UTF_8);
        }
    }
}
