package io.sluice.it.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.RunningSluice;
import io.sluice.it.testbed.SluiceProcess;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
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
            try (DatagramSocket one = server(first); DatagramSocket two = server(second)) {
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

    /** Answers every question with its own address, without a TTL; null if it may not listen. */
    private static DatagramSocket server(InetAddress address) {
        DatagramSocket socket;
        try {
            socket = new DatagramSocket(53, address);
        } catch (SocketException e) {
            return null;
        }
        Thread.ofVirtual().start(() -> {
            DatagramPacket packet = new DatagramPacket(new byte[512], 512);
            while (!socket.isClosed()) {
                try {
                    packet.setLength(512);
                    socket.receive(packet);
                    byte[] reply = answer(packet, address);
                    socket.send(new DatagramPacket(reply, reply.length, packet.getSocketAddress()));
                } catch (IOException e) {
                    // closed, or a client that is gone
                }
            }
        });
        return socket;
    }

    private static byte[] answer(DatagramPacket query, InetAddress address) {
        ByteBuffer asked = ByteBuffer.wrap(query.getData(), 0, query.getLength());
        int end = 12;
        while (asked.get(end) != 0) {
            end += asked.get(end) + 1;
        }
        byte[] question = new byte[end + 5 - 12];
        asked.get(12, question);
        return ByteBuffer.allocate(12 + question.length + 16).putShort(asked.getShort(0)).putShort((short) 0x8180)
                .putShort((short) 1).putShort((short) 1).putInt(0).put(question).putShort((short) 0xc00c)
                .putShort((short) 1).putShort((short) 1).putInt(0).putShort((short) 4).put(address.getAddress())
                .array();
    }
}
