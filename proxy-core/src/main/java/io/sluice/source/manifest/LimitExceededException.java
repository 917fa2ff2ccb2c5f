package io.sluice.source.manifest;

/** There is more than {@link ReadingLimits} allow; the message says so. */
final class LimitExceededException extends Exception {

    private static final long serialVersionUID = 1L;

    LimitExceededException(String message) {
        super(message);
    }
}
