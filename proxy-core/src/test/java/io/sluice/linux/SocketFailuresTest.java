package io.sluice.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.netty.channel.ChannelException;
import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.unix.Errors;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.ServerSocket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The error number of an exception. All texts are in another language, so that they reveal nothing. */
@EnabledOnOs(OS.LINUX)
class SocketFailuresTest {

    private static final String FOREIGN = "Verbindungsaufbau abgelehnt";
    private static final InetSocketAddress ANY_PORT = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    @ParameterizedTest(name = "{0}")
    @CsvSource({"ETIMEDOUT, true", "EHOSTUNREACH, true", "ENETUNREACH, true", "ECONNRESET, false", "EPIPE, false"})
    void a_peer_that_the_kernel_has_given_up_has_not_reset(Errno errno, boolean dead) {
        assertThat(SocketFailures.ofConnection(new ErrnoException("recv", errno))).isEqualTo(errno);
        assertThat(SocketFailures.isDeadPeer(errno)).isEqualTo(dead);
    }

    static Stream<Arguments> connects() {
        return Stream.of(
                arguments("our own call's number", new ConnectErrnoException(111), Errno.ECONNREFUSED),
                arguments("our own call's number", new ErrnoException("connect", Errno.ENETUNREACH),
                        Errno.ENETUNREACH),
                arguments("Netty's number", netty(Errno.EMFILE), Errno.EMFILE),
                arguments("a number is told below two others",
                        new CompletionException(new ChannelException(FOREIGN, netty(Errno.ENOBUFS))), Errno.ENOBUFS),
                arguments("a number counts more than a class around it", around(new ConnectException(FOREIGN),
                        new ErrnoException("connect", Errno.ETIMEDOUT)), Errno.ETIMEDOUT),
                arguments("Netty's own patience, which is a ConnectException too",
                        new ConnectTimeoutException(FOREIGN), Errno.ETIMEDOUT),
                arguments("the JDK's own patience", new SocketTimeoutException(FOREIGN), Errno.ETIMEDOUT),
                arguments("a refusal to the JDK", new ConnectException(FOREIGN), Errno.ECONNREFUSED),
                arguments("a refusal over UDP", new PortUnreachableException(FOREIGN), Errno.ECONNREFUSED),
                arguments("no route", new NoRouteToHostException(FOREIGN), Errno.EHOSTUNREACH),
                arguments("no port of our own", new BindException(FOREIGN), Errno.EADDRNOTAVAIL),
                arguments("no port of our own, with the address behind", around(new SocketException(FOREIGN + ": /x"),
                        new BindException(FOREIGN)), Errno.EADDRNOTAVAIL),
                arguments("a class that says nothing", new SocketException("Connection refused"), null),
                arguments("a text that says something", new IOException("Too many open files"), null),
                arguments("a number that nobody knows", new ErrnoException("connect", 524), null));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("connects")
    void why_a_socket_is_not_connected(String what, Throwable cause, @Nullable Errno expected) {
        assertThat(SocketFailures.ofConnect(cause)).isEqualTo(expected);
    }

    static Stream<Arguments> texts() {
        return Stream.of(
                arguments("of ours", new ErrnoException("bind", Errno.EACCES), "bind: Permission denied"),
                arguments("of Netty's", netty(Errno.EADDRINUSE),
                        "bind(..) failed with error(-98): Address already in use"),
                arguments("of the JDK's", new ConnectException(FOREIGN), "Connection refused"),
                arguments("of the JDK's with an address", around(new ConnectException(FOREIGN + ": /10.0.0.1:80"),
                        new ConnectException(FOREIGN)), "Connection refused: /10.0.0.1:80"),
                arguments("that is not known", new IOException(FOREIGN), FOREIGN),
                arguments("that is none", new IOException(), "java.io.IOException"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("texts")
    void the_systems_part_of_a_message_is_in_english(String what, Throwable cause, String expected) {
        assertThat(SocketFailures.connectReason(cause)).isEqualTo(expected);
    }

    @Test
    void a_port_that_the_jdk_cannot_bind_is_in_use_if_it_may_be_bound() throws IOException {
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            InetSocketAddress taken = new InetSocketAddress(other.getInetAddress(), other.getLocalPort());
            assertThat(SocketFailures.ofBind(new BindException(FOREIGN), taken)).isEqualTo(Errno.EADDRINUSE);
            assertThat(SocketFailures.bindReason(new BindException(FOREIGN), taken))
                    .isEqualTo("Address already in use");
        }
    }

    @ParameterizedTest
    @CsvSource({"192.0.2.1", "2001:db8::1"})
    void an_address_where_the_jdk_cannot_bind_any_port_is_not_this_machines(String address) {
        InetSocketAddress elsewhere = new InetSocketAddress(address, 8080);
        assertThat(SocketFailures.ofBind(new BindException(FOREIGN), elsewhere)).isEqualTo(Errno.EADDRNOTAVAIL);
        assertThat(SocketFailures.bindReason(new BindException(FOREIGN), elsewhere))
                .isEqualTo("Cannot assign requested address");
    }

    @Test
    void a_number_is_believed_without_a_trial() {
        assertThat(SocketFailures.ofBind(netty(Errno.EACCES), ANY_PORT)).isEqualTo(Errno.EACCES);
        assertThat(SocketFailures.ofBind(new ChannelException(FOREIGN, netty(Errno.EMFILE)), ANY_PORT))
                .isEqualTo(Errno.EMFILE);
    }

    @Test
    void an_address_that_is_none_is_not_tried() {
        assertThat(SocketFailures.ofBind(new BindException(FOREIGN),
                InetSocketAddress.createUnresolved("nowhere.invalid", 80))).isNull();
    }

    @ParameterizedTest
    @CsvSource({"1024, 1024, true", "1020, 1024, true", "1000, 1024, false", "-1, 1024, false", "3, -1, false"})
    void descriptors_are_used_up_when_nearly_all_are_open(long open, long limit, boolean expected) {
        assertThat(OpenFiles.areUsedUp(open, limit)).isEqualTo(expected);
    }

    private static IOException netty(Errno errno) {
        Epoll.ensureAvailability();
        return Errors.newIOException("bind", -errno.number());
    }

    private static Exception around(Exception outer, Exception cause) {
        outer.initCause(cause);
        return outer;
    }
}
