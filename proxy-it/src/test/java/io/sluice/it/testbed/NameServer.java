package io.sluice.it.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;

/** A DNS server outside the cluster: the address of every name is the same, without a TTL; no name has anything else. */
public final class NameServer implements Closeable {

    private static final short TYPE_A = 1;

    private final DatagramSocket socket;
    private final InetAddress answer;

    private NameServer(DatagramSocket socket, InetAddress answer) {
        this.socket = socket;
        this.answer = answer;
        Thread.ofVirtual().start(this::serve);
    }

    /**
     * One that listens over UDP at port 53 of {@code address}.
     *
     * @throws SocketException if it may not
     */
    public static NameServer at(InetAddress address, InetAddress answer) throws SocketException {
        return new NameServer(new DatagramSocket(53, address), answer);
    }

    private void serve() {
        DatagramPacket packet = new DatagramPacket(new byte[512], 512);
        while (!socket.isClosed()) {
            try {
                packet.setLength(512);
                socket.receive(packet);
                byte[] reply = reply(ByteBuffer.wrap(packet.getData(), 0, packet.getLength()));
                socket.send(new DatagramPacket(reply, reply.length, packet.getSocketAddress()));
            } catch (IOException e) {
                // closed, or a client that is gone
            }
        }
    }

    private byte[] reply(ByteBuffer query) {
        int end = 12;
        while (query.get(end) != 0) {
            end += query.get(end) + 1;
        }
        short type = query.getShort(end + 1);
        byte[] question = new byte[end + 5 - 12];
        query.get(12, question);
        ByteBuffer reply = ByteBuffer.allocate(12 + question.length + (type == TYPE_A ? 16 : 0))
                .putShort(query.getShort(0)).putShort((short) 0x8180).putShort((short) 1)
                .putShort((short) (type == TYPE_A ? 1 : 0)).putInt(0).put(question);
        if (type == TYPE_A) {
            reply.putShort((short) 0xc00c).putShort(TYPE_A).putShort((short) 1).putInt(0).putShort((short) 4)
                    .put(answer.getAddress());
        }
        return reply.array();
    }

    @Override
    public void close() {
        socket.close();
    }
}
