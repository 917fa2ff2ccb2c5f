package io.sluice.cli;

import ch.qos.logback.classic.AsyncAppender;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.Layout;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.slf4j.LoggerFactory;

/**
 * Where log lines go: to standard error, for people or as JSON. Until a command says otherwise only warnings are
 * logged, so that the short commands print nothing but their answer.
 */
public final class Logging extends ContextAwareBase implements Configurator {

    /** The logger that has one line for each closed connection. */
    static final String ACCESS = "access";

    /** Lines of the access log that may wait to be written; more are dropped. */
    private static final int ACCESS_QUEUE = 8192;

    /** Libraries that would otherwise tell about their own start. */
    private static final List<String> QUIET = List.of("io.netty", "io.fabric8", "io.micrometer", "io.prometheus");

    /** Called by Logback before the first message. */
    @Override
    public ExecutionStatus configure(LoggerContext context) {
        install(context, LogFormat.TEXT, LogLevel.WARN, false);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /** Logs {@code level} and above in {@code format} from now on. */
    static void set(LogFormat format, LogLevel level, boolean colours) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            flush(context);
            context.reset();
            install(context, format, level, colours);
        }
    }

    /** Writes what still waits to be written; nothing is logged afterwards. */
    static void close() {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            flush(context);
            context.stop();
        }
    }

    /** The queue has to be emptied while what it leads to still works. */
    private static void flush(LoggerContext context) {
        context.getLogger(ACCESS).detachAndStopAllAppenders();
    }

    private static void install(LoggerContext context, LogFormat format, LogLevel level, boolean colours) {
        Encoder<ILoggingEvent> encoder = encoder(context,
                format == LogFormat.JSON ? new JsonLayout() : new TextLayout(colours));
        ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
        appender.setContext(context);
        appender.setName("stderr");
        appender.setTarget("System.err");
        appender.setEncoder(encoder);
        appender.start();
        Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.toLevel(level.name()));
        root.addAppender(appender);
        for (String library : QUIET) {
            Level least = level == LogLevel.ERROR ? Level.ERROR : Level.WARN;
            context.getLogger(library).setLevel(level == LogLevel.TRACE ? Level.DEBUG : least);
        }
        // Whether these lines are made at all is a setting of its own. Event loops never wait for them to be written.
        AsyncAppender queue = new AsyncAppender();
        queue.setContext(context);
        queue.setQueueSize(ACCESS_QUEUE);
        queue.setDiscardingThreshold(0);
        queue.setNeverBlock(true);
        queue.addAppender(appender);
        queue.start();
        Logger access = context.getLogger(ACCESS);
        access.setLevel(Level.INFO);
        access.setAdditive(false);
        access.addAppender(queue);
    }

    private static Encoder<ILoggingEvent> encoder(LoggerContext context, Layout<ILoggingEvent> layout) {
        layout.setContext(context);
        layout.start();
        LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
        encoder.setCharset(StandardCharsets.UTF_8);
        encoder.setLayout(layout);
        encoder.setContext(context);
        encoder.start();
        return encoder;
    }
}
