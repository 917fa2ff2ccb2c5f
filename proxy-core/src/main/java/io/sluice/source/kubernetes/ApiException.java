package io.sluice.source.kubernetes;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The API server has refused a request, or an error came instead of a watch's next event. */
final class ApiException extends IOException {

    private static final long serialVersionUID = 1L;
    private static final int LONGEST_LINE = 200;

    private final int code;

    /**
     * What the server said.
     *
     * @param code of HTTP, or of the Status object
     */
    ApiException(int code, String message) {
        super(message);
        this.code = code;
    }

    int code() {
        return code;
    }

    /** A text that a server sent as one line for a log: the first, without control characters, not too long. */
    static String line(@Nullable String text) {
        String first = text == null ? "" : text.strip().lines().findFirst().orElse("");
        String shown = first.length() > LONGEST_LINE ? first.substring(0, LONGEST_LINE) + "…" : first;
        return shown.replaceAll("\\p{Cntrl}", "?");
    }
}
