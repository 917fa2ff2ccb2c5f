package io.sluice.source.kubernetes;

import io.sluice.simulation.Fiber;
import io.sluice.simulation.World;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** The body of a simulated response. It is read on a fiber, and written by the world. */
final class SimulatedBody extends InputStream {

    private final World world;
    private final Fiber fiber;
    private final Duration longestSilence;
    private final Deque<byte[]> chunks = new ArrayDeque<>();
    private int offset;
    private long heardNanos;
    private boolean ended;
    private boolean closed;
    private @Nullable IOException failure;

    SimulatedBody(World world, Fiber fiber, Duration longestSilence) {
        this.world = world;
        this.fiber = fiber;
        this.longestSilence = longestSilence;
        this.heardNanos = world.nanoTime();
    }

    void add(String text) {
        if (!ended && failure == null && !closed) {
            chunks.add(text.getBytes(StandardCharsets.UTF_8));
            heardNanos = world.nanoTime();
            fiber.wake();
        }
    }

    void end() {
        ended = true;
        fiber.wake();
    }

    void fail(IOException why) {
        failure = why;
        fiber.wake();
    }

    /** Loses a part of what was written, and all that follows. */
    void breakOff(RandomGenerator random) {
        byte[] whole = chunks.remove();
        chunks.add(java.util.Arrays.copyOf(whole, random.nextInt(whole.length)));
        failure = new IOException("unexpected end of the response");
    }

    boolean closed() {
        return closed;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int at, int length) throws IOException {
        while (true) {
            if (closed) {
                throw new IOException("closed");
            }
            byte[] first = chunks.peek();
            if (first != null && offset == first.length) {
                chunks.remove();
                offset = 0;
            } else if (first != null) {
                int count = Math.min(length, first.length - offset);
                System.arraycopy(first, offset, into, at, count);
                offset += count;
                return count;
            } else if (failure != null) {
                throw failure;
            } else if (ended) {
                return -1;
            } else {
                long left = heardNanos + longestSilence.toNanos() - world.nanoTime();
                if (left <= 0) {
                    throw new SilenceException(longestSilence);
                }
                fiber.sleep(left);
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        fiber.wake();
    }
}
