package io.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.cli.Console;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The whole demo, over real sockets. */
@Timeout(60)
class DemoCommandTest {

    @BeforeEach
    void thePodsAddressesAreFree() throws IOException {
        assumeThat(isFree(8080)).as("another demo runs on this machine").isTrue();
    }

    @Test
    void connections_are_spread_evenly_and_nothing_is_left_behind() throws IOException {
        List<Path> before = leftovers();

        Console console = Console.run("demo", "--port-offset", "17000", "--connections", "6");

        assertThat(console.exitCode()).as(console.err()).isZero();
        assertThat(console.out()).contains("curl http://127.120.", ":17080/", "./sluice get services",
                "2 × You've hit kubia-zcmpd", "2 × You've hit kubia-24brm", "2 × You've hit kubia-v4hnm");
        assertThat(console.out().lines().filter(line -> line.contains(" → kubia:http → kubia-"))).hasSize(6);
        assertThat(leftovers()).isEqualTo(before);
        assertThat(isFree(8080)).isTrue();
    }

    @Test
    void admin_ports_that_are_taken_are_replaced_and_it_is_said() throws IOException {
        try (ServerSocket taken = new ServerSocket()) {
            try {
                taken.bind(new InetSocketAddress(IpAddresses.parse("127.0.0.1"), 10249));
            } catch (BindException e) {
                // Taken already: just as well.
            }
            Console console = Console.run("demo", "--port-offset", "17000", "--connections", "1");

            assertThat(console.exitCode()).as(console.err()).isZero();
            assertThat(console.out()).contains("Port 10249 for metrics is in use; the demo uses ",
                    "./sluice get services --server 127.0.0.1:");
        }
    }

    private static boolean isFree(int port) throws IOException {
        try (ServerSocket probe = new ServerSocket()) {
            probe.bind(new InetSocketAddress(IpAddresses.parse("127.121.0.11"), port));
            return true;
        } catch (BindException e) {
            return false;
        }
    }

    private static List<Path> leftovers() throws IOException {
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return files.filter(file -> file.getFileName().toString().startsWith("sluice-demo-")).sorted().toList();
        }
    }
}
