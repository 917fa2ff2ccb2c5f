package io.sluice.it.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Replies to each datagram with its name and who has sent it: {@code name client-address}. */
public final class DatagramPod implements Closeable {

    private final String name;
    private final DatagramSocket socket;
    private final AtomicInteger received = new AtomicInteger();
    private final Set<SocketAddress> senders = ConcurrentHashMap.newKeySet();

    private DatagramPod(String name, DatagramSocket socket) {
        this.name = name;
        this.socket = socket;
        Thread.ofPlatform().daemon().name("pod " + name).start(this::serve);
    }

    /** One at this address. */
    public static DatagramPod at(String ip, int port, String name) throws IOException {
        return new DatagramPod(name, new DatagramSocket(new InetSocketAddress(InetAddress.ofLiteral(ip), port)));
    }

    private void serve() {
        byte[] buffer = new byte[65_536];
        while (!socket.isClosed()) {
            try {
                DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
                socket.receive(packet);
                received.incrementAndGet();
                senders.add(packet.getSocketAddress());
                byte[] reply = (name + ' ' + packet.getAddress().getHostAddress()).getBytes(StandardCharsets.UTF_8);
                socket.send(new DatagramPacket(reply, reply.length, packet.getSocketAddress()));
            } catch (IOException e) {
                if (!socket.isClosed()) {
                    throw new java.io.UncheckedIOException(e);
                }
            }
        }
    }

    /** How many datagrams have come. */
    public int received() {
        return received.get();
    }

    /** Who has sent datagrams. */
    public Set<SocketAddress> senders() {
        return Set.copyOf(senders);
    }

    @Override
    public void close() {
        socket.close();
    }

    /** A client's socket that is connected, so that it takes replies from {@code service} alone. */
    public static DatagramSocket client(InetSocketAddress service) throws IOException {
        DatagramSocket client = new DatagramSocket();
        client.setSoTimeout(5_000);
        client.connect(service);
        return client;
    }

    /** Sends one datagram and returns the reply. */
    public static String ask(DatagramSocket client) throws IOException {
        client.send(new DatagramPacket(new byte[] {'?'}, 1));
        DatagramPacket reply = new DatagramPacket(new byte[200], 200);
        client.receive(reply);
        return new String(reply.getData(), 0, reply.getLength(), StandardCharsets.UTF_8);
    }

    /** The same from a new socket; the pod's name alone. */
    public static String ask(InetSocketAddress service) throws IOException {
        try (DatagramSocket client = client(service)) {
            String reply = ask(client);
            return reply.substring(0, reply.indexOf(' '));
        }
    }
}
