package io.sluice.cli.command;

/** A daemon that answered does not any more: it has ended, perhaps for another one to follow. */
final class ConnectionLostException extends FailureException {

    private static final long serialVersionUID = 1L;

    ConnectionLostException(String message) {
        super(message);
    }

    ConnectionLostException(String message, Throwable cause) {
        super(message, cause);
    }
}
