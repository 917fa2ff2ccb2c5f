package io.sluice.source.kubernetes;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ContainerNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads an object of the API into a tree, without its {@code managedFields}, which are often half of it and useless to a
 * proxy. Refuses a duplicate field, which two readers would read in two ways, and more than {@link #MOST_VALUES} values, each
 * of which takes many times the memory of its text. Not thread-safe.
 */
final class ObjectTree {

    /** A Service with all 65,535 ports of two protocols has 700,000. */
    static final int MOST_VALUES = 1_000_000;

    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
    /** {@code object.metadata.managedFields} in an event. */
    private static final int DEPTH_OF_MANAGED_FIELDS = 3;

    private @Nullable JsonNode root;

    /** Reads the value at which {@code parser} is, to its end. */
    JsonNode read(JsonParser parser) throws SuspectAnswerException {
        JsonNode read = value(parser);
        root = read;
        Deque<ContainerNode<?>> open = new ArrayDeque<>();
        if (read instanceof ContainerNode<?> container) {
            open.push(container);
        }
        int values = 0;
        String name = "";
        while (!open.isEmpty()) {
            JsonToken token = parser.nextToken();
            if (token == JsonToken.END_OBJECT || token == JsonToken.END_ARRAY) {
                open.pop();
                continue;
            }
            if (token == JsonToken.PROPERTY_NAME) {
                name = parser.currentName();
                if (open.size() <= DEPTH_OF_MANAGED_FIELDS && name.equals("managedFields")) {
                    parser.nextToken();
                    parser.skipChildren();
                }
                continue;
            }
            if (++values > MOST_VALUES) {
                throw new SuspectAnswerException("has an object of more than " + MOST_VALUES + " values: "
                        + name().orElse("it has no name yet"));
            }
            JsonNode child = value(parser);
            add(open.element(), name, child);
            if (child instanceof ContainerNode<?> container) {
                open.push(container);
            }
        }
        return read;
    }

    private static void add(ContainerNode<?> to, String name, JsonNode child) throws SuspectAnswerException {
        if (to instanceof ArrayNode array) {
            array.add(child);
        } else if (to instanceof ObjectNode object && object.replace(name, child) != null) {
            throw new SuspectAnswerException("has an object with the field " + ObjectKind.shown(name) + " twice");
        }
    }

    private static JsonNode value(JsonParser parser) {
        return switch (parser.currentToken()) {
            case START_OBJECT -> NODES.objectNode();
            case START_ARRAY -> NODES.arrayNode();
            case VALUE_TRUE -> NODES.booleanNode(true);
            case VALUE_FALSE -> NODES.booleanNode(false);
            case VALUE_NULL -> NODES.nullNode();
            case VALUE_STRING -> NODES.stringNode(parser.getString());
            default -> ApiClient.JSON.readTree(parser);
        };
    }

    /** Kind and name of the object that was read last or is being read, as far as they were read. */
    Optional<String> name() {
        JsonNode last = root == null ? NODES.missingNode() : root;
        JsonNode object = last.has("object") ? last.path("object") : last;
        JsonNode metadata = object.path("metadata");
        if (!metadata.path("name").isString()) {
            return Optional.empty();
        }
        String namespace = metadata.path("namespace").asString("");
        String kind = object.path("kind").asString("");
        return Optional.of((kind.isEmpty() ? "" : ObjectKind.shown(kind) + " ")
                + (namespace.isEmpty() ? "" : ObjectKind.shown(namespace) + "/")
                + ObjectKind.shown(metadata.path("name")));
    }
}
