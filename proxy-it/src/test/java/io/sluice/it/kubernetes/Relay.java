package io.sluice.it.kubernetes;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Passes connections on, as another proxy on the node would; closing it breaks them. */
final class Relay implements Closeable {

    private final ServerSocket server;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();

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

    private void accept(URI target) {
        try {
            while (true) {
                Socket client = server.accept();
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
