package io.sluice.cli.command;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/** {@code sluice get services}. */
@Command(name = "services", aliases = {"service", "svc"}, header = "List Services.", abbreviateSynopsis = true,
        footer = {"", "Examples:", "  sluice get services", "  sluice get svc -A -o wide"})
final class GetServicesCommand extends GetResource {

    GetServicesCommand() {
        super("services", "services");
    }

    @Override
    List<String> headers(boolean wide) {
        List<String> headers = new ArrayList<>(List.of("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)",
                "AGE"));
        if (wide) {
            headers.addAll(List.of("SELECTOR", "LISTENING", "ACTIVE", "TOTAL"));
        }
        return headers;
    }

    @Override
    List<Object> cells(JsonNode item, boolean wide, Instant now) {
        List<String> ports = new ArrayList<>();
        List<String> listening = new ArrayList<>();
        long active = 0;
        long total = 0;
        for (JsonNode port : item.path("ports")) {
            int nodePort = port.path("nodePort").asInt(0);
            ports.add(port.path("port").asInt() + (nodePort == 0 ? "" : ":" + nodePort) + "/"
                    + port.path("protocol").asString("TCP") + failed(port.path("listeners")));
            for (JsonNode address : port.path("listeners")) {
                listening.add(listenerText(address));
            }
            for (JsonNode endpoint : port.path("endpoints")) {
                active += endpoint.path("activeConnections").asLong(0);
                total += endpoint.path("totalConnections").asLong(0);
            }
        }
        List<Object> cells = new ArrayList<>(List.of(nameOf(item), item.path("type").asString(""), clusterIp(item),
                externalIp(item), joined(ports), age(item, "createdAt", now)));
        if (wide) {
            List<String> selector = new ArrayList<>();
            item.path("selector").propertyStream()
                    .forEach(label -> selector.add(label.getKey() + "=" + label.getValue().asString("")));
            cells.addAll(List.of(joined(selector), joined(listening), active, total));
        }
        return cells;
    }

    /** Whether all or some addresses of a port cannot be served. */
    private static String failed(JsonNode listeners) {
        long failed = listeners.valueStream().filter(GetServicesCommand::isFailed).count();
        return failed == 0
                ? ""
                : failed == listeners.size() ? "(Failed)" : "(" + failed + " of " + listeners.size() + " Failed)";
    }

    private static boolean isFailed(JsonNode listener) {
        return listener.path("status").asString("").equals("Failed");
    }

    /** Where to read the reason of the first failure. */
    @Override
    Optional<String> note(List<JsonNode> items) {
        return items.stream()
                .filter(item -> item.path("ports").valueStream()
                        .anyMatch(port -> port.path("listeners").valueStream().anyMatch(GetServicesCommand::isFailed)))
                .findFirst().map(item -> "(Failed): connections are refused; 'sluice explain " + namespaceOf(item) + "/"
                        + nameOf(item) + "' says why");
    }

    private static String clusterIp(JsonNode item) {
        if (item.path("headless").asBoolean(false)) {
            return "None";
        }
        return joined(texts(item.path("clusterIPs")));
    }

    private static String externalIp(JsonNode item) {
        List<String> addresses = new ArrayList<>(texts(item.path("loadBalancerIPs")));
        addresses.addAll(texts(item.path("externalIPs")));
        String externalName = item.path("externalName").asString("");
        return externalName.isEmpty() ? joined(addresses) : externalName;
    }

    private static String listenerText(JsonNode address) {
        String status = address.path("status").asString("");
        return address.path("address").asString("")
                + (status.equals("Listening") ? "" : "(" + status + ")");
    }
}
