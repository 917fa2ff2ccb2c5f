package io.sluice.source.manifest;

/** An object is well-formed, but a proxy has no use for it; the message says why. */
final class UnusableObjectException extends Exception {

    private static final long serialVersionUID = 1L;

    UnusableObjectException(String message) {
        super(message);
    }
}
