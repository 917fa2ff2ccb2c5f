package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.client.http.AsyncBody;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The body of a response as it arrives. It bounds the silence, to tell a watch without events from a dead connection, and the
 * whole time, to end a body that drips for ever. It requests more only when everything that has arrived is read. One thread
 * reads; any thread may call {@link #close}, which ends a read that waits.
 */
final class ResponseBody extends InputStream implements AsyncBody.Consumer<List<ByteBuffer>> {

    /** From the client's thread: buffers, or the end with its cause. */
    private sealed interface Arrival {
        record Bytes(List<ByteBuffer> buffers) implements Arrival {}

        record End(@Nullable Throwable failure) implements Arrival {}
    }

    private final Duration longestSilence;
    private final Duration longest;
    private final long begunNanos = System.nanoTime();
    private final BlockingQueue<Arrival> arrivals = new LinkedBlockingQueue<>();
    private final Queue<ByteBuffer> unread = new ArrayDeque<>();
    private volatile @Nullable AsyncBody body;
    private volatile boolean closed;
    private final AtomicReference<@Nullable Runnable> atEnd;
    private boolean ended;

    /** Runs {@code atEnd} once, at the end of the body or when it is closed before. */
    ResponseBody(Duration longestSilence, Duration longest, Runnable atEnd) {
        this.longestSilence = longestSilence;
        this.longest = longest;
        this.atEnd = new AtomicReference<>(atEnd);
    }

    /** Begins to read the body of {@code response}. */
    void begin(AsyncBody response) {
        body = response;
        response.done().whenComplete((nothing, failure) -> arrivals.add(new Arrival.End(failure)));
        if (closed) {
            response.cancel();
        } else {
            response.consume();
        }
    }

    @Override
    public void consume(List<ByteBuffer> buffers, AsyncBody response) {
        arrivals.add(new Arrival.Bytes(buffers));
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    /** Throws SilenceException after too long a silence, InterruptedIOException once it is closed. */
    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        ByteBuffer next = unread.peek();
        while (next == null || !next.hasRemaining()) {
            if (next != null) {
                unread.remove();
            } else if (ended || !more()) {
                return -1;
            }
            next = unread.peek();
        }
        int count = Math.min(length, next.remaining());
        next.get(into, offset, count);
        return count;
    }

    private boolean more() throws IOException {
        AsyncBody response = body;
        if (response != null && arrivals.isEmpty() && !closed) {
            response.consume();
        }
        long left = begunNanos + longest.toNanos() - System.nanoTime();
        if (left <= 0) {
            throw new IOException("the response had not ended after " + longest.toSeconds() + " s");
        }
        Arrival arrival;
        try {
            arrival = closed
                    ? new Arrival.End(null)
                    : arrivals.poll(Math.min(longestSilence.toNanos(), left), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted").initCause(e);
        }
        switch (arrival) {
            case null -> {
                if (left < longestSilence.toNanos()) {
                    return more();
                }
                throw new SilenceException(longestSilence);
            }
            case Arrival.Bytes(List<ByteBuffer> buffers) -> unread.addAll(buffers);
            case Arrival.End(Throwable failure) -> {
                ended = true;
                notifyEnd();
                if (closed) {
                    throw new InterruptedIOException("closed");
                }
                if (failure != null) {
                    throw new IOException("the connection broke: " + ApiClient.reason(failure), failure);
                }
            }
        }
        return !ended;
    }

    private void notifyEnd() {
        Runnable notify = atEnd.getAndSet(null);
        if (notify != null) {
            notify.run();
        }
    }

    @Override
    public void close() {
        closed = true;
        notifyEnd();
        AsyncBody response = body;
        if (response != null) {
            response.cancel();
        }
        arrivals.add(new Arrival.End(null));
    }
}
