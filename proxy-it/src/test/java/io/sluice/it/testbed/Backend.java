package io.sluice.it.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A TCP server behind the proxy. Each connection runs its conversation on a virtual thread. */
public final class Backend implements Closeable {

    /** What a backend does with one connection; the socket is closed afterwards. */
    @FunctionalInterface
    public interface Conversation {
        void with(Socket socket) throws Exception;
    }

    private final String ip;
    private final int port;
    private final Conversation conversation;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger accepted = new AtomicInteger();
    private volatile ServerSocket server;
    private volatile Thread accepting;

    private Backend(String ip, int port, Conversation conversation) {
        this.ip = ip;
        this.port = port;
        this.conversation = conversation;
    }

    /** Listens at {@code ip}, port 8080. */
    public static Backend at(String ip, Conversation conversation) throws IOException {
        Backend backend = new Backend(ip, 8080, conversation);
        backend.start();
        return backend;
    }

    /** Says its name at once and closes. */
    public static Backend named(String ip, String name) throws IOException {
        return at(ip, socket -> socket.getOutputStream().write(name.getBytes(StandardCharsets.UTF_8)));
    }

    /** Sends back what it gets until the client has finished. */
    public static Backend echo(String ip) throws IOException {
        return at(ip, socket -> socket.getInputStream().transferTo(socket.getOutputStream()));
    }

    /** Listens again after {@link #stop}. */
    public void start() throws IOException {
        ServerSocket listening = new ServerSocket();
        listening.setReuseAddress(true);
        listening.bind(new InetSocketAddress(ip, port), 4096);
        server = listening;
        accepting = Thread.ofPlatform().daemon().start(() -> accept(listening));
    }

    private void accept(ServerSocket listening) {
        while (!listening.isClosed()) {
            try {
                Socket socket = listening.accept();
                accepted.incrementAndGet();
                open.add(socket);
                Thread.ofVirtual().start(() -> converse(socket));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void converse(Socket socket) {
        try (socket) {
            conversation.with(socket);
        } catch (Exception e) {
            // A conversation that breaks is what many tests are about; the client's end is what they look at.
            open.remove(socket);
        } finally {
            open.remove(socket);
        }
    }

    /**
     * Refuses new connections; open ones go on. The kernel keeps a closed socket listening for as long as a call to accept
     * is under way, which could take one more connection: returns when that is over.
     */
    public void stop() throws IOException {
        server.close();
        try {
            accepting.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public int accepted() {
        return accepted.get();
    }

    public String ip() {
        return ip;
    }

    @Override
    public void close() throws IOException {
        stop();
        for (Socket socket : open) {
            socket.close();
        }
    }

    /** Reads exactly {@code length} bytes or fails. */
    public static byte[] read(InputStream in, int length) throws IOException {
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length) {
            throw new IOException("the stream ended after " + bytes.length + " of " + length + " bytes");
        }
        return bytes;
    }

    /** Ends {@code socket} by a reset. */
    public static void reset(Socket socket) throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }
}
