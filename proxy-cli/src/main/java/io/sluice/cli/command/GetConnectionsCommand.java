package io.sluice.cli.command;

import io.sluice.cli.config.EnumConverter;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** {@code sluice get connections}. */
@Command(name = "connections", aliases = {"connection", "conn"}, header = "List open connections.",
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  sluice get connections -A", "  sluice get conn kubia -o wide",
                "  sluice get conn -A --sort-by bytes"})
final class GetConnectionsCommand extends GetResource {

    @Option(names = "--sort-by", paramLabel = "ORDER", converter = Order.Converter.class,
            completionCandidates = Order.Converter.class,
            description = "${COMPLETION-CANDIDATES}: most octets first, or the oldest. Default: by namespace, the oldest first")
    private @Nullable Order sortBy;

    GetConnectionsCommand() {
        super("connections", "connections");
    }

    /** The orders of {@code --sort-by}. */
    enum Order {
        /** The one that moved most octets first. */
        BYTES,
        /** The oldest first. */
        AGE;

        /** {@code bytes} or {@code age}. */
        static final class Converter extends EnumConverter<Order> {
            Converter() {
                super(List.of(Order.values()));
            }
        }
    }

    @Override
    List<JsonNode> sorted(List<JsonNode> items) {
        return switch (sortBy) {
            case null -> super.sorted(items);
            case BYTES ->
                    items.stream().sorted(Comparator.comparingLong(GetConnectionsCommand::bytes).reversed()).toList();
            case AGE -> items.stream()
                    .sorted(Comparator.comparing((JsonNode item) -> item.path("acceptedAt").asString(""))).toList();
        };
    }

    private static long bytes(JsonNode item) {
        return item.path("bytesFromClient").asLong(0) + item.path("bytesFromBackend").asLong(0);
    }

    @Override
    String keyOf(JsonNode item) {
        return item.path("protocol").asString("TCP") + item.path("id").asLong();
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
