package io.sluice.source.yaml;

import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Limits the cost of one read of any number of files. The size of the files limits the values in them; it does not limit the
 * values that aliases and merge keys repeat, so these are counted over all files. A limit of time covers everything that
 * nobody has thought of. Not thread-safe.
 */
public final class ReadingBudget {

    /** The most values that aliases and merge keys may repeat in all. */
    public static final int MAX_REPEATED = 1_000_000;

    /** The most processor time; a 64 MiB file takes a few seconds. The time of other work on the processor does not count. */
    public static final Duration MAX_TIME = Duration.ofSeconds(30);

    /** The time before the processor time is measured at all: nearly every read is over by then. */
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

    /** A full budget, for a read that begins now and stays on this thread. */
    public static ReadingBudget start() {
        return new ReadingBudget(System::nanoTime,
                () -> ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime());
    }

    /** Whether the read has to stop. */
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

    /** The message in that case. */
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
