package io.sluice.liveness;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Faults of this program that end a task and leave its thread alive: each is logged with its stack trace, and the same
 * one again only after ten minutes. Any thread.
 */
public final class Faults {

    private static final Logger LOG = LoggerFactory.getLogger(Faults.class);
    private static final long QUIET_NANOS = TimeUnit.MINUTES.toNanos(10);
    private static final int REMEMBERED = 256;

    private static final ConcurrentMap<String, Long> LOGGED = new ConcurrentHashMap<>();

    private Faults() {}

    /**
     * Logs that {@code fault} has ended {@code task}; ends the process if it cannot go on after it.
     *
     * @param task the work, as the beginning of a line: {@code applying Services}
     */
    public static void report(String task, Throwable fault) {
        FatalErrors.endIfFatal(fault);
        if (isNews(task + ' ' + fault.getClass().getName(), System.nanoTime())) {
            LOG.error("{} failed: a fault in the proxy; please report it", task, fault);
        } else {
            LOG.debug("{} failed again: {}", task, fault.toString());
        }
    }

    /** Reports what {@code work} throws, and does not throw it on. For repeated work. */
    public static Runnable contained(String task, Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (Throwable fault) {
                report(task, fault);
            }
        };
    }

    /** Reports what {@code work} throws, and throws it on. For a future that may never be read. */
    public static Runnable reported(String task, Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (Throwable fault) {
                report(task, fault);
                throw fault;
            }
        };
    }

    private static boolean isNews(String fault, long now) {
        if (LOGGED.size() > REMEMBERED) {
            LOGGED.clear();
        }
        Long before = LOGGED.get(fault);
        if (before != null && now - before < QUIET_NANOS) {
            return false;
        }
        LOGGED.put(fault, now);
        return true;
    }
}
