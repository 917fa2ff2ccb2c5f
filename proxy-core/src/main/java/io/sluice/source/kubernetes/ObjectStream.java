package io.sluice.source.kubernetes;

import java.io.IOException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.databind.JsonNode;

/**
 * Takes objects out of a response one by one, so that never more than one of them is held as text or tree. A response
 * that ends or is not JSON in the middle of an object is an IOException. Not thread-safe.
 */
final class ObjectStream implements AutoCloseable {

    private final InputStream body;
    private @Nullable JsonParser begun;

    ObjectStream(InputStream body) {
        this.body = body;
    }

    /** Made when it is needed: it reads the first bytes at once, for which a watch may have to wait long. */
    private JsonParser parser() {
        JsonParser parser = begun;
        if (parser == null) {
            parser = ApiClient.JSON.createParser(body);
            begun = parser;
        }
        return parser;
    }

    /** What a list says of itself. */
    record ListHead(String version, String next) {}

    /** Receives the elements of a list. */
    @FunctionalInterface
    interface ItemConsumer {
        void accept(JsonNode item);
    }

    /** Reads a list to its end; its head may stand before or after its items. */
    ListHead readList(ItemConsumer items) throws IOException {
        try {
            JsonParser parser = parser();
            String version = "";
            String next = "";
            boolean seenItems = false;
            expect(parser.nextToken() == JsonToken.START_OBJECT);
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals("items") && parser.currentToken() == JsonToken.START_ARRAY) {
                    seenItems = true;
                    while (parser.nextToken() == JsonToken.START_OBJECT) {
                        items.accept(ApiClient.JSON.readTree(parser));
                    }
                    expect(parser.currentToken() == JsonToken.END_ARRAY);
                } else if (name.equals("metadata")) {
                    JsonNode metadata = ApiClient.JSON.readTree(parser);
                    version = metadata.path("resourceVersion").asString("");
                    next = metadata.path("continue").asString("");
                } else {
                    seenItems |= name.equals("items");
                    parser.skipChildren();
                }
            }
            expect(parser.currentToken() == JsonToken.END_OBJECT && seenItems && !version.isEmpty());
            return new ListHead(version, next);
        } catch (JacksonException e) {
            throw broken(e);
        }
    }

    /** The next event of a watch; null at its end. */
    @Nullable
    JsonNode nextEvent() throws IOException {
        try {
            JsonParser parser = parser();
            if (parser.nextToken() == null) {
                return null;
            }
            expect(parser.currentToken() == JsonToken.START_OBJECT);
            return ApiClient.JSON.readTree(parser);
        } catch (JacksonException e) {
            throw broken(e);
        }
    }

    private static void expect(boolean asExpected) throws IOException {
        if (!asExpected) {
            throw new IOException("the answer is not what a Kubernetes API server says");
        }
    }

    private static IOException broken(JacksonException e) {
        return e instanceof JacksonIOException && e.getCause() instanceof IOException cause
                ? cause
                : new IOException("the answer broke off or is not JSON: " + e.getOriginalMessage(), e);
    }

    @Override
    public void close() throws IOException {
        body.close();
    }
}
