package io.sluice.source.manifest;

/** A limit of {@link ReadingLimits} is exceeded; the message says which. */
final class LimitExceededException extends Exception {

    private static final long serialVersionUID = 1L;

    LimitExceededException(String message) {
        super(message);
    }
}
