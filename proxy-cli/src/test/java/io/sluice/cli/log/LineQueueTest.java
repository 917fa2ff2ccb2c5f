package io.sluice.cli.log;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of lines whose reader reads, does not read, or is no more. */
@Timeout(30)
class LineQueueTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** A stream whose reader does as the test says. */
    private static final class Reader implements WritableByteChannel {

        private final ByteArrayOutputStream read = new ByteArrayOutputStream();
        private final CountDownLatch writing = new CountDownLatch(1);
        private final Semaphore reads = new Semaphore(0);
        private final AtomicInteger calls = new AtomicInteger();
        /** Bytes of each call that are taken, then an error, if there is one. */
        private volatile int takes = Integer.MAX_VALUE;
        private volatile String error = "";

        @Override
        public int write(ByteBuffer bytes) throws IOException {
            calls.incrementAndGet();
            writing.countDown();
            try {
                reads.acquire();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            byte[] taken = new byte[Math.min(bytes.remaining(), takes)];
            bytes.get(taken);
            synchronized (this) {
                read.writeBytes(taken);
            }
            if (!error.isEmpty() && (taken.length == 0 || bytes.hasRemaining())) {
                throw new IOException(error);
            }
            return taken.length;
        }

        /** Reads all from now on. */
        Reader reading() {
            reads.release(1_000_000);
            return this;
        }

        synchronized String text() {
            return read.toString(StandardCharsets.UTF_8);
        }

        List<String> lines() {
            return text().lines().toList();
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {
            reading();
        }
    }

    private final Reader reader = new Reader();
    private final LineQueue queue = new LineQueue(reader, "stderr");

    @AfterEach
    void end() {
        reader.close();
    }

    @Test
    void lines_are_written_in_their_order_and_all_of_them_before_the_end() {
        reader.reading();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 5_000; i++) {
            queue.add("line " + i + "\n", i % 2 == 0);
            expected.add("line " + i);
        }

        queue.close(PATIENCE);

        assertThat(reader.lines()).isEqualTo(expected);
        assertThat(queue.dropped()).isZero();
    }

    @Test
    void nobody_waits_for_a_reader_that_does_not_read_and_what_was_dropped_is_told_where_it_is_missing()
            throws Exception {
        queue.add("first\n", false);
        reader.writing.await();
        int more = 100_000;
        for (int i = 0; i < more; i++) {
            queue.add("line " + i + "\n", false);
        }
        long dropped = queue.dropped();
        assertThat(dropped).isEqualTo(more - LineQueue.MOST_LINES);

        reader.reading();
        queue.close(PATIENCE);

        assertThat(reader.lines()).hasSize(1 + LineQueue.MOST_LINES + 1)
                .endsWith("line " + (LineQueue.MOST_LINES - 1), "dropped " + dropped + " lines: stderr was not read");
    }

    @Test
    void the_line_that_tells_of_dropped_ones_stands_where_they_are_missing() throws Exception {
        queue.add("first\n", false);
        reader.writing.await();
        for (int i = 0; i < LineQueue.MOST_LINES + 7; i++) {
            queue.add("waits\n", false);
        }
        reader.reads.release();
        while (reader.calls.get() < 2) {
            Thread.onSpinWait();
        }
        // Some are on their way, so there is room again, and others still wait.
        queue.add("later\n", false);
        reader.reading();
        queue.close(PATIENCE);

        assertThat(reader.lines()).endsWith("waits", "dropped 7 lines: stderr was not read", "later")
                .filteredOn(line -> line.startsWith("dropped")).hasSize(1);
    }

    @Test
    void what_waits_has_a_bound_in_bytes_as_well_and_a_long_line_is_cut() throws Exception {
        queue.add("first\n", false);
        reader.writing.await();
        String long_line = "ü".repeat(LineQueue.LONGEST_LINE) + "\n";
        for (int i = 0; i < 1_000; i++) {
            queue.add(long_line, false);
        }
        assertThat(queue.dropped()).isEqualTo(1_000 - LineQueue.MOST_BYTES / LineQueue.LONGEST_LINE);

        reader.reading();
        queue.close(PATIENCE);

        assertThat(reader.lines().get(1)).startsWith("üüü").endsWith("ü…(65537 bytes)")
                .satisfies(line -> assertThat(line.getBytes(StandardCharsets.UTF_8).length + 1)
                        .isBetween(LineQueue.LONGEST_LINE - 2, LineQueue.LONGEST_LINE));
    }

    @Test
    void lines_that_come_in_masses_leave_room_for_others() throws Exception {
        queue.add("first\n", false);
        reader.writing.await();
        for (int i = 0; i < 2 * LineQueue.MOST_LINES; i++) {
            queue.add("connection\n", true);
        }
        long before = queue.dropped();
        queue.add("a warning\n", false);

        assertThat(queue.dropped()).isEqualTo(before);
        reader.reading();
        queue.close(PATIENCE);
        assertThat(reader.lines()).contains("a warning");
    }

    @Test
    void the_end_does_not_wait_longer_than_it_was_told_for_a_reader_that_does_not_read() throws Exception {
        queue.add("never read\n", false);
        reader.writing.await();
        long begun = System.nanoTime();

        queue.close(Duration.ofMillis(50));

        assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun)).isBetween(49L, 10_000L);
        assertThat(reader.text()).isEmpty();
    }

    @Test
    void a_stream_that_is_broken_costs_its_lines_and_says_so_when_it_works_again() throws Exception {
        reader.takes = 3;
        reader.error = "No space left on device";
        reader.reading();
        queue.add("one\n", false);
        while (queue.dropped() == 0) {
            Thread.onSpinWait();
        }
        assertThat(reader.text()).isEqualTo("one");
        reader.takes = Integer.MAX_VALUE;
        reader.error = "";
        queue.add("two\n", false);
        queue.close(PATIENCE);

        assertThat(reader.lines()).startsWith("one").contains("two")
                .contains("dropped 1 lines: stderr could not be written: No space left on device");
    }

    @Test
    void a_stream_that_is_broken_for_ever_ends_in_time_and_with_every_line_counted() {
        reader.takes = 0;
        reader.error = "Broken pipe";
        reader.reading();
        for (int i = 0; i < 100; i++) {
            queue.add("line\n", false);
        }

        queue.close(PATIENCE);

        assertThat(reader.text()).isEmpty();
        assertThat(queue.dropped()).isEqualTo(100);
    }

    @Test
    void what_a_non_blocking_stream_does_not_take_at_once_is_written_later() throws Exception {
        reader.takes = 0;
        reader.reading();
        queue.add("patience\n", false);
        reader.writing.await();
        reader.takes = 4;

        queue.close(PATIENCE);

        assertThat(reader.text()).isEqualTo("patience\n");
        assertThat(queue.dropped()).isZero();
    }

    @Test
    void what_libraries_print_is_put_together_to_lines_and_made_printable() {
        reader.reading();
        PrintStream stream = new PrintStream(queue.stream(), true, StandardCharsets.UTF_8);
        stream.print("a \u001b[2K");
        stream.println("b\u202e");
        new IllegalStateException("first\u009bsecond").printStackTrace(stream);

        queue.close(PATIENCE);

        assertThat(reader.lines()).startsWith("a \\u001b[2Kb\\u202e",
                "java.lang.IllegalStateException: first\\u009bsecond").element(2).asString()
                .startsWith("\tat io.sluice");
    }
}
