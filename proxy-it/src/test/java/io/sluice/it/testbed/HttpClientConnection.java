package io.sluice.it.testbed;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** One connection of an HTTP client that asks as often as it likes. */
public final class HttpClientConnection implements Closeable {

    private static final int PATIENCE_MILLIS = 60_000;

    private final Socket socket = new Socket();
    private final InputStream in;

    public HttpClientConnection(InetSocketAddress to) throws IOException {
        try {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.setTcpNoDelay(true);
            socket.connect(to, PATIENCE_MILLIS);
            in = new BufferedInputStream(socket.getInputStream());
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** Connects, asks once and returns who answered. */
    public static String hit(InetSocketAddress address) throws IOException {
        try (HttpClientConnection connection = new HttpClientConnection(address)) {
            return connection.ask("/", true);
        }
    }

    /** Status and body of one answer of an admin address. */
    public static String get(InetSocketAddress address, String path) throws IOException {
        try (Socket socket = new Socket()) {
            socket.setSoTimeout(PATIENCE_MILLIS);
            socket.connect(address, PATIENCE_MILLIS);
            socket.getOutputStream().write(("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    .getBytes(StandardCharsets.UTF_8));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int body = answer.indexOf("\r\n\r\n");
            if (body < 0) {
                throw new IOException("no answer from " + address);
            }
            return answer.substring(9, 12) + " " + answer.substring(body + 4);
        }
    }

    /** Asks on this connection; returns the name of the pod. */
    public String ask() throws IOException {
        return ask("/", false);
    }

    private String ask(String path, boolean last) throws IOException {
        socket.getOutputStream().write(("GET " + path + " HTTP/1.1\r\nHost: kubia\r\n"
                + (last ? "Connection: close\r\n" : "") + "\r\n").getBytes(StandardCharsets.UTF_8));
        String status = Pod.line(in);
        if (!status.equals("HTTP/1.1 200 OK")) {
            throw new IOException(status.isEmpty() ? "the connection ended without an answer" : status);
        }
        int length = 0;
        for (String header = Pod.line(in); !header.isEmpty(); header = Pod.line(in)) {
            if (header.startsWith("Content-Length: ")) {
                length = Integer.parseInt(header.substring(16));
            }
        }
        String body = new String(in.readNBytes(length), StandardCharsets.UTF_8).strip();
        if (!body.startsWith("You've hit ")) {
            throw new IOException("a strange answer: " + body);
        }
        if (last && in.read() >= 0) {
            throw new IOException("more than was asked for");
        }
        return body.substring(11);
    }

    /** Closes with a reset. */
    public void reset() throws IOException {
        socket.setSoLinger(true, 0);
        socket.close();
    }

    public Socket socket() {
        return socket;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
