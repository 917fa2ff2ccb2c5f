package io.sluice.it.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;

/** One end of a TCP connection that follows a {@link Script} on a virtual thread of its own. */
public final class ScriptedPeer implements Closeable {

    /** The client's stream and the server's. */
    static final long CLIENT_SEED = 0x5EED_C11E_17L;
    static final long SERVER_SEED = 0x5EED_5E12_7E12L;

    private static final int CHUNK = 64 * 1024;
    private static final int PATIENCE_MILLIS = Integer.getInteger("sluice.it.patience", 60_000);

    /** How the other side's stream ended, as far as this side has seen. */
    public enum End {
        /** It was not read to the end. */
        NOT_SEEN,
        /** By a FIN. */
        FINISHED,
        /** By a RST. */
        RESET
    }

    /**
     * What came of a script.
     *
     * @param finished whether this side has shut down sending
     */
    public record Outcome(long sent, long received, End end, boolean finished) {}

    private final String name;
    private final Socket socket;
    private final Script script;
    private final long sendSeed;
    private final long receiveSeed;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final AtomicLong sent = new AtomicLong();
    private final AtomicLong received = new AtomicLong();
    private volatile End end = End.NOT_SEEN;
    private volatile boolean finished;
    private volatile boolean ownReset;

    private ScriptedPeer(String name, Socket socket, Script script, long sendSeed, long receiveSeed) {
        this.name = name;
        this.socket = socket;
        this.script = script;
        this.sendSeed = sendSeed;
        this.receiveSeed = receiveSeed;
    }

    /** Connects and begins. A reset may come before connecting is over, if one is expected or anything may happen. */
    public static ScriptedPeer client(InetSocketAddress to, Script script) throws IOException {
        Socket socket = new Socket();
        try {
            socket.connect(to, PATIENCE_MILLIS);
        } catch (SocketException e) {
            socket.close();
            Script.Step first = script.steps().getFirst();
            if (isReset(e) && (first instanceof Script.Step.ReceiveToReset || first instanceof Script.Step.Together)) {
                ScriptedPeer peer = new ScriptedPeer("client", socket, script, CLIENT_SEED, SERVER_SEED);
                peer.outcome.complete(new Outcome(0, 0, End.RESET, false));
                return peer;
            }
            throw e;
        }
        return client(socket, script);
    }

    /** Begins on a socket that is connected already, and is closed when the script is over. */
    public static ScriptedPeer client(Socket socket, Script script) {
        return new ScriptedPeer("client", socket, script, CLIENT_SEED, SERVER_SEED).start();
    }

    static ScriptedPeer server(Socket socket, Script script) {
        return new ScriptedPeer("server", socket, script, SERVER_SEED, CLIENT_SEED).start();
    }

    private ScriptedPeer start() {
        Thread.ofVirtual().name(name).start(() -> {
            try {
                socket.setTcpNoDelay(true);
                socket.setSoTimeout(PATIENCE_MILLIS);
                follow(script);
                socket.close();
                outcome.complete(new Outcome(sent(), received(), end, finished));
            } catch (Throwable e) {
                outcome.completeExceptionally(e);
                close();
            }
        });
        return this;
    }

    /** Waits for the end of the script; fails as the script failed. */
    public Outcome outcome() {
        try {
            return outcome.get(4, TimeUnit.MINUTES);
        } catch (ExecutionException e) {
            throw new AssertionError(name + " failed: " + e.getCause().getMessage() + "; script " + script,
                    e.getCause());
        } catch (TimeoutException e) {
            throw new AssertionError(name + " is not at the end of its script after " + sent + " bytes sent and "
                    + received + " received: " + script, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    public boolean done() {
        return outcome.isDone();
    }

    /** Bytes that this side's kernel has taken so far. */
    public long sent() {
        return sent.get();
    }

    public long received() {
        return received.get();
    }

    public Socket socket() {
        return socket;
    }

    /** Ends it wherever it is. */
    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new AssertionError("closing a socket of the test failed", e);
        }
    }

    private void follow(Script steps) throws Exception {
        int number = 0;
        for (Script.Step step : steps.steps()) {
            number++;
            try {
                follow(step);
            } catch (IOException | AssertionError e) {
                throw new AssertionError("step " + number + ", " + step + ", after " + sent + " bytes sent and "
                        + received + " received: " + e.getMessage(), e);
            }
        }
    }

    private void follow(Script.Step step) throws Exception {
        switch (step) {
            case Script.Step.Send(long bytes) -> send(bytes);
            case Script.Step.Receive(long bytes) -> receive(bytes, CHUNK, Duration.ZERO);
            case Script.Step.ReceiveSlowly(long bytes, int burst, Duration pause) -> receive(bytes, burst, pause);
            case Script.Step.ReceiveToEnd(long bytes) -> {
                long before = received();
                receive(Long.MAX_VALUE, CHUNK, Duration.ZERO);
                expect(End.FINISHED);
                if (bytes >= 0 && received() - before != bytes) {
                    throw new AssertionError("the stream ended after " + (received() - before) + " of " + bytes);
                }
            }
            case Script.Step.ReceiveToReset() -> {
                receive(Long.MAX_VALUE, CHUNK, Duration.ZERO);
                expect(End.RESET);
            }
            case Script.Step.ReceiveToEndOrReset(int burst, Duration pause) -> {
                try {
                    receive(Long.MAX_VALUE, burst, pause);
                } catch (SocketException e) {
                    if (!ownReset) {
                        throw e;
                    }
                }
            }
            case Script.Step.SendOrBeReset(long bytes) -> {
                try {
                    send(bytes);
                } catch (SocketException e) {
                    if (!isReset(e)) {
                        throw e;
                    }
                    // The kernel tells of a reset once; who reads then sees an end.
                    end = End.RESET;
                }
            }
            case Script.Step.ExpectNothingFor(Duration time) -> expectNothing(time);
            case Script.Step.Finish() -> {
                try {
                    socket.shutdownOutput();
                    finished = true;
                } catch (SocketException e) {
                    if (!String.valueOf(e.getMessage()).contains("not connected")) {
                        throw e;
                    }
                    end = End.RESET;
                }
            }
            case Script.Step.Reset() -> {
                ownReset = true;
                socket.setSoLinger(true, 0);
                socket.close();
            }
            case Script.Step.Await(Gate gate) -> gate.pass();
            case Script.Step.Open(Gate gate) -> gate.open();
            case Script.Step.Idle(Duration time) -> LockSupport.parkNanos(time.toNanos());
            case Script.Step.Together(Script one, Script other) -> followTogether(one, other);
        }
    }

    private void followTogether(Script one, Script other) throws Exception {
        CompletableFuture<Void> aside = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> {
            try {
                follow(other);
                aside.complete(null);
            } catch (Throwable e) {
                aside.completeExceptionally(e);
                close();
            }
        });
        follow(one);
        aside.get(4, TimeUnit.MINUTES);
    }

    private void expect(End wanted) {
        if (end != wanted) {
            throw new AssertionError("the other side's stream ended: " + end + " instead of " + wanted);
        }
    }

    private void send(long bytes) throws IOException {
        byte[] chunk = new byte[(int) Math.min(CHUNK, bytes)];
        for (long left = bytes; left > 0;) {
            int n = (int) Math.min(chunk.length, left);
            Pattern.fill(chunk, n, sendSeed, sent());
            socket.getOutputStream().write(chunk, 0, n);
            sent.addAndGet(n);
            left -= n;
        }
    }

    /** Receives {@code bytes}, or to whatever end if that is {@code Long.MAX_VALUE}. */
    private void receive(long bytes, int burst, Duration pause) throws IOException {
        InputStream in = socket.getInputStream();
        byte[] chunk = new byte[CHUNK];
        long left = bytes;
        long untilPause = burst;
        while (left > 0) {
            int n;
            try {
                n = in.read(chunk, 0, (int) Math.min(chunk.length, Math.min(left, Math.max(1, untilPause))));
            } catch (SocketException e) {
                if (!isReset(e)) {
                    throw e;
                }
                end = End.RESET;
                n = -1;
            }
            if (n < 0) {
                if (end == End.NOT_SEEN) {
                    end = End.FINISHED;
                }
                if (bytes != Long.MAX_VALUE) {
                    throw new AssertionError("the stream ended (" + end + ") with " + left + " bytes missing");
                }
                return;
            }
            Pattern.compare(chunk, n, receiveSeed, received());
            received.addAndGet(n);
            left -= n;
            untilPause -= n;
            if (untilPause <= 0 && !pause.isZero()) {
                LockSupport.parkNanos(pause.toNanos());
            }
            if (untilPause <= 0) {
                untilPause = burst;
            }
        }
    }

    private void expectNothing(Duration time) throws IOException {
        socket.setSoTimeout((int) time.toMillis());
        try {
            int n = socket.getInputStream().read();
            throw new AssertionError(n < 0 ? "the stream ended" : "a byte came");
        } catch (SocketTimeoutException expected) {
            socket.setSoTimeout(PATIENCE_MILLIS);
        }
    }

    /** Whether the exception means that the other side has reset the connection. */
    public static boolean isReset(IOException e) {
        String message = String.valueOf(e.getMessage());
        return message.contains("reset") || message.contains("Broken pipe");
    }
}
