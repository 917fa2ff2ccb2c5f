package io.sluice.source.kubernetes;

import java.io.IOException;

/** The server is at an earlier version than it was: its store was restored from an older copy. */
final class StoreWentBackException extends IOException {

    private static final long serialVersionUID = 1L;

    StoreWentBackException(String version, String known) {
        super("is at version " + ObjectKind.said(version) + " after " + known
                + ": its store went back; everything is listed again");
    }
}
