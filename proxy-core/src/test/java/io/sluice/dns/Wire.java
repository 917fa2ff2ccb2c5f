package io.sluice.dns;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.Arrays;
import org.xbill.DNS.Message;

/** A DNS client over plain sockets. */
public final class Wire {

    private static final int PATIENCE_MILLIS = 10_000;

    private Wire() {}

    public static Message udp(InetSocketAddress server, Message query) throws IOException {
        byte[] reply = udp(server, query.toWire(), PATIENCE_MILLIS);
        if (reply == null) {
            throw new SocketTimeoutException("no answer from " + server);
        }
        return new Message(reply);
    }

    /** Null for silence. */
    public static byte[] udp(InetSocketAddress server, byte[] query, int patienceMillis) throws IOException {
        try (DatagramSocket socket = new DatagramSocket(0, server.getAddress())) {
            socket.connect(server);
            socket.setSoTimeout(patienceMillis);
            socket.send(new DatagramPacket(query, query.length));
            DatagramPacket packet = new DatagramPacket(new byte[65_535], 65_535);
            socket.receive(packet);
            return Arrays.copyOf(packet.getData(), packet.getLength());
        } catch (SocketTimeoutException e) {
            return null;
        }
    }

    public static Socket connect(InetSocketAddress server) throws IOException {
        Socket socket = new Socket(server.getAddress(), server.getPort());
        socket.setSoTimeout(PATIENCE_MILLIS);
        return socket;
    }

    public static Message tcp(InetSocketAddress server, Message query) throws IOException {
        try (Socket socket = connect(server)) {
            send(socket, query);
            return receive(socket);
        }
    }

    public static void send(Socket socket, Message query) throws IOException {
        socket.getOutputStream().write(framed(query));
    }

    public static byte[] framed(Message query) {
        byte[] octets = query.toWire();
        return DnsMessages.concat(DnsMessages.octets(octets.length >> 8, octets.length), octets);
    }

    public static Message receive(Socket socket) throws IOException {
        DataInputStream in = new DataInputStream(socket.getInputStream());
        byte[] octets = new byte[in.readUnsignedShort()];
        in.readFully(octets);
        return new Message(octets);
    }

    public static void reply(Socket socket, byte[] octets) throws IOException {
        DataOutputStream out = new DataOutputStream(socket.getOutputStream());
        out.write(DnsMessages.concat(DnsMessages.octets(octets.length >> 8, octets.length), octets));
    }
}
