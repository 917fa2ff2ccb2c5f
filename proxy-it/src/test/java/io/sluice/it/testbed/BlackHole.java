package io.sluice.it.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;

/**
 * An address that never answers, without any privilege: a listening socket whose accept queue is full, so that Linux
 * drops whatever SYN comes.
 */
public final class BlackHole implements Closeable {

    private final ServerSocket listening = new ServerSocket();
    private final List<Socket> fillers = new ArrayList<>();

    public BlackHole(String ip) throws IOException {
        listening.setReuseAddress(true);
        listening.bind(new InetSocketAddress(ip, ScriptedServer.PORT), 1);
        while (true) {
            Socket filler = new Socket();
            fillers.add(filler);
            try {
                filler.connect(listening.getLocalSocketAddress(), 500);
            } catch (SocketTimeoutException full) {
                return;
            }
        }
    }

    /** Answers from now on. Returns the first connection of somebody else; waits at most a minute for each. */
    public Socket accept() throws IOException {
        listening.setSoTimeout(60_000);
        while (true) {
            Socket accepted = listening.accept();
            if (fillers.stream().noneMatch(filler -> filler.getLocalPort() == accepted.getPort())) {
                return accepted;
            }
            accepted.close();
        }
    }

    @Override
    public void close() throws IOException {
        listening.close();
        for (Socket filler : fillers) {
            filler.close();
        }
    }
}
