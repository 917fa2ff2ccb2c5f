package io.sluice.it.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.SluiceProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code sluice hosts --write -w}: the names of Services are in a hosts file while it runs. */
@Timeout(180)
class HostsIT {

    private static final String OTHERS = "127.0.0.1 localhost\n";

    private static SluiceProcess watch(Path file, SluiceProcess daemon) throws IOException {
        return new SluiceProcess().command("hosts", "--write", "-w", "--file", file.toString(), "--server",
                "127.0.0.1:" + daemon.serving("metrics").getPort());
    }

    private static void awaitContent(Path file, String expected) {
        await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> assertThat(file).content().contains(expected));
    }

    @Test
    void names_follow_services_and_go_with_the_command_or_the_daemon(@TempDir Path directory) throws Exception {
        Path file = Files.writeString(directory.resolve("hosts"), OTHERS);
        try (SluiceProcess daemon = new SluiceProcess()) {
            daemon.service("kubia", daemon.ip(1)).run();
            String address = daemon.address("kubia").getAddress().getHostAddress();
            try (SluiceProcess hosts = watch(file, daemon)) {
                awaitContent(file, address + "\tkubia.default.svc.cluster.local");
                daemon.service("late", daemon.ip(1));
                awaitContent(file, "\tlate.default.svc.cluster.local");
                assertThat(hosts.signal("TERM").exitCode()).isZero();
                assertThat(file).content().isEqualTo(OTHERS);
                assertThat(hosts.lines()).containsExactly(
                        "1 line with names of Services is in " + file + " until Ctrl-C.",
                        "2 lines with names of Services are in " + file + " now.",
                        "The names of Services are no longer in " + file + ".");
            }
            try (SluiceProcess hosts = watch(file, daemon)) {
                awaitContent(file, "\tlate.default.svc.cluster.local");
                daemon.signal("TERM");
                assertThat(hosts.exitCode()).isEqualTo(1);
                assertThat(file).content().isEqualTo(OTHERS);
            }
        }
    }
}
