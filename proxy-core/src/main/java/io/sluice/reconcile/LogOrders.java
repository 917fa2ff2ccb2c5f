package io.sluice.reconcile;

import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What operators have ordered of the log, carried out and remembered, so that it goes from one process to the next. Any thread.
 */
public final class LogOrders {

    /** So many loggers are remembered; of one more the oldest is forgotten, which ends with this process. */
    static final int MOST = 64;

    private static final int LONGEST = 256;
    private static final String ALL = "";

    private final BiConsumer<String, @Nullable String> levels;
    private final Consumer<Boolean> access;
    /** By logger, {@link #ALL} for all; the newest last. */
    private final Map<String, String> ordered = new LinkedHashMap<>();
    private @Nullable Boolean accessLog;

    /**
     * Nothing is ordered yet.
     *
     * @param levels sets the level of a logger, of all if it is null; throws IllegalArgumentException if there is no such level
     * @param access switches the access log
     */
    public LogOrders(BiConsumer<String, @Nullable String> levels, Consumer<Boolean> access) {
        this.levels = levels;
        this.access = access;
    }

    /**
     * Logs messages of this level and above.
     *
     * @param logger only those of this logger and the ones below it; null for all
     * @throws IllegalArgumentException if there is no such level
     */
    public synchronized void level(String level, @Nullable String logger) {
        levels.accept(level, logger);
        String key = logger == null ? ALL : logger;
        ordered.remove(key);
        ordered.put(key, level);
        if (ordered.size() > MOST) {
            ordered.remove(ordered.keySet().iterator().next());
        }
    }

    /** Writes the access log, or does not. */
    public synchronized void accessLog(boolean on) {
        access.accept(on);
        accessLog = on;
    }

    /**
     * What is ordered, for the next process; empty for nothing. It is a JSON text with JSON in it: an earlier version, which knows
     * of lists of orders alone, passes it over.
     */
    synchronized Optional<byte[]> message() {
        if (ordered.isEmpty() && accessLog == null) {
            return Optional.empty();
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("levels", ordered);
        if (accessLog != null) {
            fields.put("accessLog", accessLog);
        }
        return Optional.of(PrintableJson.mapper().writeValueAsBytes(PrintableJson.mapper().writeValueAsString(fields)));
    }

    /** Whether {@code message} is one of {@link #message}, and no list of orders. */
    static boolean isMessage(byte[] message) {
        return message.length > 0 && message[0] == '"';
    }

    /**
     * Carries out what the process before this one had.
     *
     * @return what that is, for people
     * @throws IOException if it is not understood
     */
    synchronized String resume(byte[] message) throws IOException {
        try {
            JsonNode fields = PrintableJson.mapper().readTree(PrintableJson.mapper().readTree(message).asString(""));
            StringBuilder said = new StringBuilder();
            for (Map.Entry<String, JsonNode> each : fields.path("levels").properties()) {
                String logger = Printable.cut(each.getKey(), LONGEST);
                String level = each.getValue().asString("");
                level(level, logger.equals(ALL) ? null : logger);
                said.append(said.isEmpty() ? "" : ", ").append("log level ").append(Printable.cut(level, LONGEST))
                        .append(logger.equals(ALL) ? "" : " of " + logger);
            }
            if (fields.has("accessLog")) {
                boolean on = fields.path("accessLog").asBoolean(false);
                accessLog(on);
                said.append(said.isEmpty() ? "" : ", ").append("access log ").append(on ? "on" : "off");
            }
            return said.toString();
        } catch (JacksonException | IllegalArgumentException e) {
            throw new IOException("what was ordered of the log is not understood: "
                    + Printable.of(String.valueOf(e.getMessage())), e);
        }
    }
}
