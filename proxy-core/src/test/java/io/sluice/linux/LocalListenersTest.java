package io.sluice.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.linux.LocalListeners.Listener;
import io.sluice.linux.LocalListeners.Owner;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code /proc} says about sockets that listen: a made one, and that of this machine. */
class LocalListenersTest {

    private static final String TCP =
            """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000 100 0 0 10 0
               1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 100 0 0 10 0
               2: 0100007F:9C40 0100007F:0BB8 01 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0000000000000000 20 4 30 10 -1
               x: nonsense
            """;

    private static final String TCP6 =
            """
              sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4714 1 0000000000000000 100 0 0 10 0
               1: 0000000000000000FFFF00000200007F:0BB9 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4715 1 0000000000000000 100 0 0 10 0
            """;

    @TempDir
    private Path proc;

    @Test
    void sockets_that_listen_are_read_in_both_families() throws IOException {
        Files.createDirectory(proc.resolve("net"));
        Files.writeString(proc.resolve("net/tcp"), TCP);
        Files.writeString(proc.resolve("net/tcp6"), TCP6);
        assertThat(new LocalListeners(proc).sockets()).containsExactly(listener("127.0.0.1", 3000, 4711),
                listener("0.0.0.0", 8080, 4712), listener("::1", 3000, 4714), listener("127.0.0.2", 3001, 4715));
    }

    @Test
    void a_kernel_without_ipv6_has_the_other_family() throws IOException {
        Files.createDirectory(proc.resolve("net"));
        Files.writeString(proc.resolve("net/tcp"), TCP);
        assertThat(new LocalListeners(proc).sockets()).hasSize(2);
    }

    @Test
    void the_process_with_the_lowest_number_has_a_socket_that_several_share() throws IOException {
        process(12, "python3\0worker.py\0", "socket:[4711]");
        process(9, "/usr/bin/python3\0app.py\0", "socket:[4711]", "/dev/null");
        process(7, "bash\0", "/dev/null", "socket:[1]");
        Files.createDirectory(proc.resolve("13")); // gone, or of another user
        assertThat(new LocalListeners(proc).owners(Set.of(4711L)))
                .containsOnly(java.util.Map.entry(4711L, new Owner(9, List.of("/usr/bin/python3", "app.py"))));
    }

    @Test
    void a_process_is_named_by_its_program_and_by_its_words() {
        Owner owner = new Owner(9, List.of("/usr/bin/python3", "/srv/app.py"));
        assertThat(owner.name()).isEqualTo("python3");
        assertThat(owner.isNamed("app.py")).isTrue();
        assertThat(owner.isNamed("app")).isFalse();
        assertThat(new Owner(9, List.of()).name()).isEmpty();
    }

    @Test
    void a_socket_of_this_process_is_found_on_this_machine() throws IOException {
        assumeThat(LocalListeners.areThere()).isTrue();
        try (ServerSocket socket = new ServerSocket()) {
            socket.bind(new InetSocketAddress(IpAddresses.parse("127.131.90.1"), 0));
            LocalListeners machine = new LocalListeners();
            Listener found = machine.sockets().stream()
                    .filter(listener -> listener.port() == socket.getLocalPort()
                            && listener.address().equals(IpAddresses.parse("127.131.90.1")))
                    .findFirst().orElseThrow();
            assertThat(machine.owners(Set.of(found.inode())).values()).extracting(Owner::pid)
                    .containsExactly(ProcessHandle.current().pid());
        }
    }

    private void process(int pid, String commandLine, String... descriptors) throws IOException {
        Path folder = Files.createDirectories(proc.resolve(Integer.toString(pid)).resolve("fd"));
        Files.writeString(proc.resolve(Integer.toString(pid)).resolve("cmdline"), commandLine);
        for (int i = 0; i < descriptors.length; i++) {
            Files.createSymbolicLink(folder.resolve(Integer.toString(i)), Path.of(descriptors[i]));
        }
    }

    private static Listener listener(String address, int port, long inode) {
        return new Listener(IpAddresses.parse(address), port, inode);
    }
}
