package io.sluice.it.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.NotifySocket;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.SluiceProcess;
import java.net.ConnectException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When a process ends by itself, when it says that it should be started again, and when it does not. */
class LivenessIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int ENTRIES = 600_000;

    @Test
    void out_of_memory_ends_the_process_with_a_code_of_its_own_and_a_line() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.with(Pod.at(sluice.ip(1), "pod-1"));
            sluice.service("kubia", sluice.ip(1)).shippedJavaOptions("-Xmx40m").run();
            assertThat(HttpClientConnection.hit(sluice.address("kubia"))).isEqualTo("pod-1");

            sluice.manifests().replace("huge.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: huge}\ndata:\n"
                    + "  key: 'a value that takes memory, again and again'\n".repeat(ENTRIES));
            assertThat(sluice.exitCode()).isEqualTo(3);
            assertThat(sluice.lines()).anyMatch(line -> line.contains("java.lang.OutOfMemoryError"));
            await().atMost(PATIENCE).until(() -> {
                try {
                    HttpClientConnection.hit(sluice.address("kubia"));
                    return false;
                } catch (ConnectException e) {
                    return true;
                }
            });
        }
    }

    @Test
    void a_process_that_was_stopped_for_longer_than_the_stall_timeout_is_alive_when_it_goes_on() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.run("--stall-timeout", "3s");
            assertThat(sluice.health("/livez")).startsWith("200 ");
            sluice.signal("STOP");
            await().pollDelay(Duration.ofSeconds(7)).until(() -> true);
            sluice.signal("CONT");
            await().during(Duration.ofSeconds(4)).atMost(PATIENCE)
                    .until(() -> sluice.health("/livez").startsWith("200 "));
            assertThat(sluice.lines()).noneMatch(line -> line.contains("has made no progress"));
        }
    }

    @Test
    void manifests_that_cannot_be_read_to_their_end_are_not_current_and_the_process_is_alive() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.with(Pod.at(sluice.ip(1), "pod-1"));
            sluice.service("kubia", sluice.ip(1)).run("--stall-timeout", "2s");
            assertThat(sluice.health("/readyz")).startsWith("200 ").contains("\"current\":true");

            Path pipe = sluice.manifests().directory().resolve("pipe.yaml");
            assertThat(new ProcessBuilder("mkfifo", pipe.toString()).inheritIO().start().waitFor()).isZero();
            await().atMost(PATIENCE).until(() -> sluice.health("/readyz").contains("\"current\":false"));
            assertThat(sluice.health("/readyz")).startsWith("200 ").containsPattern(
                    "\"detail\":\"reading manifests since [^\"]+Z, the last good state is in force\"");
            assertThat(sluice.health("/livez")).startsWith("200 ");
            assertThat(sluice.admin("/metrics")).contains("sluice_source_current 0.0",
                    "sluice_thread_stalls_total{kind=\"source\"} 1.0");
            sluice.awaitLine("sluice-manifests (source) has made no progress since ");
            assertThat(HttpClientConnection.hit(sluice.address("kubia"))).isEqualTo("pod-1");

            // Whoever waits for the pipe reads that it is empty; gone it is no manifest any more.
            Path moved = Files.move(pipe, pipe.resolveSibling("pipe"));
            Files.newOutputStream(moved).close();
            await().atMost(PATIENCE).until(() -> sluice.health("/readyz").contains("\"current\":true"));
            sluice.awaitLine("sluice-manifests (source) makes progress again");
        }
    }

    @Test
    void the_service_manager_is_told_of_the_start_of_good_health_and_of_the_end(@TempDir Path directory)
            throws Exception {
        Path socket = directory.resolve("notify");
        try (NotifySocket manager = new NotifySocket(socket.toString()); SluiceProcess sluice = new SluiceProcess()) {
            sluice.environment("NOTIFY_SOCKET", socket.toString()).environment("WATCHDOG_USEC", "1000000").run();
            await().atMost(PATIENCE).until(() -> "READY=1".equals(manager.next()));
            await().atMost(PATIENCE).until(() -> "WATCHDOG=1".equals(manager.next()));
            sluice.signal("TERM");
            await().atMost(PATIENCE).until(() -> "STOPPING=1".equals(manager.next()));
            assertThat(sluice.exitCode()).isZero();
        }
    }
}
