package io.sluice.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@EnabledOnOs(OS.LINUX)
class TcpCallsTest {

    private static final int ROOM = 1024;

    private final TcpCalls calls = new TcpCalls();
    private final MemorySegment memory = Arena.ofAuto().allocate(ROOM);
    private int fd = -1;

    @AfterEach
    void close() throws IOException {
        if (fd >= 0) {
            SystemCalls.close(fd);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1", "::1"})
    void bytes_go_both_ways_until_each_side_has_ended(String ip) throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName(ip)); Socket peer = connected(server)) {
            assertThat(calls.receive(fd, memory.address(), ROOM)).as("nothing yet").isZero();
            memory.copyFrom(MemorySegment.ofArray("ping".getBytes(StandardCharsets.US_ASCII)));
            assertThat(calls.send(fd, memory.address(), 4)).isEqualTo(4);
            calls.shutdownOutput(fd);
            assertThat(peer.getInputStream().readAllBytes()).asString().isEqualTo("ping");

            peer.getOutputStream().write("pong".getBytes(StandardCharsets.US_ASCII));
            Awaitility.await().until(() -> calls.receive(fd, memory.address(), ROOM), n -> n == 4);
            assertThat(memory.asSlice(0, 4).toArray(ValueLayout.JAVA_BYTE)).asString().isEqualTo("pong");
            peer.shutdownOutput();
            Awaitility.await().until(() -> calls.receive(fd, memory.address(), ROOM), n -> n == -1);
        }
    }

    @Test
    void a_frozen_socket_shows_its_numbers_and_goes_on_or_closes_without_a_packet() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket peer = connected(server)) {
            int written;
            try {
                written = calls.freeze(fd);
            } catch (ErrnoException e) {
                assumeThat(e.errno()).as("needs CAP_NET_ADMIN").isNotEqualTo(Errno.EPERM);
                throw e;
            }
            int received = calls.received(fd);
            assertThat(calls.hasUnread(fd)).isFalse();
            peer.getOutputStream().write("four".getBytes(StandardCharsets.US_ASCII));
            Awaitility.await().until(() -> calls.received(fd) - received == 4);
            assertThat(calls.hasUnread(fd)).isTrue();

            calls.thaw(fd);
            assertThat(calls.send(fd, memory.address(), 3)).isEqualTo(3);
            assertThat(peer.getInputStream().readNBytes(3)).hasSize(3);
            Awaitility.await().until(() -> calls.terms(fd).settled());
            assertThat(calls.freeze(fd) - written).isEqualTo(3);

            SystemCalls.close(fd);
            fd = -1;
            peer.setSoTimeout(100);
            assertThatThrownBy(() -> peer.getInputStream().read()).isInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void the_kernel_says_what_both_sides_have_agreed_on() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket peer = connected(server)) {
            TcpTerms terms = calls.terms(fd);
            assertThat(terms.established()).isTrue();
            assertThat(terms.settled()).isTrue();
            assertThat(terms.peerScale()).isEqualTo(terms.ownScale());
            assertThat(terms.peerSegmentBytes()).isPositive();
            assertThat(terms.ownSegmentBytes()).isPositive();
            peer.shutdownOutput();
            Awaitility.await().until(() -> !calls.terms(fd).established());
        }
    }

    @Test
    void the_kernel_says_how_the_peer_answers() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket peer = connected(server)) {
            assertThat(calls.info(fd)).as("nothing was sent").matches(TcpInfo::isSettled)
                    .satisfies(info -> assertThat(info.silentMillis()).isLessThan(60_000));
            calls.send(fd, memory.address(), 4);
            Awaitility.await().until(() -> calls.info(fd).isSettled());

            while (calls.send(fd, memory.address(), ROOM) > 0) {
                // until the peer's window is closed, and the socket is full
            }
            Awaitility.await().until(() -> calls.info(fd).unacknowledged() == 0);
            TcpInfo full = calls.info(fd);
            assertThat(full.isSettled()).as("%s", full).isFalse();
            assertThat(full.unsentBytes()).isPositive();
            assertThat(full.transmissions()).as("the peer answers").isLessThan(3);
            peer.getInputStream().readNBytes(ROOM);
        }
    }

    @Test
    void what_was_received_is_read_before_the_end_of_input_that_is_shut_down() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket peer = connected(server)) {
            peer.getOutputStream().write(new byte[4]);
            Awaitility.await().until(() -> calls.peek(fd, memory.address(), ROOM), n -> n == 4);
            calls.shutdownInput(fd);

            assertThat(calls.receive(fd, memory.address(), ROOM)).isEqualTo(4);
            assertThat(calls.receive(fd, memory.address(), ROOM)).isEqualTo(-1);
            assertThat(calls.error(fd)).isNull();
        }
    }

    @Test
    void a_refusal_is_told_as_such() throws IOException {
        int port;
        try (ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = closed.getLocalPort();
        }
        fd = calls.open(false);
        assertThatThrownBy(() -> {
            if (!calls.connect(fd, InetAddress.getLoopbackAddress(), port)) {
                calls.connected(fd);
            }
        }).isInstanceOf(ConnectException.class).hasMessageContaining("Connection refused");
    }

    @Test
    void a_socket_comes_from_where_it_was_bound() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            fd = calls.open(false);
            calls.bind(fd, InetAddress.getByName("127.0.0.77"), 0);
            calls.connect(fd, server.getInetAddress(), server.getLocalPort());
            try (Socket peer = server.accept()) {
                assertThat(((InetSocketAddress) peer.getRemoteSocketAddress()).getHostString()).isEqualTo("127.0.0.77");
            }
        }
    }

    @Test
    void closing_is_a_reset_if_it_is_to_be() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket peer = connected(server)) {
            calls.resetOnClose(fd);
            SystemCalls.close(fd);
            fd = -1;
            assertThatThrownBy(() -> peer.getInputStream().read()).isInstanceOf(SocketException.class)
                    .hasMessageContaining("reset");
        }
    }

    @Test
    void writing_to_a_socket_that_was_reset_fails_and_ending_it_does_nothing() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Socket peer = connected(server);
            peer.setSoLinger(true, 0);
            peer.close();
            Awaitility.await().untilAsserted(() -> assertThatThrownBy(() -> calls.receive(fd, memory.address(), ROOM))
                    .isInstanceOf(IOException.class).hasMessageContaining("reset"));
            assertThatThrownBy(() -> calls.send(fd, memory.address(), 1)).isInstanceOf(IOException.class)
                    .hasMessageContaining("Broken pipe");
            calls.shutdownOutput(fd);
        }
    }

    @Test
    void a_peer_that_has_ended_is_not_gone_and_one_that_has_reset_is() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Socket peer = connected(server);
            assertThat(calls.gone(fd)).isFalse();
            peer.shutdownOutput();
            Awaitility.await().until(() -> calls.receive(fd, memory.address(), ROOM) == -1);
            assertThat(calls.gone(fd)).isFalse();
            peer.setSoLinger(true, 0);
            peer.close();
            Awaitility.await().until(() -> calls.gone(fd));
        }
    }

    private Socket connected(ServerSocket server) throws IOException {
        fd = calls.open(server.getInetAddress().getAddress().length == 16);
        boolean done = calls.connect(fd, server.getInetAddress(), server.getLocalPort());
        Socket peer = server.accept();
        if (!done) {
            calls.connected(fd);
        }
        return peer;
    }
}
