package io.sluice.it.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;

/** Listens at one address and has a {@link ScriptedPeer} for every connection. */
public final class ScriptedServer implements Closeable {

    /** Where all servers of the testbed listen unless told otherwise. */
    public static final int PORT = 8080;

    private final ServerSocket listening = new ServerSocket();
    private final BlockingQueue<ScriptedPeer> arrived = new LinkedBlockingQueue<>();
    private final Queue<ScriptedPeer> all = new ConcurrentLinkedQueue<>();
    private final Thread acceptor;
    private final AtomicInteger accepted = new AtomicInteger();

    private ScriptedServer(String ip, int port, IntFunction<Script> scripts) throws IOException {
        listening.setReuseAddress(true);
        listening.bind(new InetSocketAddress(ip, port), 4096);
        acceptor = Thread.ofVirtual().name("server").start(() -> {
            while (!listening.isClosed()) {
                try {
                    Socket socket = listening.accept();
                    ScriptedPeer peer = ScriptedPeer.server(socket, scripts.apply(accepted.getAndIncrement()));
                    all.add(peer);
                    arrived.add(peer);
                } catch (IOException e) {
                    return;
                }
            }
        });
    }

    /** Every connection follows {@code script}. */
    public static ScriptedServer at(String ip, Script script) throws IOException {
        return new ScriptedServer(ip, PORT, number -> script);
    }

    /** Connection 0, 1, 2 … follows the script of its number. */
    public static ScriptedServer at(String ip, IntFunction<Script> scripts) throws IOException {
        return new ScriptedServer(ip, PORT, scripts);
    }

    public static ScriptedServer at(String ip, int port, Script script) throws IOException {
        return new ScriptedServer(ip, port, number -> script);
    }

    /** The next connection in the order of their arrival. */
    public ScriptedPeer next() {
        try {
            ScriptedPeer peer = arrived.poll(1, TimeUnit.MINUTES);
            if (peer == null) {
                throw new AssertionError("no connection arrived in a minute");
            }
            return peer;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    /** How many connections were accepted. */
    public int accepted() {
        return accepted.get();
    }

    /** Refuses new connections and goes on with those it has. */
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

    @Override
    public void close() throws IOException {
        refuse();
        all.forEach(ScriptedPeer::close);
    }
}
