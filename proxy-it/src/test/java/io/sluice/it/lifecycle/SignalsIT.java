package io.sluice.it.lifecycle;

import static io.sluice.it.testbed.Script.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Gate;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.ScriptedPeer;
import io.sluice.it.testbed.ScriptedServer;
import io.sluice.it.testbed.SluiceProcess;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What signals do to a running daemon and to its connections. */
class SignalsIT {

    @Test
    void on_sigterm_new_connections_are_refused_and_established_ones_end_by_themselves() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            Gate asked = new Gate();
            sluice.with(ScriptedServer.at(sluice.ip(1), script().send(10).await(asked).receive(5).send(100_000)));
            sluice.service("kubia", sluice.ip(1)).run("--drain-timeout", "1h", "--access-log");
            Gate in = new Gate();
            ScriptedPeer client = sluice.with(ScriptedPeer.client(sluice.address("kubia"),
                    script().receive(10).open(in).await(asked).send(5).receiveToEnd(100_000)));
            in.pass();
            sluice.signal("TERM").awaitLine("stopping: no new connections");
            awaitRefused(sluice);
            assertThat(sluice.running()).isTrue();
            asked.open();
            client.outcome();
            assertThat(sluice.exitCode()).isZero();
            sluice.awaitLine("every connection had ended by itself");
            assertThat(sluice.lines()).anyMatch(line -> line.endsWith(" --"));
        }
    }

    @Test
    void after_the_drain_timeout_what_is_left_is_reset_and_logged() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            ScriptedServer server = sluice
                    .with(ScriptedServer.at(sluice.ip(1), script().send(10).receiveToReset()));
            sluice.service("kubia", sluice.ip(1)).run("--drain-timeout", "300ms", "--access-log");
            Gate in = new Gate();
            ScriptedPeer client = sluice.with(
                    ScriptedPeer.client(sluice.address("kubia"), script().receive(10).open(in).receiveToReset()));
            in.pass();
            sluice.signal("TERM");
            client.outcome();
            server.next().outcome();
            assertThat(sluice.exitCode()).isZero();
            sluice.awaitLine("connections that had not ended were cut");
            assertThat(sluice.lines()).anyMatch(line -> line.endsWith(" KD"));
        }
    }

    @Test
    void a_second_signal_ends_at_once() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.with(ScriptedServer.at(sluice.ip(1), script().send(10).receiveToReset()));
            sluice.service("kubia", sluice.ip(1)).run("--drain-timeout", "1h");
            Gate in = new Gate();
            ScriptedPeer client = sluice.with(
                    ScriptedPeer.client(sluice.address("kubia"), script().receive(10).open(in).receiveToReset()));
            in.pass();
            sluice.signal("INT").awaitLine("stopping: no new connections");
            sluice.signal("TERM").awaitLine("ending at once");
            client.outcome();
            assertThat(sluice.exitCode()).isZero();
        }
    }

    @Test
    void sighup_reads_the_manifests_again_and_touches_no_connection() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.with(Pod.at(sluice.ip(1), "pod-1"));
            sluice.service("kubia", sluice.ip(1)).run();
            try (HttpClientConnection connection = new HttpClientConnection(sluice.address("kubia"))) {
                assertThat(connection.ask()).isEqualTo("pod-1");
                sluice.signal("HUP").awaitLine("reloading");
                assertThat(connection.ask()).isEqualTo("pod-1");
                assertThat(HttpClientConnection.hit(sluice.address("kubia"))).isEqualTo("pod-1");
            }
            assertThat(sluice.signal("TERM").exitCode()).isZero();
        }
    }

    @Test
    void after_sigkill_both_sides_of_a_connection_see_an_end_and_a_new_daemon_serves_the_same_addresses()
            throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            ScriptedServer server = sluice
                    .with(ScriptedServer.at(sluice.ip(1), script().send(10).receiveToEnd(0)));
            sluice.service("kubia", sluice.ip(1)).run();
            Gate in = new Gate();
            ScriptedPeer client = sluice.with(
                    ScriptedPeer.client(sluice.address("kubia"), script().receive(10).open(in).receiveToEnd(0)));
            in.pass();
            sluice.signal("KILL");
            client.outcome();
            server.next().outcome();
            assertThat(sluice.exitCode()).isEqualTo(128 + 9);
            sluice.run();
            sluice.with(ScriptedPeer.client(sluice.address("kubia"), script().receive(10).finish().receiveToEnd(0)))
                    .outcome();
        }
    }

    @Test
    void a_mistake_in_the_manifests_ends_the_start_with_1_and_a_wrong_option_with_2() throws Exception {
        Path file = Files.createTempFile("broken", ".yaml");
        try {
            Files.writeString(file, "kind: Service\napiVersion: v1\nmetadata: {name: x}\nspec: {ports: [{port: 0}]}\n");
            try (SluiceProcess sluice = new SluiceProcess()) {
                assertThat(sluice.command("run", "-f", file.toString()).exitCode()).isEqualTo(1);
                sluice.awaitLine(file + ":4");
                assertThat(sluice.lines()).noneMatch(line -> line.contains("\tat "));
            }
            try (SluiceProcess sluice = new SluiceProcess()) {
                assertThat(sluice.command("run", "--bogus").exitCode()).isEqualTo(2);
            }
        } finally {
            Files.delete(file);
        }
    }

    private static void awaitRefused(SluiceProcess sluice) {
        await().untilAsserted(
                () -> assertThatThrownBy(() -> HttpClientConnection.hit(sluice.address("kubia")))
                        .isInstanceOf(ConnectException.class));
    }
}
