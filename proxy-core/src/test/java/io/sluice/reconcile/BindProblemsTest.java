package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sluice.linux.ListeningSockets;
import io.sluice.proxy.AddressKind;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.channels.ServerSocketChannel;
import org.junit.jupiter.api.Test;

/** What is said of an address that another program has. */
class BindProblemsTest {

    private static String problem(ServerSocket other) throws IOException {
        InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), other.getLocalPort());
        try (ServerSocketChannel mine = ServerSocketChannel.open()) {
            Throwable failure = catchThrowable(() -> mine.bind(address));
            return BindProblems.describe(address, AddressKind.CLUSTER_IP, failure, "ss -ltnp", ListeningSockets::ofTcp);
        }
    }

    @Test
    void a_program_that_listens_at_all_addresses_is_told_with_the_ways_out() throws IOException {
        try (ServerSocket everywhere = new ServerSocket(0)) {
            int port = everywhere.getLocalPort();

            assertThat(problem(everywhere)).startsWith("127.0.0.1:" + port
                    + " is already in use by another program that listens at all addresses, ").contains(":" + port
                            + " (ss -ltnp 'sport = :" + port + "' names it): have it listen at 127.0.0.1 alone, or use"
                            + " --port-offset 10000, or connect from within 'sluice exec', where the port is free");
        }
    }

    @Test
    void a_program_that_listens_at_the_address_itself_is_told() throws IOException {
        try (ServerSocket here = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            int port = here.getLocalPort();

            assertThat(problem(here)).isEqualTo("127.0.0.1:" + port + " is already in use by another program"
                    + " (ss -ltnp 'sport = :" + port + "' names it)");
        }
    }
}
