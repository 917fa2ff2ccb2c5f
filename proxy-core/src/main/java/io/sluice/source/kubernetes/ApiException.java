package io.sluice.source.kubernetes;

import java.io.IOException;

/** The API server has refused a request, or an error came instead of a watch's next event. */
final class ApiException extends IOException {

    private static final long serialVersionUID = 1L;

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

    /** The version that was asked for is too old, or from another life of the server: only a new list helps. */
    boolean gone() {
        return code == 410;
    }
}
