package io.sluice.cli.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Layout;
import ch.qos.logback.core.UnsynchronizedAppenderBase;

/** Forms each event's line on the thread that logs it, and leaves the writing to a {@link LineQueue}. */
final class QueueAppender extends UnsynchronizedAppenderBase<ILoggingEvent> {

    private final LineQueue queue;
    private final Layout<ILoggingEvent> layout;

    QueueAppender(LineQueue queue, Layout<ILoggingEvent> layout) {
        this.queue = queue;
        this.layout = layout;
    }

    @Override
    protected void append(ILoggingEvent event) {
        queue.add(layout.doLayout(event), event.getLoggerName().equals(Logging.ACCESS));
    }
}
