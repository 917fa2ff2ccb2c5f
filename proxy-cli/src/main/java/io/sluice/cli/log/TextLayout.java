package io.sluice.cli.log;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.LayoutBase;
import io.sluice.reconcile.NamedLine;
import io.sluice.text.Printable;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import org.slf4j.event.KeyValuePair;

/**
 * A log line for people: time, level, the logger's short name, message, key-value pairs that the message does not have. A line of the access log has
 * no level and no logger. Everything but the line's end and a stack trace's is made {@linkplain Printable printable}: a
 * name from outside cannot end a line, begin another or send commands to the terminal. Any thread.
 */
final class TextLayout extends LayoutBase<ILoggingEvent> {

    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSS")
            .withZone(ZoneId.systemDefault());
    private static final String RESET = "\u001b[0m";
    private static final int LONGEST_WORD = 1024;

    private final boolean colours;

    TextLayout(boolean colours) {
        this.colours = colours;
    }

    @Override
    public String doLayout(ILoggingEvent event) {
        StringBuilder line = new StringBuilder(128);
        line.append(colour("\u001b[2m", TIME.format(Instant.ofEpochMilli(event.getTimeStamp())))).append(' ');
        if (!event.getLoggerName().equals(Logging.ACCESS)) {
            line.append(level(event.getLevel())).append(' ')
                    .append(colour("\u001b[36m", shortName(event.getLoggerName()))).append(' ');
        }
        line.append(Printable.of(String.valueOf(event.getFormattedMessage())));
        List<KeyValuePair> pairs = event.getKeyValuePairs();
        if (pairs != null && !repeats(event)) {
            for (KeyValuePair pair : pairs) {
                line.append(' ').append(Printable.of(pair.key, LONGEST_WORD)).append('=')
                        .append(value(pair.value));
            }
        }
        line.append('\n');
        if (event.getThrowableProxy() != null) {
            line.append(StackTrace.of(event.getThrowableProxy()));
        }
        return line.toString();
    }

    /** Whether the fields say nothing that the message does not say. */
    private static boolean repeats(ILoggingEvent event) {
        return event.getMarkerList() != null && event.getMarkerList().contains(NamedLine.FIELDS_FOR_PROGRAMS);
    }

    private static String shortName(String logger) {
        return Printable.of(logger.substring(logger.lastIndexOf('.') + 1), LONGEST_WORD);
    }

    private static String value(Object value) {
        String text = Printable.of(String.valueOf(value), LONGEST_WORD);
        return text.isEmpty() || text.indexOf(' ') >= 0 || text.indexOf('"') >= 0 || text.indexOf('=') >= 0
                ? '"' + text.replace("\"", "\\\"") + '"' : text;
    }

    private String level(Level level) {
        String text = level.toString();
        String padded = text + " ".repeat(5 - text.length());
        return switch (level.toInt()) {
            case Level.ERROR_INT -> colour("\u001b[31m", padded);
            case Level.WARN_INT -> colour("\u001b[33m", padded);
            case Level.INFO_INT -> colour("\u001b[32m", padded);
            default -> padded;
        };
    }

    private String colour(String code, String text) {
        return colours ? code + text + RESET : text;
    }
}
