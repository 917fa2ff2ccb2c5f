package io.sluice.source.kubernetes;

import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.databind.JsonNode;

/**
 * Reads the objects of a response one by one, so that no more than one of them is held as text or tree. A response
 * that ends in the middle of an object is an IOException, one that is not JSON a SuspectAnswerException. Not thread-safe.
 *
 * <p>Everything is bounded. An object may have {@link #LARGEST_OBJECT} bytes: etcd accepts 1.5 MiB as Protobuf, an API server
 * 3 MiB, so that no larger object can be stored, and a server that sends one is no API server.
 */
final class ObjectStream implements AutoCloseable {

    /** The most bytes of one object or event as JSON. */
    static final int LARGEST_OBJECT = 8 << 20;
    /** The most bytes of a list before, between and after its items. */
    static final int LARGEST_HEAD = 1 << 20;

    private final Budget body;
    private final ObjectTree trees = new ObjectTree();
    private @Nullable JsonParser begun;

    /** Reads a response or file without a bound on the whole. */
    ObjectStream(InputStream body) {
        this(body, Long.MAX_VALUE);
    }

    /** Fails when {@code body} has more than {@code mostBytes}. */
    ObjectStream(InputStream body, long mostBytes) {
        this.body = new Budget(body, mostBytes);
    }

    /** Creates the parser when it is needed: it reads the first bytes at once, which a watch may send late. */
    private JsonParser parser() {
        JsonParser parser = begun;
        if (parser == null) {
            parser = ApiClient.JSON.createParser(body);
            begun = parser;
        }
        return parser;
    }

    /** The head of a list; a missing text is empty. */
    record ListHead(String apiVersion, String kind, String version, String next) {}

    /** Receives the elements of a list. */
    @FunctionalInterface
    interface ItemConsumer {
        void accept(JsonNode item) throws IOException;
    }

    /** Checks the kind of a list, before its first item if the kind is there. */
    @FunctionalInterface
    interface KindCheck {
        void check(String apiVersion, String kind) throws IOException;
    }

    /** Reads a list of any kind to its end. */
    ListHead readList(ItemConsumer items) throws IOException {
        return readList((apiVersion, kind) -> {}, items);
    }

    /** Reads a list to its end; its head may be before or after its items. */
    ListHead readList(KindCheck check, ItemConsumer items) throws IOException {
        try {
            body.allow(LARGEST_HEAD);
            JsonParser parser = parser();
            String apiVersion = "";
            String kind = "";
            JsonNode metadata = ApiClient.JSON.missingNode();
            Set<String> seen = new HashSet<>();
            expect(parser.nextToken() == JsonToken.START_OBJECT, "is no list");
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                expect(seen.add(name), "has twice the field " + ObjectKind.shown(name));
                parser.nextToken();
                switch (name) {
                    case "apiVersion" -> apiVersion = text(parser);
                    case "kind" -> kind = text(parser);
                    case "metadata" -> metadata = trees.read(parser);
                    case "items" -> {
                        if (!apiVersion.isEmpty() && !kind.isEmpty()) {
                            check.check(apiVersion, kind);
                        }
                        readItems(parser, items);
                        body.allow(LARGEST_HEAD);
                    }
                    default -> parser.skipChildren();
                }
            }
            expect(parser.currentToken() == JsonToken.END_OBJECT, "breaks off");
            expect(parser.nextToken() == null, "has something after its end");
            check.check(apiVersion, kind);
            expect(seen.contains("items"), "has no items");
            return new ListHead(apiVersion, kind, metadata.path("resourceVersion").asString(""),
                    metadata.path("continue").asString(""));
        } catch (JacksonException e) {
            throw broken(e);
        }
    }

    private void readItems(JsonParser parser, ItemConsumer items) throws IOException {
        expect(parser.currentToken() == JsonToken.START_ARRAY, "has items that are no list");
        body.allow(LARGEST_OBJECT);
        while (parser.nextToken() == JsonToken.START_OBJECT) {
            items.accept(trees.read(parser));
            body.allow(LARGEST_OBJECT);
        }
        expect(parser.currentToken() == JsonToken.END_ARRAY, "has an item that is no object");
    }

    private static String text(JsonParser parser) throws SuspectAnswerException {
        if (parser.currentToken() == JsonToken.VALUE_STRING) {
            return parser.getString();
        }
        parser.skipChildren();
        return "";
    }

    /** Reads the next event of a watch; null at its end. */
    @Nullable
    JsonNode nextEvent() throws IOException {
        try {
            body.allow(LARGEST_OBJECT);
            JsonParser parser = parser();
            if (parser.nextToken() == null) {
                return null;
            }
            expect(parser.currentToken() == JsonToken.START_OBJECT, "has something that is no event");
            return trees.read(parser);
        } catch (JacksonException e) {
            throw broken(e);
        }
    }

    /** How many bytes were read. */
    long bytes() {
        return body.taken;
    }

    private static void expect(boolean asExpected, String otherwise) throws SuspectAnswerException {
        if (!asExpected) {
            throw new SuspectAnswerException(otherwise);
        }
    }

    private IOException broken(JacksonException e) {
        if (e instanceof JacksonIOException && e.getCause() instanceof IOException cause) {
            return cause instanceof SuspectAnswerException tooLong && trees.name().isPresent()
                    ? new SuspectAnswerException(tooLong.getMessage() + ": " + trees.name().get())
                    : cause;
        }
        return switch (e) {
            case UnexpectedEndOfInputException _ ->
                    new IOException("the response broke off in the middle of an object");
            case StreamConstraintsException _ -> new SuspectAnswerException(
                    "is nested more than " + ApiClient.DEEPEST + " levels deep, or has a text that is too long");
            default -> new SuspectAnswerException("is not JSON" + (body.beginsLikeHtml ? " but HTML" : ""));
        };
    }

    @Override
    public void close() throws IOException {
        body.close();
    }

    /** Counts the bytes that are read, and fails beyond the bound for the current object or for the whole. */
    private static final class Budget extends InputStream {

        private final InputStream from;
        private final long most;
        private long allowed;
        private int allowance;
        private long taken;
        private boolean beginsLikeHtml;

        Budget(InputStream from, long most) {
            this.from = from;
            this.most = most;
        }

        /** Allows {@code more} bytes from here on. */
        void allow(int more) {
            allowance = more;
            allowed = taken + more;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            if (taken >= most) {
                throw new SuspectAnswerException("has more than " + most / (1 << 20) + " MiB in all");
            }
            if (taken >= allowed) {
                throw new SuspectAnswerException(
                        "has more than " + allowance / (1 << 20) + " MiB without the end of an object");
            }
            int count = from.read(into, offset, (int) Math.min(length, Math.min(allowed, most) - taken));
            beginsLikeHtml |= taken == 0 && count > 0 && into[offset] == '<';
            taken += Math.max(0, count);
            return count;
        }

        @Override
        public void close() throws IOException {
            from.close();
        }
    }
}
