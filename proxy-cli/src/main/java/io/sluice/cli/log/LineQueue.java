package io.sluice.cli.log;

import io.sluice.text.Printable;
import java.io.ByteArrayOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Lines for a standard stream. The reader of the stream may stop (a full pipe, Ctrl-S, a full disk), and no thread of this
 * process may stop with it: lines are put into a queue without waiting, and one daemon thread writes them in order. Lines
 * that do not fit are dropped and counted, and a line in their place reports this.
 *
 * <p>Memory: {@value #MOST_LINES} lines of {@value #MOST_BYTES} bytes together (and some 50 bytes of Java for each), and
 * one buffer. Any thread; nothing takes a lock.
 */
final class LineQueue implements AutoCloseable {

    /** The most lines that wait. */
    static final int MOST_LINES = 8192;
    /** The most bytes of all lines that wait. */
    static final int MOST_BYTES = 4 * 1024 * 1024;
    /** The longest line; a longer one is cut. */
    static final int LONGEST_LINE = 32 * 1024;

    /** The most bulk lines that wait: they leave room for others. */
    private static final int MOST_BULK_LINES = MOST_LINES / 4 * 3;
    private static final int MOST_BULK_BYTES = MOST_BYTES / 4 * 3;
    private static final int LONGEST_REASON = 200;
    private static final int BUFFER_BYTES = 64 * 1024;
    /** The most lines that one system call writes. */
    private static final int BATCH = 512;

    /** The pause after a system call, in which more lines arrive: under load neither they nor the writer need a call each. */
    private static final long LINGER_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
    private static final long RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long AFTER_FAILURE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long NOTICE_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Makes the line that reports dropped ones. */
    @FunctionalInterface
    interface Notice {

        /** Ends with a line feed; {@code why} is a clause without a full stop. */
        String of(long lines, String why);
    }

    /** One entry. */
    private static final class Line {

        private final byte[] bytes;
        /** The number of lines that were dropped before this one was added. */
        private final long droppedBefore;

        Line(byte[] bytes, long droppedBefore) {
            this.bytes = bytes;
            this.droppedBefore = droppedBefore;
        }
    }

    private final WritableByteChannel channel;
    private final String name;
    private final Thread writer;
    private final Queue<Line> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger lines = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final Doorbell bell = new Doorbell();
    private volatile Notice notice = (count, why) -> "dropped " + count + " lines: " + why + '\n';
    private volatile boolean closing;

    // Of the writer's thread alone.
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES);
    /** The end of each line in the buffer. */
    private final int[] ends = new int[BATCH];
    /** The total of dropped lines that each line in the buffer reports; 0 for other lines. */
    private final long[] tells = new long[BATCH];
    private int batch;
    private boolean lineBroken;
    /** The dropped lines that were reported, those in the buffer included. */
    private long told;
    private long telling;
    private long lastNoticeNanos = System.nanoTime() - NOTICE_INTERVAL_NANOS;
    private @Nullable String trouble;

    /**
     * Begins to write.
     *
     * @param name the name of the stream, for messages
     */
    LineQueue(WritableByteChannel channel, String name) {
        this.channel = channel;
        this.name = name;
        writer = Thread.ofPlatform().name("sluice-" + name).daemon().unstarted(this::write);
        writer.start();
    }

    /** A queue to a standard stream of this process, whatever {@link System#out} and {@link System#err} are. */
    @SuppressWarnings("resource") // standard streams are never closed
    static LineQueue to(FileDescriptor descriptor, String name) {
        return new LineQueue(new FileOutputStream(descriptor).getChannel(), name);
    }

    /** Sets the text that reports dropped lines. */
    void notice(Notice words) {
        notice = words;
    }

    /** The number of lines that were dropped so far. */
    long dropped() {
        return dropped.get();
    }

    /**
     * Adds a line, or several that belong together; {@code text} ends with a line feed.
     *
     * @param bulk whether there may be very many lines of this kind, which are dropped first
     */
    void add(String text, boolean bulk) {
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        if (encoded.length > LONGEST_LINE) {
            encoded = cut(encoded);
        }
        boolean fits = lines.incrementAndGet() <= (bulk ? MOST_BULK_LINES : MOST_LINES);
        if (bytes.addAndGet(encoded.length) > (bulk ? MOST_BULK_BYTES : MOST_BYTES) || !fits) {
            release(encoded);
            dropped.incrementAndGet();
            return;
        }
        queue.add(new Line(encoded, dropped.get()));
        bell.ring();
    }

    private void release(byte[] encoded) {
        lines.decrementAndGet();
        bytes.addAndGet(-encoded.length);
    }

    /** Cuts a line between two characters: a byte 10xxxxxx continues one. */
    private static byte[] cut(byte[] encoded) {
        byte[] mark = ("…(" + encoded.length + " bytes)\n").getBytes(StandardCharsets.UTF_8);
        int end = LONGEST_LINE - mark.length;
        while ((encoded[end] & 0xc0) == 0x80) {
            end--;
        }
        byte[] cut = Arrays.copyOf(encoded, end + mark.length);
        System.arraycopy(mark, 0, cut, end, mark.length);
        return cut;
    }

    /**
     * A stream into this queue for texts of this process itself; its lines are made printable. A line is added at its end, or
     * at a flush.
     */
    OutputStream stream() {
        return new Lines();
    }

    /** Writes the lines that wait, for {@code longest} at the most, and no later ones. */
    void close(Duration longest) {
        closing = true;
        LockSupport.unpark(writer);
        try {
            writer.join(longest);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        close(Duration.ofSeconds(1));
    }

    private void write() {
        while (true) {
            Line line = queue.poll();
            if (line != null) {
                append(line);
                continue;
            }
            if (batch > 0) {
                flush();
                pause(LINGER_NANOS);
                continue;
            }
            long missing = dropped.get();
            boolean due = missing > told && (closing || noticeIsDue());
            if (due) {
                tell(missing);
                flush();
            }
            if (closing && queue.isEmpty()) {
                return;
            }
            if (!due) {
                bell.rest(() -> queue.isEmpty() && !closing, missing > told ? NOTICE_INTERVAL_NANOS : 0);
            }
        }
    }

    private void pause(long nanos) {
        if (!closing) {
            LockSupport.parkNanos(this, nanos);
        }
    }

    private void append(Line line) {
        if (line.droppedBefore > telling && noticeIsDue()) {
            tell(line.droppedBefore);
        }
        put(line.bytes, 0);
        release(line.bytes);
    }

    private boolean noticeIsDue() {
        return System.nanoTime() - lastNoticeNanos >= NOTICE_INTERVAL_NANOS;
    }

    /** Reports that {@code missing} lines were dropped so far. */
    private void tell(long missing) {
        lastNoticeNanos = System.nanoTime();
        String why = trouble;
        String text = notice.of(missing - telling, why == null
                ? name + " was not read"
                : name + " could not be written: " + Printable.of(why, LONGEST_REASON));
        put(text.getBytes(StandardCharsets.UTF_8), missing);
        telling = missing;
    }

    private void put(byte[] encoded, long tellsOf) {
        if (batch == BATCH || buffer.remaining() <= encoded.length) {
            flush();
        }
        if (lineBroken) {
            buffer.put((byte) '\n');
            lineBroken = false;
        }
        buffer.put(encoded);
        ends[batch] = buffer.position();
        tells[batch++] = tellsOf;
    }

    /** Writes the buffer; if that fails, its lines are dropped. */
    private void flush() {
        buffer.flip();
        boolean failed = false;
        try {
            while (buffer.hasRemaining()) {
                if (channel.write(buffer) == 0) {
                    LockSupport.parkNanos(this, RETRY_NANOS); // another process has made the stream non-blocking
                }
            }
        } catch (IOException e) {
            trouble = e.getMessage() == null ? e.toString() : e.getMessage();
            failed = true;
        }
        settle(buffer.position());
        buffer.clear();
        if (failed) {
            pause(AFTER_FAILURE_NANOS);
        }
    }

    /** Counts the lines in the buffer as written or dropped, after {@code written} bytes of it were written. */
    private void settle(int written) {
        int lost = 0;
        boolean midLine = written > 0;
        for (int i = 0; i < batch; i++) {
            midLine &= ends[i] != written;
            if (ends[i] > written) {
                lost += tells[i] == 0 ? 1 : 0;
            } else if (tells[i] > 0) {
                told = tells[i];
                trouble = null;
            }
        }
        lineBroken |= midLine;
        dropped.addAndGet(lost);
        telling = told;
        batch = 0;
    }

    /** Makes lines from bytes. */
    private final class Lines extends OutputStream {

        private final ByteArrayOutputStream line = new ByteArrayOutputStream(128);

        @Override
        public synchronized void write(int octet) {
            line.write(octet);
            if (octet == '\n' || line.size() >= LONGEST_LINE / 2) {
                flush();
            }
        }

        @Override
        public synchronized void flush() {
            if (line.size() > 0) {
                String text = line.toString(StandardCharsets.UTF_8);
                line.reset();
                String end = text.endsWith("\n") ? "\n" : "";
                String begin = text.startsWith("\t") ? "\t" : ""; // of a stack trace
                add(begin + Printable.of(text.substring(begin.length(), text.length() - end.length())) + end, false);
            }
        }
    }
}
