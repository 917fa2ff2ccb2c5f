package io.sluice.http;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The response of a route.
 *
 * @param status      of HTTP
 * @param contentType with its parameters
 * @param headers     further ones, by name
 * @param body        what follows
 */
public record Response(int status, String contentType, Map<String, String> headers, Body body) {

    /** What follows the headers. */
    public sealed interface Body {}

    /** A body that is made whole, when the response is sent, on the thread that called the route. */
    @FunctionalInterface
    public non-sealed interface Content extends Body {

        /** Writes the whole body; {@code out} is memory and must not be closed. */
        void writeTo(OutputStream out) throws IOException;
    }

    /**
     * A body that may be too long to be made whole: each client's is made piece by piece as the client reads it. One that is
     * short is sent as {@link Content} all the same.
     */
    @FunctionalInterface
    public non-sealed interface Pieces extends Body {

        /** Begins the body for one client. Any thread. */
        Maker begin();
    }

    /** Makes the body for one client. One thread at a time; nothing in it may wait. */
    @FunctionalInterface
    public interface Maker {

        /** Writes the next piece, of some kilobytes; false after the last. */
        boolean writeSome(OutputStream out) throws IOException;
    }

    /** A body without an end, made part by part as its client reads it. */
    @FunctionalInterface
    public non-sealed interface Stream extends Body {

        /**
         * Opens it for one client, on the server's event loop.
         *
         * @param wake to be called, on any thread, when there may be another part
         */
        Feed open(Runnable wake);
    }

    /** The parts of a stream for one client. All on the server's event loop: nothing in it may wait. */
    public interface Feed extends AutoCloseable {

        /** The next part, of some kilobytes at the most; empty if there is none now. */
        byte[] next();

        /** The client is gone. */
        @Override
        void close();
    }

    /** A response without further headers. */
    public Response(int status, String contentType, Content content) {
        this(status, contentType, Map.of(), content);
    }

    /** 200 with a body that may be long. */
    public static Response pieces(String contentType, Pieces pieces) {
        return new Response(200, contentType, Map.of(), pieces);
    }

    /** 200 with server-sent events (WHATWG HTML, 9.2), until the client or the server ends. */
    public static Response events(Stream stream) {
        return new Response(200, "text/event-stream; charset=utf-8", Map.of(), stream);
    }

    /** 200 with plain text. */
    public static Response text(String text) {
        return new Response(200, "text/plain; charset=utf-8", utf8(text));
    }

    /** 200 with a page. */
    public static Response html(String html) {
        return new Response(200, "text/html; charset=utf-8", utf8(html));
    }

    /** 200 with a record as JSON. */
    public static Response json(Object view) {
        return json(200, view);
    }

    /**
     * 200 with a record as JSON that has one more field, a list that may be long.
     *
     * @param head     the other fields, at least one of which is not null
     * @param elements gives its elements for each client, one by one as they are written
     */
    public static Response json(Object head, String field, Iterable<?> elements) {
        return pieces("application/json", () -> Json.list(head, field, elements.iterator()));
    }

    /** A record as JSON. */
    public static Response json(int status, Object view) {
        return new Response(status, "application/json", out -> Json.write(view, out));
    }

    /** The response of every status of 400 and above, except for health checks. */
    public static Response error(int status, String message) {
        return json(status, new Failure(message));
    }

    /** The same response with one more header. */
    public Response with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new Response(status, contentType, more, body);
    }

    private static Content utf8(String text) {
        return out -> out.write(text.getBytes(StandardCharsets.UTF_8));
    }

    private record Failure(String error) {}
}
