package io.sluice.simulation;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.sluice.liveness.Faults;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** What the program itself reports as a fault of its own: it goes on after it, a history does not. */
final class FaultLog extends AppenderBase<ILoggingEvent> {

    /** The first fault of the history that this thread, or one that it has made, plays. */
    private static final InheritableThreadLocal<AtomicReference<@Nullable String>> FIRST =
            new InheritableThreadLocal<>();

    static {
        new FaultLog().start();
    }

    private FaultLog() {
        Logger logger = (Logger) LoggerFactory.getLogger(Faults.class);
        // A fault that was reported before is told at this level only.
        logger.setLevel(Level.DEBUG);
        logger.addAppender(this);
        setContext(logger.getLoggerContext());
    }

    /** A history begins on this thread. */
    static void begin() {
        FIRST.set(new AtomicReference<>());
    }

    /** The first fault since it was asked last; null for none. */
    static @Nullable String take() {
        AtomicReference<@Nullable String> first = FIRST.get();
        return first == null || first.get() == null ? null : first.getAndSet(null);
    }

    @Override
    protected void append(ILoggingEvent event) {
        AtomicReference<@Nullable String> first = FIRST.get();
        if (first == null) {
            return;
        }
        first.compareAndSet(null, event.getFormattedMessage() + (event.getThrowableProxy() == null
                ? ""
                : ": " + event.getThrowableProxy().getClassName() + ": " + event.getThrowableProxy().getMessage()));
    }
}
