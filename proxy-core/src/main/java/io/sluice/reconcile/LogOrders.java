package io.sluice.reconcile;

import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What operators have ordered of the log, carried out and remembered, so that it goes from one process to the next, and taken
 * back when its time is over: then the log is as it was at the start. Any thread.
 */
public final class LogOrders {

    /** So many loggers are remembered; of one more the oldest is forgotten, which ends with this process. */
    static final int MOST = 64;

    private static final int LONGEST = 256;
    private static final String ALL = "";
    /** The key of the access log; no logger has a space in its name. */
    private static final String ACCESS = "access log";

    private final BiConsumer<@Nullable String, @Nullable String> levels;
    private final Consumer<@Nullable Boolean> access;
    private final BiConsumer<Runnable, Duration> later;
    private final Clock clock;
    private final Consumer<String> ended;
    /** By logger, {@link #ALL} for all; the newest last. */
    private final Map<String, String> ordered = new LinkedHashMap<>();
    private @Nullable Boolean accessLog;
    /** When these end, by logger or {@link #ACCESS}; those without an end are not here. */
    private final Map<String, Instant> ends = new LinkedHashMap<>();

    /**
     * Nothing is ordered yet.
     *
     * @param levels sets the level of a logger, of all if it is null; a level that is null is what it was at the start; throws
     *               IllegalArgumentException if there is no such level
     * @param access switches the access log; null for what it was at the start
     * @param later  does something after a while
     * @param ended  is told what has ended because its time is over, for people
     */
    public LogOrders(BiConsumer<@Nullable String, @Nullable String> levels, Consumer<@Nullable Boolean> access,
            BiConsumer<Runnable, Duration> later, Clock clock, Consumer<String> ended) {
        this.levels = levels;
        this.access = access;
        this.later = later;
        this.clock = clock;
        this.ended = ended;
    }

    /**
     * Logs messages of this level and above.
     *
     * @param logger only those of this logger and the ones below it; null for all
     * @param lasts  how long; null for as long as the process
     * @throws IllegalArgumentException if there is no such level
     */
    public synchronized void level(String level, @Nullable String logger, @Nullable Duration lasts) {
        level(level, logger, end(lasts));
    }

    private void level(String level, @Nullable String logger, @Nullable Instant end) {
        levels.accept(level, logger);
        String key = logger == null ? ALL : logger;
        ordered.remove(key);
        ordered.put(key, level);
        if (ordered.size() > MOST) {
            String oldest = ordered.keySet().iterator().next();
            ordered.remove(oldest);
            ends.remove(oldest);
        }
        endsAt(key, end);
    }

    /**
     * Writes the access log, or does not.
     *
     * @param lasts how long; null for as long as the process
     */
    public synchronized void accessLog(boolean on, @Nullable Duration lasts) {
        accessLog(on, end(lasts));
    }

    private void accessLog(boolean on, @Nullable Instant end) {
        access.accept(on);
        accessLog = on;
        endsAt(ACCESS, end);
    }

    private @Nullable Instant end(@Nullable Duration lasts) {
        return lasts == null ? null : clock.instant().plus(lasts);
    }

    private void endsAt(String key, @Nullable Instant end) {
        ends.remove(key);
        if (end != null) {
            ends.put(key, end);
            later.accept(() -> end(key, end), Duration.between(clock.instant(), end));
        }
    }

    /** Takes back what was to end then, unless something else was ordered meanwhile. */
    private synchronized void end(String key, Instant then) {
        if (!ends.remove(key, then)) {
            return;
        }
        if (key.equals(ACCESS)) {
            accessLog = null;
            access.accept(null);
            ended.accept("the access log is what it was at the start");
        } else {
            ordered.remove(key);
            levels.accept(null, key.equals(ALL) ? null : key);
            ended.accept("what is logged" + (key.equals(ALL) ? "" : " of " + key) + " is what it was at the start");
        }
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
        if (!ends.isEmpty()) {
            Map<String, Long> millis = new LinkedHashMap<>();
            ends.forEach((key, end) -> millis.put(key, end.toEpochMilli()));
            fields.put("ends", millis);
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
                level(level, logger.equals(ALL) ? null : logger, end(fields, each.getKey()));
                said.append(said.isEmpty() ? "" : ", ").append("log level ").append(Printable.cut(level, LONGEST))
                        .append(logger.equals(ALL) ? "" : " of " + logger);
            }
            if (fields.has("accessLog")) {
                boolean on = fields.path("accessLog").asBoolean(false);
                accessLog(on, end(fields, ACCESS));
                said.append(said.isEmpty() ? "" : ", ").append("access log ").append(on ? "on" : "off");
            }
            return said.toString();
        } catch (JacksonException | IllegalArgumentException e) {
            throw new IOException("what was ordered of the log is not understood: "
                    + Printable.of(String.valueOf(e.getMessage())), e);
        }
    }

    /** When the process before this one would have ended it; null for never. */
    private static @Nullable Instant end(JsonNode fields, String key) {
        JsonNode end = Objects.requireNonNull(fields.path("ends")).path(key);
        return end.isNumber() ? Instant.ofEpochMilli(end.asLong()) : null;
    }
}
