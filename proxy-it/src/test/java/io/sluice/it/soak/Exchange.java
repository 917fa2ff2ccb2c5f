package io.sluice.it.soak;

import io.sluice.it.testbed.Pattern;
import io.sluice.it.testbed.ScriptedPeer;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * One connection of which both sides know every byte and the end. The client's first bytes are its id.
 *
 * @param id no other connection has it; everything else and the bytes of both streams follow from it
 * @param fromClient bytes that the client sends
 * @param fromServer bytes that the server sends
 * @param rounds questions and answers of {@link Ending#PING_PONG}
 */
record Exchange(long id, Ending ending, long fromClient, long fromServer, int rounds) {

    /** How it ends, and who begins the end. */
    enum Ending {
        CLIENT_FINISHES_FIRST, SERVER_FINISHES_FIRST, CLIENT_RESETS, SERVER_RESETS, PING_PONG
    }

    private static final long MAGIC = 0x50AC_ED5E_50AC_ED5EL;
    private static final int CHUNK = 64 * 1024;
    private static final int QUESTION = 64;
    private static final int PATIENCE_MILLIS = 60_000;

    /** Everything follows from {@code id}. Most are small, one in twenty is megabytes. */
    static Exchange of(long id) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(id);
        return new Exchange(id, Ending.values()[random.nextInt(Ending.values().length)], bytes(random),
                bytes(random), 1 + random.nextInt(200));
    }

    private static long bytes(RandomGenerator random) {
        int size = random.nextInt(100);
        return random.nextLong(size < 70 ? 4L << 10 : size < 95 ? 256L << 10 : 8L << 20);
    }

    /** The client's part; returns when the connection has ended as it should. */
    void asClient(Socket socket) throws IOException {
        Side side = new Side(socket, id, ~id);
        socket.getOutputStream().write(header());
        switch (ending) {
            case CLIENT_FINISHES_FIRST -> side.finishesFirst(fromClient, fromServer);
            case SERVER_FINISHES_FIRST -> side.finishesSecond(fromClient, fromServer);
            case CLIENT_RESETS -> side.resets(fromClient, fromServer, lastBytes());
            case SERVER_RESETS -> side.isReset(fromClient, fromServer, lastBytes());
            case PING_PONG -> {
                for (int i = 0; i < rounds; i++) {
                    side.send(QUESTION);
                    side.receive(QUESTION);
                }
                side.finish();
                side.expectEnd();
            }
        }
    }

    /** The server's part of the connection whose beginning was {@link #read}. */
    void asServer(Socket socket) throws IOException {
        Side side = new Side(socket, ~id, id);
        switch (ending) {
            case CLIENT_FINISHES_FIRST -> side.finishesSecond(fromServer, fromClient);
            case SERVER_FINISHES_FIRST -> side.finishesFirst(fromServer, fromClient);
            case CLIENT_RESETS -> side.isReset(fromServer, fromClient, lastBytes());
            case SERVER_RESETS -> side.resets(fromServer, fromClient, lastBytes());
            case PING_PONG -> {
                for (int i = 0; i < rounds; i++) {
                    side.receive(QUESTION);
                    side.send(QUESTION);
                }
                side.expectEnd();
                side.finish();
            }
        }
    }

    private byte[] header() {
        return ByteBuffer.allocate(2 * Long.BYTES).putLong(MAGIC).putLong(id).array();
    }

    /** What the client on {@code socket} is going to do. */
    static Exchange read(Socket socket) throws IOException {
        socket.setSoTimeout(PATIENCE_MILLIS);
        DataInputStream in = new DataInputStream(socket.getInputStream());
        if (in.readLong() != MAGIC) {
            throw new IOException("the first bytes are not those of a client of this load");
        }
        return of(in.readLong());
    }

    /** Sent just before a reset: they have to arrive before it. */
    private int lastBytes() {
        return 1 + (int) (id & 0xfff);
    }

    /** One of the two peers. */
    private static final class Side {

        private interface Part {
            void run() throws IOException;
        }

        private final Socket socket;
        private final long sendSeed;
        private final long receiveSeed;
        private long sent;
        private long received;

        Side(Socket socket, long sendSeed, long receiveSeed) throws IOException {
            this.socket = socket;
            this.sendSeed = sendSeed;
            this.receiveSeed = receiveSeed;
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(PATIENCE_MILLIS);
        }

        void finishesFirst(long sends, long receives) throws IOException {
            together(() -> {
                send(sends);
                finish();
            }, () -> {
                receive(receives);
                expectEnd();
            });
        }

        void finishesSecond(long sends, long receives) throws IOException {
            together(() -> send(sends), () -> {
                receive(receives);
                expectEnd();
            });
            finish();
        }

        /** The other side's last byte says that it has everything: a kernel drops what it has not yet sent at a reset. */
        void resets(long sends, long receives, int last) throws IOException {
            together(() -> send(sends), () -> receive(receives + 1));
            send(last);
            socket.setSoLinger(true, 0);
            socket.close();
        }

        void isReset(long sends, long receives, int last) throws IOException {
            together(() -> send(sends), () -> receive(receives));
            send(1);
            receive(last);
            expectReset();
        }

        void send(long bytes) throws IOException {
            byte[] chunk = new byte[(int) Math.min(CHUNK, bytes)];
            for (long left = bytes; left > 0;) {
                int n = (int) Math.min(chunk.length, left);
                Pattern.fill(chunk, n, sendSeed, sent);
                socket.getOutputStream().write(chunk, 0, n);
                sent += n;
                left -= n;
            }
        }

        void receive(long bytes) throws IOException {
            byte[] chunk = new byte[(int) Math.min(CHUNK, bytes)];
            for (long left = bytes; left > 0;) {
                int n = socket.getInputStream().read(chunk, 0, (int) Math.min(chunk.length, left));
                if (n < 0) {
                    throw new IOException("the stream ended after " + received + " bytes with " + left + " missing");
                }
                Pattern.compare(chunk, n, receiveSeed, received);
                received += n;
                left -= n;
            }
        }

        void finish() throws IOException {
            socket.shutdownOutput();
        }

        void expectEnd() throws IOException {
            if (socket.getInputStream().read() >= 0) {
                throw new IOException("a byte came after the " + received + " that were sent");
            }
        }

        void expectReset() throws IOException {
            int next;
            try {
                next = socket.getInputStream().read();
            } catch (SocketException e) {
                if (ScriptedPeer.isReset(e)) {
                    return;
                }
                throw e;
            }
            throw new IOException((next < 0 ? "an end" : "a byte") + " came instead of a reset");
        }

        private void together(Part one, Part other) throws IOException {
            CompletableFuture<Void> aside = new CompletableFuture<>();
            Thread.ofVirtual().start(() -> {
                try {
                    other.run();
                    aside.complete(null);
                } catch (IOException | RuntimeException | AssertionError e) {
                    aside.completeExceptionally(e);
                }
            });
            one.run();
            try {
                aside.get();
            } catch (ExecutionException e) {
                throw new IOException(e.getCause().getMessage(), e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IOException(e);
            }
        }
    }
}
