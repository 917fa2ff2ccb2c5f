package io.sluice.source.kubernetes;

import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The API server has refused a request, or has sent an error instead of the next event of a watch. */
final class ApiException extends IOException {

    private static final long serialVersionUID = 1L;
    private static final int LONGEST_LINE = 200;

    private final int code;
    private final Duration retryAfter;

    /**
     * An error that the server sent.
     *
     * @param code of HTTP, or of the Status object
     */
    ApiException(int code, String message) {
        this(code, message, Duration.ZERO);
    }

    /**
     * An error that the server sent.
     *
     * @param code       of HTTP, or of the Status object
     * @param retryAfter {@code Retry-After} of the response; zero for none
     */
    ApiException(int code, String message, Duration retryAfter) {
        super(message);
        this.code = code;
        this.retryAfter = retryAfter;
    }

    Duration retryAfter() {
        return retryAfter;
    }

    int code() {
        return code;
    }

    /** Makes one line for a log of a text that a server sent: the first line, without control characters, not too long. */
    static String line(@Nullable String text) {
        String first = text == null ? "" : text.strip().lines().findFirst().orElse("");
        String shown = first.length() > LONGEST_LINE ? first.substring(0, LONGEST_LINE) + "…" : first;
        return shown.replaceAll("\\p{Cntrl}", "?");
    }
}
