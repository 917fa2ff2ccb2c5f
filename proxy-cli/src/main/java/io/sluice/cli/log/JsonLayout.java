package io.sluice.cli.log;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.LayoutBase;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.time.Instant;
import java.util.List;
import org.slf4j.event.KeyValuePair;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A log line for programs: one flat JSON object with {@code time} (RFC 3339, UTC), {@code level}, {@code logger},
 * {@code thread} and {@code message}, the key-value pairs of the event beside them, and {@code error} with a stack
 * trace if there is one. Unprintable characters are escaped, and very long texts are cut. Any thread.
 */
final class JsonLayout extends LayoutBase<ILoggingEvent> {

    private static final JsonMapper MAPPER = PrintableJson.mapper();
    private static final int LONGEST_WORD = 1024;

    @Override
    public String doLayout(ILoggingEvent event) {
        ObjectNode line = MAPPER.createObjectNode();
        line.put("time", Instant.ofEpochMilli(event.getTimeStamp()).toString());
        line.put("level", event.getLevel().toString());
        line.put("logger", Printable.cut(event.getLoggerName(), LONGEST_WORD));
        line.put("thread", Printable.cut(event.getThreadName(), LONGEST_WORD));
        line.put("message", Printable.cut(String.valueOf(event.getFormattedMessage()), Printable.LONGEST));
        List<KeyValuePair> pairs = event.getKeyValuePairs();
        if (pairs != null) {
            for (KeyValuePair pair : pairs) {
                put(line, Printable.cut(pair.key, LONGEST_WORD), pair.value);
            }
        }
        if (event.getThrowableProxy() != null) {
            line.put("error", StackTrace.of(event.getThrowableProxy()));
        }
        return MAPPER.writeValueAsString(line) + '\n';
    }

    private static void put(ObjectNode line, String key, Object value) {
        switch (value) {
            case Integer number -> line.put(key, number);
            case Long number -> line.put(key, number);
            case Double number -> line.put(key, number);
            case Boolean truth -> line.put(key, truth);
            default -> line.put(key, Printable.cut(String.valueOf(value), LONGEST_WORD));
        }
    }
}
