package io.sluice.cli;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.LayoutBase;
import java.time.Instant;
import java.util.List;
import org.slf4j.event.KeyValuePair;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A log line for machines: one flat JSON object with {@code time} (RFC 3339, UTC), {@code level}, {@code logger},
 * {@code thread} and {@code message}, the key-value pairs of the event beside them, and {@code error} with a stack
 * trace if there is one. Any thread.
 */
final class JsonLayout extends LayoutBase<ILoggingEvent> {

    private static final JsonMapper MAPPER = JsonMapper.shared();

    @Override
    public String doLayout(ILoggingEvent event) {
        ObjectNode line = MAPPER.createObjectNode();
        line.put("time", Instant.ofEpochMilli(event.getTimeStamp()).toString());
        line.put("level", event.getLevel().toString());
        line.put("logger", event.getLoggerName());
        line.put("thread", event.getThreadName());
        line.put("message", event.getFormattedMessage());
        List<KeyValuePair> pairs = event.getKeyValuePairs();
        if (pairs != null) {
            for (KeyValuePair pair : pairs) {
                put(line, pair.key, pair.value);
            }
        }
        if (event.getThrowableProxy() != null) {
            line.put("error", ThrowableProxyUtil.asString(event.getThrowableProxy()));
        }
        return MAPPER.writeValueAsString(line) + '\n';
    }

    private static void put(ObjectNode line, String key, Object value) {
        switch (value) {
            case Integer number -> line.put(key, number);
            case Long number -> line.put(key, number);
            case Double number -> line.put(key, number);
            case Boolean truth -> line.put(key, truth);
            default -> line.put(key, String.valueOf(value));
        }
    }
}
