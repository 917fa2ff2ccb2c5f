package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.netty.channel.ChannelException;
import io.netty.channel.ConnectTimeoutException;
import io.sluice.connection.ConnectFailure;
import io.sluice.linux.ConnectErrnoException;
import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.SocketException;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What the kernel's answers say of an endpoint: only a refusal and silence are its own fault, and eject it. */
class ProbeResultTest {

    @ParameterizedTest
    @CsvSource({"Connection refused, SILENT", "Connection timed out, SILENT", "Connection reset by peer, SILENT",
            "Too many open files, INCONCLUSIVE", "Too many open files in system, INCONCLUSIVE",
            "No buffer space available, INCONCLUSIVE", "Cannot allocate memory, INCONCLUSIVE",
            "Cannot assign requested address, INCONCLUSIVE", "Network is unreachable, INCONCLUSIVE",
            "No route to host, INCONCLUSIVE", "Operation not permitted, INCONCLUSIVE"})
    void what_a_failed_attempt_says_of_the_endpoint(String kernel, ProbeResult expected) {
        Errno errno = Arrays.stream(Errno.values()).filter(e -> e.meaning().equals(kernel)).findFirst().orElseThrow();
        assertThat(ProbeResult.of(ConnectFailures.classify(new ConnectErrnoException(errno.number()))))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("failures")
    void the_attempt_has_failed_for_a_reason_that_its_number_or_its_class_tells(Throwable cause,
            ConnectFailure expected) {
        assertThat(ConnectFailures.classify(cause)).isEqualTo(expected);
    }

    static Stream<Arguments> failures() {
        return Stream.of(
                arguments(new ConnectErrnoException(Errno.ECONNREFUSED.number()), ConnectFailure.REFUSED),
                arguments(new ErrnoException("socket", Errno.EMFILE), ConnectFailure.LOCAL_RESOURCES),
                arguments(new ErrnoException("socket", Errno.ENOBUFS), ConnectFailure.LOCAL_RESOURCES),
                arguments(new ErrnoException("bind", Errno.EADDRINUSE), ConnectFailure.UNREACHABLE),
                arguments(new ConnectException("Verbindungsaufbau abgelehnt"), ConnectFailure.REFUSED),
                arguments(new ConnectTimeoutException("zu spät"), ConnectFailure.TIMED_OUT),
                arguments(new BindException("Die angeforderte Adresse kann nicht zugewiesen werden"),
                        ConnectFailure.NO_LOCAL_PORT),
                arguments(new NoRouteToHostException("Keine Route zum Zielrechner"), ConnectFailure.UNREACHABLE),
                arguments(new ChannelException("kein Socket", new SocketException("zu viele offene Dateien")),
                        ConnectFailure.LOCAL_RESOURCES),
                arguments(new IOException("closed"), ConnectFailure.UNREACHABLE));
    }
}
