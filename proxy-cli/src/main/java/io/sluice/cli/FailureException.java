package io.sluice.cli;

/** A command failed for a reason that its user can understand: the message is all that is printed, the exit code is 1. */
final class FailureException extends Exception {

    private static final long serialVersionUID = 1L;

    FailureException(String message) {
        super(message);
    }

    FailureException(String message, Throwable cause) {
        super(message, cause);
    }
}
