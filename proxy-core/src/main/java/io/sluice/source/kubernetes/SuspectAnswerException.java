package io.sluice.source.kubernetes;

import java.io.IOException;

/**
 * An answer came, but not one that an API server gives: something else listens there, or is in between, or the server is
 * broken. Nothing of the answer counts. The message says what is wrong with it, in words that follow "its answer".
 */
final class SuspectAnswerException extends IOException {

    private static final long serialVersionUID = 1L;

    SuspectAnswerException(String message) {
        super(message);
    }
}
