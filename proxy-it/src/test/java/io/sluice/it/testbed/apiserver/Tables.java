package io.sluice.it.testbed.apiserver;

import com.sun.net.httpserver.HttpExchange;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The tables that {@code kubectl get} prints are made by the server ({@code meta.k8s.io/v1 Table}). */
final class Tables {

    private Tables() {}

    static boolean wanted(HttpExchange exchange) {
        String accept = exchange.getRequestHeaders().getFirst("Accept");
        return accept != null && accept.contains("as=Table");
    }

    static ObjectNode of(String resource, JsonNode metadata, List<ObjectNode> objects) {
        List<String> columns = switch (resource) {
            case "services" -> List.of("Name", "Type", "Cluster-IP", "Port(s)", "Age");
            case "endpointslices" -> List.of("Name", "AddressType", "Ports", "Endpoints", "Age");
            case "endpoints" -> List.of("Name", "Endpoints", "Age");
            default -> List.of("Name", "Age");
        };
        ObjectNode table = ApiServer.JSON.createObjectNode().put("kind", "Table").put("apiVersion", "meta.k8s.io/v1");
        ObjectNode head = table.putObject("metadata").put("resourceVersion",
                metadata.path("resourceVersion").asString(""));
        if (metadata.has("continue")) {
            head.set("continue", metadata.get("continue"));
        }
        ArrayNode definitions = table.putArray("columnDefinitions");
        columns.forEach(column -> definitions.addObject().put("name", column)
                .put("type", column.equals("Age") ? "date" : "string")
                .put("format", column.equals("Name") ? "name" : "")
                .put("description", "").put("priority", 0));
        ArrayNode rows = table.putArray("rows");
        for (ObjectNode object : objects) {
            ObjectNode row = rows.addObject();
            ArrayNode cells = row.putArray("cells");
            cells(resource, object).forEach(cells::add);
            ObjectNode partial = row.putObject("object").put("kind", "PartialObjectMetadata").put("apiVersion",
                    "meta.k8s.io/v1");
            partial.set("metadata", object.get("metadata"));
        }
        return table;
    }

    private static List<String> cells(String resource, ObjectNode object) {
        List<String> cells = new ArrayList<>(List.of(object.path("metadata").path("name").asString()));
        JsonNode spec = object.path("spec");
        switch (resource) {
            case "services" -> {
                cells.add(spec.path("type").asString("ClusterIP"));
                cells.add(spec.path("clusterIP").asString("<none>"));
                cells.add(joined(spec.path("ports"), port -> port.path("port").asInt(0)
                        + (port.has("nodePort") ? ":" + port.path("nodePort").asInt() : "") + "/"
                        + port.path("protocol").asString("TCP")));
            }
            case "endpointslices" -> {
                cells.add(object.path("addressType").asString(""));
                cells.add(joined(object.path("ports"), port -> port.path("port").asString("")));
                cells.add(joined(object.path("endpoints"), e -> e.path("addresses").path(0).asString("")));
            }
            case "endpoints" -> cells.add(joined(object.at("/subsets/0/addresses"), a -> a.path("ip").asString("")));
            default -> {
            }
        }
        cells.add(Duration.between(Instant.parse(object.path("metadata").path("creationTimestamp").asString()),
                Instant.now()).toSeconds() + "s");
        return cells;
    }

    private static String joined(JsonNode list, Function<JsonNode, String> text) {
        String joined = StreamSupport.stream(list.values().spliterator(), false).map(text)
                .collect(Collectors.joining(","));
        return joined.isEmpty() ? "<none>" : joined;
    }
}
