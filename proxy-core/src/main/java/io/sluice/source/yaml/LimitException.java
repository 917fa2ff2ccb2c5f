package io.sluice.source.yaml;

import java.io.IOException;

/** A text is not read on; thrown through the parser, which knows no other checked exception. */
final class LimitException extends IOException {

    private static final long serialVersionUID = 1L;

    LimitException(String message) {
        super(message);
    }
}
