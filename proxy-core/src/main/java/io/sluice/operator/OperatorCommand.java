package io.sluice.operator;

import io.sluice.balance.Order;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import io.sluice.text.Printable;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What an operator orders, as one line of JSON says it. Immutable. */
sealed interface OperatorCommand {

    /** The longest line, in bytes. */
    int LONGEST = 16 * 1024;

    /** The longest duration: a timer can wait no longer than 292 years, and nobody wants to. */
    Duration LONGEST_DURATION = Duration.ofDays(365);

    /** An order for endpoints; see {@link io.sluice.reconcile.HandOrders.Wanted}. */
    record Give(String target, @Nullable ServiceName service, Order.Kind kind, int weight, @Nullable Duration lasts,
            @Nullable Duration resetAfter) implements OperatorCommand {}

    /** Takes back what is ordered for endpoints: their weights, or that they are drained or ejected. */
    record TakeBack(String target, @Nullable ServiceName service, boolean weights) implements OperatorCommand {}

    /**
     * Ends connections: those that are like this in everything that is said.
     *
     * @param id       0 for none in particular
     * @param endpoint an address or a Pod; null for any
     */
    record Kill(long id, @Nullable String endpoint, @Nullable InetAddress client, int clientPort,
            @Nullable ServiceName service) implements OperatorCommand {}

    /** Sets what is logged; {@code lasts} is null for as long as the process. */
    record Level(String level, @Nullable String logger, @Nullable Duration lasts) implements OperatorCommand {}

    /** Switches the access log; {@code lasts} is null for as long as the process. */
    record Access(boolean on, @Nullable Duration lasts) implements OperatorCommand {}

    /**
     * Reads one line.
     *
     * @throws IllegalArgumentException if it is none; the message is for the operator
     */
    static OperatorCommand read(byte[] line) {
        JsonNode root;
        try {
            root = JsonMapper.shared().readTree(new String(line, StandardCharsets.UTF_8));
        } catch (JacksonException e) {
            throw new IllegalArgumentException("the order is no JSON: " + e.getOriginalMessage(), e);
        }
        String order = root.path("order").asString("");
        return switch (order) {
            case "drain" -> new Give(target(root), service(root), Order.Kind.DRAIN, 0, duration(root, "forMillis"),
                    duration(root, "timeoutMillis"));
            case "eject" -> new Give(target(root), service(root), Order.Kind.EJECT, 0, duration(root, "forMillis"),
                    null);
            case "weight" -> weight(root);
            case "undrain" -> new TakeBack(target(root), service(root), false);
            case "kill" -> kill(root);
            case "log-level" -> new Level(required(root, "level"), text(root, "logger"),
                    duration(root, "forMillis"));
            case "access-log" -> new Access(switch (required(root, "access")) {
                case "on" -> true;
                case "off" -> false;
                default -> throw new IllegalArgumentException("the access log is switched on or off");
            }, duration(root, "forMillis"));
            default -> throw new IllegalArgumentException(
                    "this daemon does not know the order '" + Printable.cut(order, 80)
                            + "': is it of another version?");
        };
    }

    private static OperatorCommand weight(JsonNode root) {
        int weight = root.path("weight").asInt(-1);
        if (weight == 0) {
            return new TakeBack(target(root), service(root), true);
        }
        if (weight < 1 || weight > Order.MOST_WEIGHT) {
            throw new IllegalArgumentException("a weight is from 1 to " + Order.MOST_WEIGHT);
        }
        return new Give(target(root), service(root), Order.Kind.WEIGHT, weight, duration(root, "forMillis"), null);
    }

    private static OperatorCommand kill(JsonNode root) {
        String client = text(root, "client");
        InetAddress ip = null;
        int port = 0;
        if (client != null) {
            int colon = client.lastIndexOf(':');
            boolean withPort = colon > 0 && (client.indexOf(':') == colon || client.charAt(colon - 1) == ']');
            String host = (withPort ? client.substring(0, colon) : client).replaceAll("^\\[|\\]$", "");
            ip = IpAddresses.parse(host);
            port = withPort ? port(client.substring(colon + 1)) : 0;
        }
        Kill kill = new Kill(root.path("id").asLong(0), text(root, "endpoint"), ip, port, service(root));
        if (kill.equals(new Kill(0, null, null, 0, null))) {
            throw new IllegalArgumentException("say which connections: by number, endpoint, client or Service");
        }
        return kill;
    }

    private static int port(String text) {
        if (!text.matches("\\d{1,5}") || Integer.parseInt(text) > 65_535) {
            throw new IllegalArgumentException("'" + Printable.cut(text, 80) + "' is no port");
        }
        return Integer.parseInt(text);
    }

    private static String target(JsonNode root) {
        return required(root, "target");
    }

    private static @Nullable ServiceName service(JsonNode root) {
        String service = text(root, "service");
        return service == null
                ? null
                : new ServiceName(root.path("namespace").asString("default"), service);
    }

    private static @Nullable Duration duration(JsonNode root, String field) {
        if (!root.has(field)) {
            return null;
        }
        Duration duration = Duration.ofMillis(root.path(field).asLong(-1));
        if (duration.isNegative() || duration.compareTo(LONGEST_DURATION) > 0) {
            throw new IllegalArgumentException(field.replace("Millis", "").toLowerCase(Locale.ROOT)
                    + ": a duration is up to " + LONGEST_DURATION.toDays() + " days");
        }
        return duration;
    }

    private static String required(JsonNode root, String field) {
        String text = text(root, field);
        if (text == null) {
            throw new IllegalArgumentException("the order does not say '" + field + "'");
        }
        return text;
    }

    private static @Nullable String text(JsonNode root, String field) {
        String text = root.path(field).asString("");
        return text.isEmpty() ? null : text;
    }
}
