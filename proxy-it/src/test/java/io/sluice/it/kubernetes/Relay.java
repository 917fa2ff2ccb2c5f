package io.sluice.it.kubernetes;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** Passes connections on, as another proxy on the node would; closing it breaks them. */
final class Relay implements Closeable {

    private final ServerSocket server;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private boolean speaksConnect;

    private Relay(ServerSocket server) {
        this.server = server;
    }

    static Relay at(String ip, URI target) throws IOException {
        ServerSocket server = new ServerSocket();
        server.bind(new InetSocketAddress(InetAddress.ofLiteral(ip), 0));
        Relay relay = new Relay(server);
        Thread.ofVirtual().start(() -> relay.accept(target));
        return relay;
    }

    int port() {
        return server.getLocalPort();
    }

    /** An HTTP proxy that leads whoever says CONNECT to {@code target}, whatever the name, and counts them. */
    static Relay proxy(String ip, URI target) throws IOException {
        ServerSocket server = new ServerSocket();
        server.bind(new InetSocketAddress(InetAddress.ofLiteral(ip), 0));
        Relay relay = new Relay(server);
        relay.speaksConnect = true;
        Thread.ofVirtual().start(() -> relay.accept(target));
        return relay;
    }

    /** The first lines of those that came to a proxy. */
    List<String> asked() {
        return asked;
    }

    /** Reads the head of a request byte by byte, so that nothing is read that follows it. */
    private void answerConnect(Socket client) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        while (!head.toString(StandardCharsets.US_ASCII).endsWith("\r\n\r\n")) {
            int next = client.getInputStream().read();
            if (next < 0) {
                throw new IOException("the request was cut off");
            }
            head.write(next);
        }
        asked.add(head.toString(StandardCharsets.US_ASCII).lines().findFirst().orElse(""));
        client.getOutputStream().write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }

    private void accept(URI target) {
        try {
            while (true) {
                Socket client = server.accept();
                if (speaksConnect) {
                    answerConnect(client);
                }
                Socket backend = new Socket(InetAddress.getLoopbackAddress(), target.getPort());
                sockets.add(client);
                sockets.add(backend);
                Thread.ofVirtual().start(() -> copy(client, backend));
                Thread.ofVirtual().start(() -> copy(backend, client));
            }
        } catch (IOException e) {
            // Closed: nothing more is to be accepted.
            sockets.removeIf(Socket::isClosed);
        }
    }

    private void copy(Socket from, Socket to) {
        try (InputStream in = from.getInputStream(); OutputStream out = to.getOutputStream()) {
            in.transferTo(out);
        } catch (IOException e) {
            // One end is gone, and with it the other.
            sockets.removeIf(Socket::isClosed);
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
