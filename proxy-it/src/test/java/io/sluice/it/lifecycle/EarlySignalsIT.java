package io.sluice.it.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.SluiceProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Signals that come before the daemon has started. */
class EarlySignalsIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Test
    void sighup_from_the_first_moment_of_the_launcher_on_is_a_reload_and_ends_nothing(@TempDir Path folder)
            throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.startedByLauncher(folder);
            hangsUpWhileItStarts(sluice);
        }
    }

    @Test
    void sighup_is_a_reload_for_a_daemon_that_was_started_with_it_ignored() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.startedBy("nohup");
            hangsUpWhileItStarts(sluice);
        }
    }

    private static void hangsUpWhileItStarts(SluiceProcess sluice) throws Exception {
        sluice.with(Pod.at(sluice.ip(1), "pod-1"));
        sluice.service("kubia", sluice.ip(1)).begin();
        await().atMost(PATIENCE).until(() -> ignoresHangup(sluice));
        while (sluice.running() && sluice.lines().stream().noneMatch(line -> line.contains("started on"))) {
            sluice.signal("HUP");
        }
        sluice.awaitLine("started on");
        int before = sluice.lines().size();
        await().atMost(PATIENCE).until(() -> {
            sluice.signal("HUP");
            return sluice.lines().stream().skip(before).anyMatch(line -> line.contains("reloading"));
        });
        assertThat(HttpClientConnection.hit(sluice.address("kubia"))).isEqualTo("pod-1");
        assertThat(sluice.signal("TERM").exitCode()).isZero();
    }

    @Test
    void sigterm_while_it_starts_ends_it_with_0() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            sluice.service("kubia", sluice.ip(1)).begin("--log-level", "debug");
            sluice.awaitLine("Settings in effect");

            assertThat(sluice.signal("TERM").exitCode()).isZero();
            assertThat(sluice.lines()).noneMatch(line -> line.contains("\tat "));
        }
    }

    @Test
    void sigterm_ends_a_start_that_does_not_end() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            // Nobody writes to its standard input.
            sluice.command("run", "-f", "-", "--log-level", "debug", "--metrics-bind-address", "127.0.0.1:0",
                    "--healthz-bind-address", "127.0.0.1:0").awaitLine("Settings in effect");

            assertThat(sluice.signal("TERM").exitCode()).isZero();
            sluice.awaitLine("asked to stop, and the start takes long: ending at once");
        }
    }

    private static boolean ignoresHangup(SluiceProcess sluice) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + sluice.pid() + "/status")).stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .anyMatch(line -> line.endsWith("1") || line.endsWith("3") || line.endsWith("5") || line.endsWith("7"));
    }
}
