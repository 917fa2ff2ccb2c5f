package io.sluice.cli.command;

import java.math.BigDecimal;
import java.math.MathContext;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code sluice get endpoints}. */
@Command(name = "endpoints", aliases = {"endpoint", "ep"}, abbreviateSynopsis = true,
        header = "List the endpoints that connections to each Service are spread over.",
        footer = {"", "Examples:", "  sluice get endpoints",
                "  sluice get ep -A -o wide      one line for each endpoint, ready or not",
                "", "-o wide shows how long connecting took, and the endpoint's first byte:",
                "half of the connections of the last two minutes, and 99 of 100, took no",
                "longer. EJECTED says whether connections avoid it: it does not answer, fails",
                "its health check (STATE says so), or an operator has ejected it."})
final class GetEndpointsCommand extends GetResource {

    private static final int SHOWN_ENDPOINTS = 3;

    GetEndpointsCommand() {
        super("endpoints", "services");
    }

    @Override
    List<String> headers(boolean wide) {
        return wide
                ? List.of("NAME", "PORT", "ENDPOINT", "STATE", "EJECTED", "ACTIVE", "TOTAL", "FAILED", "CONNECT",
                        "FIRST-BYTE", "POD", "AGE")
                : List.of("NAME", "ENDPOINTS", "AGE");
    }

    /** Each endpoint with what it belongs to, and what has none. */
    @Override
    List<JsonNode> parts(JsonNode item, boolean wide) {
        if (!wide) {
            return List.of(item);
        }
        List<JsonNode> parts = new ArrayList<>();
        for (JsonNode port : item.path("ports")) {
            port.path("endpoints").forEach(endpoint -> parts.add(part(item, port).set("endpoint", endpoint)));
            if (port.path("endpoints").isEmpty()) {
                parts.add(part(item, port));
            }
        }
        return parts.isEmpty() ? List.of(part(item, MissingNode.getInstance())) : parts;
    }

    private static ObjectNode part(JsonNode item, JsonNode port) {
        ObjectNode part = JsonNodeFactory.instance.objectNode();
        part.set("namespace", item.path("namespace"));
        part.set("name", item.path("name"));
        part.set("createdAt", item.path("createdAt"));
        if (!port.isMissingNode()) {
            part.set("port", port);
        }
        return part;
    }

    @Override
    String keyOf(JsonNode item) {
        return nameOf(item) + "/" + portOf(item.path("port")) + "/" + item.path("port").path("protocol").asString("")
                + "/" + item.path("endpoint").path("address").asString("");
    }

    @Override
    List<Object> cells(JsonNode item, boolean wide, Instant now) {
        return wide ? wideCells(item, now) : List.of(nameOf(item), shortCell(item), age(item, "createdAt", now));
    }

    private static String shortCell(JsonNode item) {
        List<String> ready = new ArrayList<>();
        List<String> reasons = new ArrayList<>();
        for (JsonNode port : item.path("ports")) {
            String reason = whyEmpty(port);
            if (!reason.isEmpty() && !reasons.contains(reason)) {
                reasons.add(reason);
            }
            for (JsonNode endpoint : port.path("endpoints")) {
                if (endpoint.path("ready").asBoolean(true)) {
                    ready.add(endpoint.path("address").asString("") + aside(endpoint));
                }
            }
        }
        String shown = ready.isEmpty() ? NONE : shortened(ready);
        return reasons.isEmpty() ? shown : shown + " (" + String.join("; ", reasons) + ")";
    }

    private List<Object> wideCells(JsonNode item, Instant now) {
        JsonNode port = item.path("port");
        JsonNode endpoint = item.path("endpoint");
        Object age = age(item, "createdAt", now);
        if (endpoint.isMissingNode()) {
            String why = whyEmpty(port);
            return List.of(nameOf(item), portOf(port), NONE + (why.isEmpty() ? "" : " (" + why + ")"), "-", "-", 0, 0,
                    0,
                    "-", "-", "-", age);
        }
        long failed = 0;
        for (JsonNode count : endpoint.path("failedConnections")) {
            failed += count.asLong(0);
        }
        return List.of(nameOf(item), portOf(port), endpoint.path("address").asString(""), stateOf(endpoint),
                endpoint.path("ejected").asBoolean(false) ? "yes" : "no",
                endpoint.path("activeConnections").asLong(0), endpoint.path("totalConnections").asLong(0), failed,
                latency(endpoint.path("connect")), latency(endpoint.path("firstByte")),
                endpoint.path("pod").asString("-"), age);
    }

    private static String whyEmpty(JsonNode port) {
        return port.path("whyEmpty").path("message").asString("");
    }

    private static String portOf(JsonNode port) {
        if (port.isMissingNode()) {
            return "-";
        }
        String name = port.path("name").asString("");
        return name.isEmpty() ? Integer.toString(port.path("port").asInt(0)) : name;
    }

    private static String stateOf(JsonNode endpoint) {
        if (endpoint.path("terminating").asBoolean(false)) {
            return "terminating";
        }
        if (!endpoint.path("ready").asBoolean(true)) {
            String why = endpoint.path("whyNotReady").asString("");
            return why.isEmpty() ? "not-ready" : "not-ready (" + why + ")";
        }
        if (endpoint.path("drained").asBoolean(false)) {
            return "drained";
        }
        return switch (endpoint.path("health").asString("")) {
            case "failing" -> "unhealthy (" + endpoint.path("whyUnhealthy").asString("") + ")";
            case "unchecked" -> "ready (unchecked)";
            default -> "ready";
        };
    }

    /** Half of them and 99 of 100 took no longer: {@code 0.4/12 ms}. */
    private static String latency(JsonNode of) {
        return of.isMissingNode() || of.isNull()
                ? "-"
                : millis(of.path("p50Ms").asDouble(0)) + "/" + millis(of.path("p99Ms").asDouble(0)) + "ms";
    }

    /** With two digits that count, as it is not more exact. */
    static String millis(double value) {
        return new BigDecimal(value).round(new MathContext(2)).stripTrailingZeros().toPlainString();
    }

    /** Why it gets no connections although it may. */
    private static String aside(JsonNode endpoint) {
        return endpoint.path("drained").asBoolean(false)
                ? " (drained)"
                : !endpoint.path("ejected").asBoolean(false) ? ""
                : endpoint.path("health").asString("").equals("failing") ? " (unhealthy)" : " (ejected)";
    }

    private static String shortened(List<String> endpoints) {
        return endpoints.size() <= SHOWN_ENDPOINTS
                ? String.join(",", endpoints)
                : String.join(",", endpoints.subList(0, SHOWN_ENDPOINTS)) + " + "
                        + (endpoints.size() - SHOWN_ENDPOINTS) + " more...";
    }
}
