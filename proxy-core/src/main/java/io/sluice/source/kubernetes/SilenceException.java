package io.sluice.source.kubernetes;

import java.io.IOException;
import java.time.Duration;

/** The server has sent nothing for too long. */
final class SilenceException extends IOException {

    private static final long serialVersionUID = 1L;

    SilenceException(Duration silence) {
        super("no data for " + silence.toSeconds() + " s");
    }
}
