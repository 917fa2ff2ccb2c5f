package io.sluice.http;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a route answers with. The body is written when the answer is sent, on the thread that asked the route.
 *
 * @param status      of HTTP
 * @param contentType with its parameters
 * @param headers     further ones, by name
 * @param content     the body before compression
 */
public record Answer(int status, String contentType, Map<String, String> headers, Content content) {

    /** A body. */
    @FunctionalInterface
    public interface Content {

        /** Writes all of it; {@code out} is only memory and is not to be closed. */
        void writeTo(OutputStream out) throws IOException;
    }

    /** An answer without further headers. */
    public Answer(int status, String contentType, Content content) {
        this(status, contentType, Map.of(), content);
    }

    /** 200 with plain text. */
    public static Answer text(String text) {
        return new Answer(200, "text/plain; charset=utf-8", utf8(text));
    }

    /** 200 with a page. */
    public static Answer html(String html) {
        return new Answer(200, "text/html; charset=utf-8", utf8(html));
    }

    /** 200 with a record as JSON. */
    public static Answer json(Object view) {
        return json(200, view);
    }

    /** A record as JSON. */
    public static Answer json(int status, Object view) {
        return new Answer(status, "application/json", out -> Json.write(view, out));
    }

    /** What every status of 400 and above has, except the health checks. */
    public static Answer error(int status, String message) {
        return json(status, new Failure(message));
    }

    /** The same answer with one more header. */
    public Answer with(String name, String value) {
        Map<String, String> more = new LinkedHashMap<>(headers);
        more.put(name, value);
        return new Answer(status, contentType, more, content);
    }

    private static Content utf8(String text) {
        return out -> out.write(text.getBytes(StandardCharsets.UTF_8));
    }

    private record Failure(String error) {}
}
