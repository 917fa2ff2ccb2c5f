package io.sluice.cli.command;

/** A command failed for a reason that its user can understand: the message is all that is printed, the exit code is 1. */
public class FailureException extends Exception {

    private static final long serialVersionUID = 1L;

    public FailureException(String message) {
        super(message);
    }

    public FailureException(String message, Throwable cause) {
        super(message, cause);
    }
}
