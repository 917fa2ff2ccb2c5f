package io.sluice.source.manifest;

/** One field of one object cannot be used; the exception says where it is and why. */
final class InvalidFieldException extends Exception {

    private static final long serialVersionUID = 1L;

    private final String location;
    private final String path;

    InvalidFieldException(String location, String path, String message) {
        super(message);
        this.location = location;
        this.path = path;
    }

    /** {@code file:line}. */
    String location() {
        return location;
    }

    /** The field's path, for example {@code spec.ports[0].port}. */
    String path() {
        return path;
    }
}
