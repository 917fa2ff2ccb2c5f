package io.sluice.liveness;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Faults of this program that end a task and leave its thread alive: each is logged with its stack trace, and again not
 * before ten minutes have passed. Any thread.
 */
public final class Faults {

    private static final Logger LOG = LoggerFactory.getLogger(Faults.class);
    private static final long QUIET_NANOS = TimeUnit.MINUTES.toNanos(10);
    private static final int REMEMBERED = 256;

    private static final ConcurrentMap<String, Long> LOGGED = new ConcurrentHashMap<>();

    private Faults() {}

    /**
     * Logs that {@code fault} has ended {@code task}; ends the process if nothing can be relied on after it.
     *
     * @param task what was done, as the beginning of a line: {@code applying Services}
     */
    public static void report(String task, Throwable fault) {
        FatalErrors.endIfFatal(fault);
        if (isNews(task + ' ' + fault.getClass().getName(), System.nanoTime())) {
            LOG.error("{} failed: a fault in the proxy; please report it", task, fault);
        } else {
            LOG.debug("{} failed again: {}", task, fault.toString());
        }
    }

    /** Nothing that {@code work} throws reaches its caller; it is reported. For what is repeated. */
    public static Runnable contained(String task, Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (Throwable fault) {
                report(task, fault);
            }
        };
    }

    /** What {@code work} throws is reported and reaches its caller nevertheless. For a future that nobody may look at. */
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
