package io.sluice.cli;

import java.io.FileDescriptor;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.LoggerFactory;

/**
 * The standard streams of a process that serves. All that is printed and logged in it goes through two queues, what
 * libraries print by themselves and what kills a thread too: no thread waits for whoever reads a stream. Any thread.
 */
final class ServingOutput implements AutoCloseable {

    /** How long the end waits for what was not written yet; then the process ends without. */
    private static final Duration LAST_WORDS = Duration.ofSeconds(1);

    private final LineQueue out;
    private final LineQueue err;

    private ServingOutput(LineQueue out, LineQueue err) {
        this.out = out;
        this.err = err;
    }

    /** Puts itself before the streams, once in a process and before anything is logged. */
    static ServingOutput install() {
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
    PrintWriter out() {
        return writer(out);
    }

    /** Standard error. */
    PrintWriter err() {
        return writer(err);
    }

    private static PrintWriter writer(LineQueue queue) {
        return new PrintWriter(new OutputStreamWriter(queue.stream(), StandardCharsets.UTF_8), true);
    }

    /** How many lines were dropped because nobody read them. */
    long dropped() {
        return out.dropped() + err.dropped();
    }

    /** Lets what waits be written, for a second at the most; nothing is printed afterwards. */
    @Override
    public void close() {
        Instant latest = Instant.now().plus(LAST_WORDS);
        err.close(LAST_WORDS);
        Duration left = Duration.between(Instant.now(), latest);
        out.close(left.isNegative() ? Duration.ZERO : left);
    }
}
