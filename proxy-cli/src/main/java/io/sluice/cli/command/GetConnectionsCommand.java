package io.sluice.cli.command;

import java.time.Instant;
import java.util.List;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

/** {@code sluice get connections}. */
@Command(name = "connections", aliases = {"connection", "conn"}, header = "List open connections.",
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  sluice get connections -A", "  sluice get conn kubia -o wide"})
final class GetConnectionsCommand extends GetResource {

    GetConnectionsCommand() {
        super("connections", "connections");
    }

    @Override
    String nameOf(JsonNode item) {
        return item.path("service").asString("");
    }

    @Override
    boolean mustExist() {
        return false;
    }

    @Override
    List<String> headers(boolean wide) {
        return wide
                ? List.of("ID", "PROTOCOL", "SERVICE", "PORT", "CLIENT", "LISTENER", "ENDPOINT", "STATE", "SENT",
                        "RECEIVED",
                        "RETRIES", "AGE")
                : List.of("PROTOCOL", "CLIENT", "SERVICE", "ENDPOINT", "STATE", "AGE");
    }

    @Override
    List<Object> cells(JsonNode item, boolean wide, Instant now) {
        String endpoint = item.path("endpoint").asString(NONE);
        String state = item.path("state").asString("");
        Object age = age(item, "acceptedAt", now);
        String client = item.path("client").asString("");
        String protocol = item.path("protocol").asString("TCP");
        return wide
                ? List.of(item.path("id").asLong(), protocol, nameOf(item), item.path("port").asString(""), client,
                        item.path("listener").asString(""), endpoint, state, item.path("bytesFromClient").asLong(),
                        item.path("bytesFromBackend").asLong(), item.path("retries").asInt(), age)
                : List.of(protocol, client, nameOf(item), endpoint, state, age);
    }
}
