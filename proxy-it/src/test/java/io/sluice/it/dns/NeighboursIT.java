package io.sluice.it.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.NameServer;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.SluiceProcess;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The DNS server between the programs of its machine and the servers that the machine asks. */
class NeighboursIT {

    private static final String WEB = "web.default.svc.cluster.local";

    @Test
    void idle_connections_of_this_machine_leave_tcp_to_its_other_programs() throws Exception {
        try (RunningSluice sluice = new RunningSluice().manifest("web.yaml", Manifests.bareService("web")).dns()
                .start()) {
            InetSocketAddress server = sluice.sluice().dnsAddresses().getFirst();
            List<Socket> idle = new ArrayList<>();
            try {
                for (int i = 0; i < 1_050; i++) {
                    idle.add(new Socket(server.getAddress(), server.getPort()));
                }
                assertThat(overTcp(server)).isPositive();
            } finally {
                for (Socket socket : idle) {
                    socket.close();
                }
            }
        }
    }

    @Test
    void servers_are_asked_as_resolv_conf_names_them(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("resolv.conf");
        try (SluiceProcess sluice = new SluiceProcess()) {
            InetAddress first = InetAddress.getByName(sluice.ip(11));
            InetAddress second = InetAddress.getByName(sluice.ip(12));
            InetSocketAddress listen = new InetSocketAddress(sluice.ip(10), 5353);
            try (NameServer one = server(first); NameServer two = server(second)) {
                assumeTrue(one != null && two != null, "port 53 is not ours to listen at");
                Files.writeString(file, "# no network yet\n");
                sluice.run("--dns-listen", sluice.ip(10) + ":5353", "--dns-upstream", file.toString());
                sluice.awaitLine(file + " names no DNS server");
                try (Query query = new Query(listen)) {
                    Files.writeString(file, "nameserver " + first.getHostAddress() + '\n');
                    await().untilAsserted(() -> assertThat(query.ask("example.com").last()).isEqualTo(first));
                    Files.writeString(file, "nameserver " + second.getHostAddress() + '\n');
                    sluice.signal("HUP");
                    await().untilAsserted(() -> assertThat(query.ask("example.com").last()).isEqualTo(second));
                }
            }
        }
    }

    /** How many octets the answer has. */
    private static int overTcp(InetSocketAddress server) throws IOException {
        ByteBuffer message = ByteBuffer.allocate(512).putShort((short) 0).putShort((short) 7).putShort((short) 0x0100)
                .putShort((short) 1).putShort((short) 0).putShort((short) 0).putShort((short) 0);
        for (String label : WEB.split("\\.", -1)) {
            message.put((byte) label.length()).put(label.getBytes(StandardCharsets.US_ASCII));
        }
        message.put((byte) 0).putShort((short) 1).putShort((short) 1);
        message.putShort(0, (short) (message.position() - 2));
        try (Socket socket = new Socket(server.getAddress(), server.getPort())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(message.array(), 0, message.position());
            return new DataInputStream(socket.getInputStream()).readUnsignedShort();
        }
    }

    private static NameServer server(InetAddress address) {
        try {
            return NameServer.at(address, address);
        } catch (SocketException e) {
            return null;
        }
    }
}
