package io.sluice.source.kubernetes;

import java.io.IOException;

/**
 * A response that no API server sends: something else listens on that address, or intercepts the connection, or the server
 * is broken. The response is ignored. The message says what is wrong, in words that follow "its answer".
 */
final class SuspectAnswerException extends IOException {

    private static final long serialVersionUID = 1L;

    SuspectAnswerException(String message) {
        super(message);
    }
}
