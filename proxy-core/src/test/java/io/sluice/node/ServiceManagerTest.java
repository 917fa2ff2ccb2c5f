package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The messages to the service manager. */
@EnabledOnOs(OS.LINUX)
class ServiceManagerTest {

    private static final long PID = 4711;

    @Test
    void it_is_told_at_the_socket_that_it_names(@TempDir Path directory) throws Exception {
        Path socket = directory.resolve("notify");
        isTold(socket.toString(), socket.toString());
    }

    @Test
    void it_is_told_at_an_abstract_name() throws Exception {
        String name = "sluice-test-" + ProcessHandle.current().pid() + "-" + System.nanoTime();
        isTold("\0" + name, "@" + name);
    }

    private static void isTold(String path, String named) throws Exception {
        ServiceManager manager = ServiceManager
                .of(Map.of("NOTIFY_SOCKET", named, "WATCHDOG_USEC", "30000000", "WATCHDOG_PID", "" + PID), PID);
        try (NotifySocket socket = new NotifySocket(path)) {
            manager.ready();
            manager.alive();
            manager.stopping();
            assertThat(socket.next()).isEqualTo("READY=1");
            assertThat(socket.next()).isEqualTo("WATCHDOG=1");
            assertThat(socket.next()).isEqualTo("STOPPING=1");
        }
        assertThatCode(manager::alive).as("when nobody listens any more").doesNotThrowAnyException();
    }

    @ParameterizedTest(name = "WATCHDOG_USEC={0}, WATCHDOG_PID={1}: every {2} ms")
    @CsvSource({"30000000, , 10000", "30000000, 4711, 10000", "30000000, 4712, ", ", , ", "0, , ", "x, , ",
            "3000000, x, ",
            "9223372036854775807, , "})
    void the_watchdog_wants_to_hear_three_times_in_its_time(String usec, String pid, Long millis) {
        ServiceManager manager = ServiceManager.of(Map.of("NOTIFY_SOCKET", "/run/nobody", "WATCHDOG_USEC",
                usec == null ? "" : usec, "WATCHDOG_PID", pid == null ? "" : pid), PID);
        assertThat(manager.aliveInterval()).isEqualTo(Optional.ofNullable(millis).map(Duration::ofMillis));
    }

    @ParameterizedTest(name = "NOTIFY_SOCKET={0}")
    @CsvSource({"''", "@", "relative", "vsock:2:1234",
            "/too/long/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})
    void without_a_socket_that_can_be_used_nobody_is_told(String socket) {
        assertThat(ServiceManager.of(Map.of("NOTIFY_SOCKET", socket), PID)).isSameAs(ServiceManager.NONE);
        assertThatCode(ServiceManager.NONE::ready).doesNotThrowAnyException();
    }
}
