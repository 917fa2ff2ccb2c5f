package io.sluice.it.testbed;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import io.sluice.metrics.AccessLog;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.LoggerFactory;

/** What this process logs from now on, instead of printing it. */
public final class CapturedLog implements AutoCloseable {

    private final Logger sluice = (Logger) LoggerFactory.getLogger("io.sluice");
    private final Logger access = (Logger) LoggerFactory.getLogger(AccessLog.LOGGER);
    private final Queue<ILoggingEvent> events = new ConcurrentLinkedQueue<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            events.add(event);
        }
    };

    public CapturedLog() {
        appender.start();
        sluice.setLevel(Level.INFO);
        sluice.setAdditive(false);
        sluice.addAppender(appender);
        access.addAppender(appender);
    }

    /** Messages of {@code level} or above that contain {@code text}. */
    public List<String> lines(Level level, String text) {
        return events.stream().filter(event -> event.getLevel().isGreaterOrEqual(level))
                .map(ILoggingEvent::getFormattedMessage).filter(message -> message.contains(text)).toList();
    }

    /** What the proxy itself calls a fault of its own, with where it happened. */
    public List<String> faults() {
        return events.stream().filter(event -> event.getFormattedMessage().contains("please report"))
                .map(event -> event.getFormattedMessage() + "\n"
                        + ThrowableProxyUtil.asString(event.getThrowableProxy()))
                .toList();
    }

    /** Lines of the access log. */
    public List<String> accessLines() {
        return events.stream().filter(event -> event.getLoggerName().equals(AccessLog.LOGGER))
                .map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Override
    public void close() {
        sluice.detachAppender(appender);
        access.detachAppender(appender);
    }
}
