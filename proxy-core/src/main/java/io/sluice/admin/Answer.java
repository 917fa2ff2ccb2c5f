package io.sluice.admin;

import java.nio.charset.StandardCharsets;

/** What a route answers with; the body is not copied. */
final class Answer {

    private final int status;
    private final String contentType;
    private final byte[] body;

    Answer(int status, String contentType, byte[] body) {
        this.status = status;
        this.contentType = contentType;
        this.body = body;
    }

    static Answer text(String text) {
        return new Answer(200, "text/plain; charset=utf-8", text.getBytes(StandardCharsets.UTF_8));
    }

    static Answer html(String html) {
        return new Answer(200, "text/html; charset=utf-8", html.getBytes(StandardCharsets.UTF_8));
    }

    static Answer json(Object view) {
        return json(200, view);
    }

    static Answer json(int status, Object view) {
        return new Answer(status, "application/json", Json.write(view));
    }

    static Answer error(int status, String message) {
        return json(status, new Failure(message));
    }

    int status() {
        return status;
    }

    String contentType() {
        return contentType;
    }

    byte[] body() {
        return body;
    }

    /** What every status of 400 and above has as its body, except that of the health checks. */
    private record Failure(String error) {}
}
