package io.sluice.it.testbed;

import java.io.BufferedInputStream;
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

/** An HTTP/1.1 server with keep-alive that answers "You've hit NAME" to whatever it is asked. */
public final class Pod implements Closeable {

    private final String name;
    private final InetSocketAddress address;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger requests = new AtomicInteger();
    private volatile ServerSocket listening;
    private volatile Thread acceptor;

    private Pod(String name, InetSocketAddress address) {
        this.name = name;
        this.address = address;
    }

    /** Listens at {@code ip}, port 8080. */
    public static Pod at(String ip, String name) throws IOException {
        return at(ip, ScriptedServer.PORT, name);
    }

    public static Pod at(String ip, int port, String name) throws IOException {
        Pod pod = new Pod(name, new InetSocketAddress(ip, port));
        pod.start();
        return pod;
    }

    /** Listens, at first or again after {@link #refuse} or {@link #crash}. */
    public void start() throws IOException {
        ServerSocket server = new ServerSocket();
        server.setReuseAddress(true);
        server.bind(address, 4096);
        listening = server;
        acceptor = Thread.ofVirtual().name(name).start(() -> {
            while (!server.isClosed()) {
                try {
                    Socket socket = server.accept();
                    connections.incrementAndGet();
                    open.add(socket);
                    Thread.ofVirtual().name(name).start(() -> serve(socket));
                } catch (IOException e) {
                    return;
                }
            }
        });
    }

    /** From now on new connections are refused; those that are there go on. */
    public void refuse() throws IOException {
        listening.close();
        try {
            // The port is free when nobody accepts any more.
            acceptor.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** Refuses, and resets what is there: the kernel's last words for a process that was killed. */
    public void crash() throws IOException {
        refuse();
        for (Socket socket : open) {
            socket.setSoLinger(true, 0);
            socket.close();
        }
    }

    /** How many connections were ever accepted. */
    public int connections() {
        return connections.get();
    }

    /** How many are open. */
    public int open() {
        return open.size();
    }

    public int requests() {
        return requests.get();
    }

    /** What it says. */
    public String name() {
        return name;
    }

    public String ip() {
        return address.getAddress().getHostAddress();
    }

    @Override
    public void close() throws IOException {
        refuse();
        for (Socket socket : open) {
            socket.close();
        }
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            boolean keep = true;
            while (keep && !line(in).isEmpty()) {
                for (String header = line(in); !header.isEmpty(); header = line(in)) {
                    keep &= !header.equalsIgnoreCase("connection: close");
                }
                requests.incrementAndGet();
                String body = "You've hit " + name + "\n";
                socket.getOutputStream().write(("HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n"
                        + (keep ? "" : "Connection: close\r\n") + "\r\n" + body).getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            open.remove(socket);
        } finally {
            open.remove(socket);
        }
    }

    /** Up to the next end of line, which is left out; empty at the end of the stream too. */
    static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
            if (c != '\r') {
                line.append((char) c);
            }
        }
        return line.toString();
    }
}
