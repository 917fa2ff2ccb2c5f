package io.sluice.source.kubernetes;

import java.io.IOException;

/** The server is at an older version than before: its store was restored from a backup. */
final class StoreWentBackException extends IOException {

    private static final long serialVersionUID = 1L;

    StoreWentBackException(String version, String known) {
        super("is at version " + ObjectKind.shown(version) + " after " + known
                + ": its store went back; everything is listed again");
    }
}
