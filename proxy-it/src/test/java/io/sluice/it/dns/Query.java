package io.sluice.it.dns;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A question for A records over UDP, as short as it can be. */
final class Query implements AutoCloseable {

    static final int NOERROR = 0;
    static final int NXDOMAIN = 3;

    private final DatagramSocket socket;
    private final InetSocketAddress server;
    private short id;

    /** What came back; {@code answers} is how many records, {@code last} the address in the last one, if there is any. */
    record Reply(int rcode, int answers, @Nullable InetAddress last) {}

    Query(InetSocketAddress server) throws IOException {
        this.server = server;
        socket = new DatagramSocket();
        socket.setSoTimeout(10_000);
    }

    Reply ask(String name) throws IOException {
        ByteBuffer message = ByteBuffer.allocate(512).putShort(++id).putShort((short) 0x0100).putShort((short) 1)
                .putShort((short) 0).putShort((short) 0).putShort((short) 0);
        for (String label : name.split("\\.", -1)) {
            message.put((byte) label.length()).put(label.getBytes(StandardCharsets.US_ASCII));
        }
        message.put((byte) 0).putShort((short) 1).putShort((short) 1);
        byte[] octets = Arrays.copyOf(message.array(), message.position());
        socket.send(new DatagramPacket(octets, octets.length, server));
        DatagramPacket packet = new DatagramPacket(new byte[2_048], 2_048);
        while (true) {
            socket.receive(packet);
            ByteBuffer reply = ByteBuffer.wrap(packet.getData(), 0, packet.getLength());
            if (reply.getShort() == id) {
                int answers = reply.getShort(6);
                byte[] end = Arrays.copyOfRange(packet.getData(), packet.getLength() - 4, packet.getLength());
                return new Reply(reply.getShort() & 15, answers, answers == 0 ? null : InetAddress.getByAddress(end));
            }
        }
    }

    @Override
    public void close() {
        socket.close();
    }
}
