package io.sluice.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who takes a port from all addresses, as the kernel tells. */
class ListeningSocketsTest {

    private static final String HEADING =
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    @TempDir
    private Path net;

    private static String line(String local, String state) {
        return "   0: " + local + " 00000000:0000 " + state
                + " 00000000:00000000 00:00000000 00000000     0        0 7 1\n";
    }

    @Test
    void a_port_at_all_addresses_is_taken_and_at_one_address_it_is_not() throws IOException {
        Files.writeString(net.resolve("tcp"), HEADING + line("00000000:1F90", "0A") + line("0100007F:1F91", "0A")
                + line("00000000:1F92", "01") + "garbage\n");
        Files.writeString(net.resolve("tcp6"), HEADING + line("0".repeat(32) + ":0050", "0A")
                + line("0".repeat(24) + "01000000:0051", "0A"));
        ListeningSockets sockets = ListeningSockets.read(net, "tcp", "0A");

        assertThat(sockets.atAllAddresses(8080, false)).contains("0.0.0.0:8080");
        assertThat(sockets.atAllAddresses(8080, true)).isEmpty();
        assertThat(sockets.atAllAddresses(8081, false)).isEmpty();
        assertThat(sockets.atAllAddresses(8082, false)).isEmpty();
        assertThat(sockets.atAllAddresses(80, false)).contains("[::]:80");
        assertThat(sockets.atAllAddresses(80, true)).contains("[::]:80");
        assertThat(sockets.atAllAddresses(81, true)).isEmpty();
    }

    @Test
    void without_the_files_nothing_is_known() {
        assertThat(ListeningSockets.read(net, "tcp", "0A").atAllAddresses(80, false)).isEmpty();
    }

    @Test
    void a_program_that_listens_now_is_found() throws IOException {
        try (ServerSocket everywhere = new ServerSocket(0);
                ServerSocket here = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            ListeningSockets sockets = ListeningSockets.ofTcp();

            assertThat(sockets.atAllAddresses(everywhere.getLocalPort(), false)).isPresent();
            assertThat(sockets.atAllAddresses(here.getLocalPort(), false)).isEmpty();
        }
    }
}
