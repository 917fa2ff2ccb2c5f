package io.sluice.cli.command;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/** {@code sluice get endpoints}. */
@Command(name = "endpoints", aliases = {"endpoint", "ep"}, abbreviateSynopsis = true,
        header = "List the endpoints that connections to each Service are spread over.",
        footer = {"", "Examples:", "  sluice get endpoints",
                "  sluice get ep -A -o wide      one line for each endpoint, ready or not"})
final class GetEndpointsCommand extends GetResource {

    private static final int SHOWN_ENDPOINTS = 3;

    GetEndpointsCommand() {
        super("endpoints", "services");
    }

    @Override
    List<String> headers(boolean wide) {
        return wide
                ? List.of("NAME", "PORT", "ENDPOINTS", "NOT-READY", "ACTIVE", "TOTAL", "AGE")
                : List.of("NAME", "ENDPOINTS", "AGE");
    }

    @Override
    List<Object> cells(JsonNode item, boolean wide, Instant now) {
        List<String> ports = new ArrayList<>();
        List<String> ready = new ArrayList<>();
        List<String> notReady = new ArrayList<>();
        List<String> reasons = new ArrayList<>();
        long active = 0;
        long total = 0;
        for (JsonNode port : item.path("ports")) {
            String portName = port.path("name").asString("");
            ports.add(portName.isEmpty() ? Integer.toString(port.path("port").asInt()) : portName);
            String reason = port.path("whyEmpty").path("message").asString("");
            if (!reason.isEmpty() && !reasons.contains(reason)) {
                reasons.add(reason);
            }
            for (JsonNode endpoint : port.path("endpoints")) {
                (endpoint.path("ready").asBoolean(true) ? ready : notReady).add(endpoint.path("address").asString(""));
                active += endpoint.path("activeConnections").asLong(0);
                total += endpoint.path("totalConnections").asLong(0);
            }
        }
        String shown = ready.isEmpty() ? NONE : wide ? joined(ready) : shortened(ready);
        if (!reasons.isEmpty()) {
            shown += " (" + String.join("; ", reasons) + ")";
        }
        Object age = age(item, "createdAt", now);
        return wide
                ? List.of(nameOf(item), joined(ports), shown, joined(notReady), active, total, age)
                : List.of(nameOf(item), shown, age);
    }

    private static String shortened(List<String> endpoints) {
        return endpoints.size() <= SHOWN_ENDPOINTS
                ? String.join(",", endpoints)
                : String.join(",", endpoints.subList(0, SHOWN_ENDPOINTS)) + " + "
                        + (endpoints.size() - SHOWN_ENDPOINTS) + " more...";
    }
}
