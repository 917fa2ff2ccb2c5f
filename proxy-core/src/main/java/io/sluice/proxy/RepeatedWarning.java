package io.sluice.proxy;

import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;

/**
 * A warning that may occur a thousand times a second: logged at most every ten seconds, with the number left out. Any
 * thread.
 */
final class RepeatedWarning {

    private static final long INTERVAL_NANOS = 10_000_000_000L;

    private final Logger log;
    private final AtomicLong nextAt = new AtomicLong(Long.MIN_VALUE);
    private final AtomicLong suppressed = new AtomicLong();

    RepeatedWarning(Logger log) {
        this.log = log;
    }

    /** Logs {@code message} unless another was logged less than ten seconds before {@code now}. */
    void warn(String message, long now) {
        if (isDue(now)) {
            long before = suppressed.getAndSet(0);
            log.warn(before == 0 ? "{}" : "{} ({} more of this kind in between)", message, before);
        }
    }

    /** The same for a fault of the proxy, with its stack. */
    void error(String message, Throwable fault, long now) {
        if (isDue(now)) {
            long before = suppressed.getAndSet(0);
            log.error(before == 0 ? message : message + " (" + before + " more of this kind in between)", fault);
        }
    }

    private boolean isDue(long now) {
        long next = nextAt.get();
        if (now >= next && nextAt.compareAndSet(next, now + INTERVAL_NANOS)) {
            return true;
        }
        suppressed.incrementAndGet();
        return false;
    }
}
