package io.sluice.reconcile;

import io.sluice.balance.Order;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.IOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Orders as JSON, for the next process. A field that a later version adds is passed over. */
final class OrderFormat {

    private static final int LONGEST_NAME = 256;
    private static final JsonMapper MAPPER = PrintableJson.mapper();

    private OrderFormat() {}

    static byte[] write(List<Order> orders) {
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Order order : orders) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("namespace", order.port().service().namespace());
            row.put("service", order.port().service().name());
            row.put("port", order.port().port());
            row.put("protocol", order.port().protocol().name());
            row.put("ip", IpAddresses.format(order.endpoint().ip()));
            row.put("number", order.endpoint().port());
            row.put("kind", order.kind().name());
            row.put("weight", order.weight());
            row.put("since", order.since().toString());
            if (order.until() != null) {
                row.put("until", order.until().toString());
            }
            row.put("by", order.by());
            rows.add(row);
        }
        return MAPPER.writeValueAsBytes(rows);
    }

    /** @throws IOException if {@code bytes} are no such JSON */
    static List<Order> read(byte[] bytes) throws IOException {
        List<Order> orders = new ArrayList<>();
        try {
            for (JsonNode row : MAPPER.readTree(bytes)) {
                Instant until = row.has("until") ? Instant.parse(text(row, "until")) : null;
                orders.add(new Order(
                        new ServicePortName(new ServiceName(text(row, "namespace"), text(row, "service")),
                                text(row, "port"), Protocol.valueOf(text(row, "protocol"))),
                        new EndpointAddress(IpAddresses.parse(text(row, "ip")), row.path("number").asInt(0)),
                        Order.Kind.valueOf(text(row, "kind")), row.path("weight").asInt(0),
                        Instant.parse(text(row, "since")), until, text(row, "by")));
            }
        } catch (JacksonException | IllegalArgumentException | DateTimeException e) {
            throw new IOException("orders of the process before this one are not understood: "
                    + Printable.of(String.valueOf(e.getMessage())), e);
        }
        return orders;
    }

    private static String text(JsonNode row, String field) {
        return Printable.cut(row.path(field).asString(""), LONGEST_NAME);
    }
}
