package io.sluice.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@EnabledOnOs(OS.LINUX)
class TcpSocketsTest {

    private TcpSockets sockets;

    @BeforeEach
    void open() throws IOException {
        sockets = TcpSockets.open();
    }

    @AfterEach
    void close() throws IOException {
        sockets.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.120.19.1", "::1"})
    void a_connection_is_found_by_its_addresses_while_it_lasts(String ip) throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName(ip));
                Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
                Socket accepted = server.accept()) {
            client.getOutputStream().write('?');
            assertThat(accepted.getInputStream().read()).isEqualTo('?');

            await().untilAsserted(() -> assertThat(sockets.info(local(client), remote(client)))
                    .hasValueSatisfying(info -> assertThat(info.isSettled()).isTrue()));
            assertThat(sockets.info(local(client), new InetSocketAddress(ip, 9))).isEmpty();
            assertThat(sockets.endTimeWait(local(client), remote(client), 0)).as("ESTABLISHED is let be").isFalse();
            client.getOutputStream().write('!');
            assertThat(accepted.getInputStream().read()).isEqualTo('!');
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.120.19.2", "::1"})
    void time_wait_ends_after_a_while_and_its_addresses_can_be_used_again(String ip) throws IOException {
        assumeThat(System.getProperty("user.name")).as("needs CAP_NET_ADMIN").isEqualTo("root");
        try (ServerSocket server = new ServerSocket(0, 2, InetAddress.getByName(ip))) {
            InetSocketAddress local = connectAndClose(server, new InetSocketAddress(ip, 0));
            InetSocketAddress remote = new InetSocketAddress(ip, server.getLocalPort());

            assertThat(sockets.endTimeWait(local, remote, 50_000)).as("too early").isFalse();
            assertThat(sockets.info(local, remote)).as("nobody is there").isEmpty();
            assertThat(sockets.endTimeWait(local, remote, 0)).isTrue();
            assertThat(sockets.endTimeWait(local, remote, 0)).as("it has ended").isFalse();
            assertThat(connectAndClose(server, local)).isEqualTo(local);
        }
    }

    /** The client closes first; returns its address. */
    private static InetSocketAddress connectAndClose(ServerSocket server, InetSocketAddress from) throws IOException {
        try (Socket client = new Socket()) {
            client.setReuseAddress(true);
            client.bind(from);
            client.connect(new InetSocketAddress(server.getInetAddress(), server.getLocalPort()));
            InetSocketAddress local = local(client);
            try (Socket accepted = server.accept()) {
                client.shutdownOutput();
                assertThat(accepted.getInputStream().read()).isEqualTo(-1);
            }
            assertThat(client.getInputStream().read()).isEqualTo(-1);
            return local;
        }
    }

    private static InetSocketAddress local(Socket socket) {
        return (InetSocketAddress) socket.getLocalSocketAddress();
    }

    private static InetSocketAddress remote(Socket socket) {
        return (InetSocketAddress) socket.getRemoteSocketAddress();
    }
}
