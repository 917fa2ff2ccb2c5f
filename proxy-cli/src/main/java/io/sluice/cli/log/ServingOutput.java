package io.sluice.cli.log;

import java.io.FileDescriptor;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.LoggerFactory;

/**
 * The standard streams of a process that serves. Everything that is printed and logged goes through two queues, also the
 * output of libraries and of uncaught exceptions: no thread waits for the reader of a stream. Any thread.
 */
public final class ServingOutput implements AutoCloseable {

    /** The longest wait at the end for lines that are not written yet. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);

    private final LineQueue out;
    private final LineQueue err;

    private ServingOutput(LineQueue out, LineQueue err) {
        this.out = out;
        this.err = err;
    }

    /** Replaces the standard streams, once in a process and before anything is logged. */
    public static ServingOutput install() {
        ServingOutput output = new ServingOutput(LineQueue.to(FileDescriptor.out, "stdout"),
                LineQueue.to(FileDescriptor.err, "stderr"));
        System.setOut(new PrintStream(output.out.stream(), true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(output.err.stream(), true, StandardCharsets.UTF_8));
        Logging.to(output.err);
        Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> LoggerFactory.getLogger("sluice")
                .error("the thread {} ends by a mistake of this program, please report it", thread.getName(), failure));
        return output;
    }

    /** Standard output. */
    public PrintWriter out() {
        return writer(out);
    }

    /** Standard error. */
    public PrintWriter err() {
        return writer(err);
    }

    private static PrintWriter writer(LineQueue queue) {
        return new PrintWriter(new OutputStreamWriter(queue.stream(), StandardCharsets.UTF_8), true);
    }

    /** The number of lines that were dropped because they were not read. */
    public long dropped() {
        return out.dropped() + err.dropped();
    }

    /** Writes the lines that wait, for a second at the most; nothing is printed afterwards. */
    @Override
    public void close() {
        Instant latest = Instant.now().plus(LAST_WORDS);
        err.close(LAST_WORDS);
        Duration left = Duration.between(Instant.now(), latest);
        out.close(left.isNegative() ? Duration.ZERO : left);
    }
}
