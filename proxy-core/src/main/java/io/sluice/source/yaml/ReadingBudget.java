package io.sluice.source.yaml;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * What one reading, of however many files, may cost. What is written is bounded by the size of the files; what aliases and
 * merge keys repeat is not, so it is counted over all of them. And everything has to be over after some time, for whatever
 * nobody thought of. Not thread-safe.
 */
public final class ReadingBudget {

    /** How many values aliases and merge keys may repeat in all. */
    public static final int MAX_REPEATED = 1_000_000;

    /** Of a processor; a 64 MiB file takes a few seconds. A processor that is busy with other things does not count. */
    public static final Duration MAX_TIME = Duration.ofSeconds(30);

    /** So long nobody asks how much of a processor was used: nearly every reading is over by then. */
    private static final Duration UNMEASURED = Duration.ofSeconds(5);

    private static final Duration MEASURED_EVERY = Duration.ofMillis(100);

    private final LongSupplier nanoTime;
    private final LongSupplier processorNanos;
    private long nextMeasurement;
    private long limit = Long.MAX_VALUE;
    private boolean over;
    private int repeated = MAX_REPEATED;

    ReadingBudget(LongSupplier nanoTime, LongSupplier processorNanos) {
        this.nanoTime = nanoTime;
        this.processorNanos = processorNanos;
        this.nextMeasurement = nanoTime.getAsLong() + UNMEASURED.toNanos();
    }

    /** A full one, for a reading that begins now and stays on this thread. */
    public static ReadingBudget start() {
        return new ReadingBudget(System::nanoTime,
                () -> ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime());
    }

    /** Whether the reading has to be over. */
    public boolean isOver() {
        long now = nanoTime.getAsLong();
        if (now - nextMeasurement >= 0) {
            nextMeasurement = now + MEASURED_EVERY.toNanos();
            long used = processorNanos.getAsLong();
            if (limit == Long.MAX_VALUE) {
                limit = used + MAX_TIME.toNanos();
            }
            over = used >= limit;
        }
        return over;
    }

    /** What to say then. */
    public static String tooLong() {
        return "reading takes more than " + MAX_TIME.toSeconds()
                + " s of a processor; it is not read to its end: make it"
                + " smaller";
    }

    /** Whether {@code weight} more values may be repeated; if so, they are. */
    boolean repeat(int weight) {
        if (weight > repeated) {
            return false;
        }
        repeated -= weight;
        return true;
    }
}
