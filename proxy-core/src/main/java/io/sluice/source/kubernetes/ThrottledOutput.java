package io.sluice.source.kubernetes;

import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Sleeps after each write three times as long as the work before it took, so that a large state does not starve the event
 * loops. Not thread-safe.
 */
final class ThrottledOutput extends OutputStream {

    /** The sleep, as a multiple of the time that the processor was used before. */
    private static final int SLEEP_FACTOR = 3;
    private static final long LONGEST_SLEEP_NANOS = 50_000_000;

    private final OutputStream to;
    private final BooleanSupplier hurry;
    private long busySinceNanos = System.nanoTime();

    /** @param hurry whether a thread waits for the end, so that it does not sleep */
    ThrottledOutput(OutputStream to, BooleanSupplier hurry) {
        this.to = to;
        this.hurry = hurry;
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
        to.write(bytes, from, length);
        if (!hurry.getAsBoolean()) {
            LockSupport.parkNanos(
                    Math.min(SLEEP_FACTOR * (System.nanoTime() - busySinceNanos), LONGEST_SLEEP_NANOS));
        }
        busySinceNanos = System.nanoTime();
    }

    @Override
    public void write(int oneByte) throws IOException {
        write(new byte[] {(byte) oneByte}, 0, 1);
    }
}
