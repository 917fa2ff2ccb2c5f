package io.sluice.source.kubernetes;

import java.io.IOException;
import java.time.Duration;

/** The server has said nothing for too long, neither no nor yes. */
final class SilenceException extends IOException {

    private static final long serialVersionUID = 1L;

    SilenceException(Duration silence) {
        super("nothing came for " + silence.toSeconds() + " s");
    }
}
