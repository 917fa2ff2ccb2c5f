package io.sluice.cli.command;

import java.time.Instant;
import java.util.List;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/** {@code sluice get orders}. */
@Command(name = "orders", aliases = "order", abbreviateSynopsis = true,
        header = "List what operators have ordered by hand: drained, ejected and weighted endpoints.",
        footer = {"", "Examples:", "  sluice get orders -A"})
final class GetOrdersCommand extends GetResource {

    GetOrdersCommand() {
        super("orders", "orders");
    }

    @Override
    boolean mustExist() {
        return false;
    }

    @Override
    String nameOf(JsonNode item) {
        String port = item.path("port").asString("");
        return item.path("service").asString("") + (port.isEmpty() ? "" : ":" + port);
    }

    @Override
    String keyOf(JsonNode item) {
        return nameOf(item) + " " + item.path("endpoint").asString("") + " " + item.path("order").asString("");
    }

    @Override
    List<String> headers(boolean wide) {
        return List.of("NAME", "ENDPOINT", "ORDER", "BY", "UNTIL", "AGE");
    }

    @Override
    List<Object> cells(JsonNode item, boolean wide, Instant now) {
        int weight = item.path("weight").asInt(0);
        return List.of(nameOf(item), item.path("endpoint").asString(""),
                item.path("order").asString("") + (weight == 0 ? "" : " " + weight), item.path("by").asString(""),
                item.path("until").asString(NONE).replaceFirst("\\.\\d+Z$", "Z"), age(item, "since", now));
    }
}
