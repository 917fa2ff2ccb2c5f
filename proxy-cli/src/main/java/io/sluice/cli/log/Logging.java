package io.sluice.cli.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.Layout;
import ch.qos.logback.core.encoder.LayoutWrappingEncoder;
import ch.qos.logback.core.spi.ContextAwareBase;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Sets up logging to standard error, for people or as JSON. By default only warnings are logged, so that short commands
 * print nothing but their answer. A command that serves logs into a queue.
 */
public final class Logging extends ContextAwareBase implements Configurator {

    /** The logger that has one line for each closed connection. */
    public static final String ACCESS = "access";

    /** Libraries that would otherwise log their own start. */
    private static final List<String> QUIET = List.of("io.netty", "io.fabric8", "io.micrometer", "io.prometheus");

    private static volatile @Nullable LineQueue queue;
    private static volatile LogLevel atStart = LogLevel.WARN;

    /** Called by Logback before the first message. */
    @Override
    public ExecutionStatus configure(LoggerContext context) {
        install(context, LogFormat.TEXT, LogLevel.WARN, false);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    /**
     * Makes threads that log leave the writing to {@code lines}, from the next {@link #set} on, or from the first message; null
     * makes them write themselves.
     */
    static void to(@Nullable LineQueue lines) {
        queue = lines;
    }

    /** Logs {@code level} and above in {@code format} from now on. */
    public static void set(LogFormat format, LogLevel level, boolean colours) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.reset();
            atStart = level;
            install(context, format, level, colours);
        }
    }

    /**
     * Logs {@code level} and above from now on, in the format as it is.
     *
     * @param name only of this logger and those below it; null for all
     * @throws IllegalArgumentException if there is no such level
     */
    public static void level(@Nullable String level, @Nullable String name) {
        if (level == null) {
            asAtTheStart(name);
            return;
        }
        LogLevel wanted = Arrays.stream(LogLevel.values())
                .filter(known -> known.name().equals(level.toUpperCase(Locale.ROOT))).findFirst()
                .orElseThrow(() -> new IllegalArgumentException("there is no log level '" + level + "'"));
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            if (name == null) {
                levels(context, wanted);
            } else {
                context.getLogger(name).setLevel(Level.toLevel(wanted.name()));
            }
        }
    }

    private static void asAtTheStart(@Nullable String name) {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            if (name == null) {
                levels(context, atStart);
            } else {
                // Null is that of the logger above it.
                context.getLogger(name).setLevel(QUIET.contains(name) ? quiet(atStart) : null);
            }
        }
    }

    private static void levels(LoggerContext context, LogLevel level) {
        context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME).setLevel(Level.toLevel(level.name()));
        for (String library : QUIET) {
            context.getLogger(library).setLevel(quiet(level));
        }
    }

    private static Level quiet(LogLevel level) {
        return switch (level) {
            case TRACE -> Level.DEBUG;
            case ERROR -> Level.ERROR;
            default -> Level.WARN;
        };
    }

    /** Ends logging; the lines in a queue are still written. */
    public static void close() {
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            context.stop();
        }
    }

    private static void install(LoggerContext context, LogFormat format, LogLevel level, boolean colours) {
        Layout<ILoggingEvent> layout = format == LogFormat.JSON ? new JsonLayout() : new TextLayout(colours);
        layout.setContext(context);
        layout.start();
        LineQueue lines = queue;
        Appender<ILoggingEvent> appender = lines == null ? direct(context, layout) : new QueueAppender(lines, layout);
        appender.setContext(context);
        appender.setName("stderr");
        appender.start();
        if (lines != null) {
            Logger own = context.getLogger("sluice");
            lines.notice((count, why) -> layout.doLayout(new LoggingEvent(Logging.class.getName(), own, Level.WARN,
                    "dropped " + count + (count == 1 ? " log line: " : " log lines: ") + why, null, null)));
        }
        Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        levels(context, level);
        root.addAppender(appender);
        // A setting of its own decides whether these lines are logged.
        Logger access = context.getLogger(ACCESS);
        access.setLevel(Level.INFO);
        access.setAdditive(false);
        access.addAppender(appender);
    }

    private static Appender<ILoggingEvent> direct(LoggerContext context, Layout<ILoggingEvent> layout) {
        LayoutWrappingEncoder<ILoggingEvent> encoder = new LayoutWrappingEncoder<>();
        encoder.setCharset(StandardCharsets.UTF_8);
        encoder.setLayout(layout);
        encoder.setContext(context);
        encoder.start();
        ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
        appender.setTarget("System.err");
        appender.setEncoder(encoder);
        return appender;
    }
}
