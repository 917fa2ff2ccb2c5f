package io.sluice.cli.command;

import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/** One connection for a person: where it went, what was tried before, where its time went. */
final class ConnectionText {

    private ConnectionText() {}

    static void print(JsonNode connection, OutputFormat output, PrintWriter out) {
        if (output == OutputFormat.JSON) {
            out.println(PrintableJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(connection));
        } else {
            lines(connection).forEach(line -> out.println(Printable.of(line)));
        }
        out.flush();
    }

    /** Pure. */
    static List<String> lines(JsonNode connection) {
        String port = text(connection, "port");
        List<String> lines = new ArrayList<>();
        lines.add("connection " + connection.path("id").asLong(0) + ", " + text(connection, "protocol") + ", "
                + text(connection, "state") + ": " + text(connection, "client") + " to "
                + text(connection, "namespace") + "/" + text(connection, "service")
                + (port.isEmpty() ? "" : ":" + port) + " at " + text(connection, "listener") + ", "
                + (connection.has("endpoint") ? "to " + text(connection, "endpoint") : "to no endpoint")
                + (connection.path("masqueraded").asBoolean(false) ? ", masqueraded" : ""));
        lines.add("  accepted " + text(connection, "acceptedAt") + ", traffic " + text(connection, "traffic"));
        connection.path("attempts").forEach(attempt -> lines.add("  tried " + text(attempt, "endpoint") + ": "
                + text(attempt, "failure") + " after " + millis(attempt, "ms")));
        if (connection.has("connectMs")) {
            lines.add(text(connection, "protocol").equals("UDP")
                    ? "  first reply after " + millis(connection, "connectMs")
                    : "  connected after " + millis(connection, "connectMs"));
        }
        lines.add("  passed on: " + bytes(connection, "bytesFromClient") + " to the endpoint, "
                + bytes(connection, "bytesFromBackend") + " to the client");
        boolean ended = connection.has("termination");
        if (connection.path("heldFromClient").asLong(0) > 0) {
            lines.add("  waits for the endpoint, which does not take " + bytes(connection, "heldFromClient"));
        }
        if (connection.path("heldFromBackend").asLong(0) > 0) {
            lines.add("  waits for the client, which does not take " + bytes(connection, "heldFromBackend"));
        }
        lines.add(ended
                ? "  ended after " + millis(connection, "totalMs") + ", " + text(connection, "termination") + ": "
                        + text(connection, "meaning")
                : "  open for " + millis(connection, "totalMs") + (connection.has("idleMs")
                        ? ", nothing came or went for " + millis(connection, "idleMs")
                        : ""));
        String rule = text(connection, "rule");
        if (connection.has("endpoint")) {
            lines.add("  the endpoint, by the rules of now: " + (rule.isEmpty() ? "it is gone" : rule));
        }
        connection.path("rules").forEach(line -> lines.add("  " + line.asString("")));
        return lines;
    }

    private static String millis(JsonNode object, String field) {
        return String.format(Locale.ROOT, "%.3f ms", object.path(field).asDouble(0));
    }

    private static String bytes(JsonNode object, String field) {
        return String.format(Locale.ROOT, "%,d B", object.path(field).asLong(0));
    }

    private static String text(JsonNode object, String field) {
        return object.path(field).asString("");
    }
}
