package io.sluice.source.yaml;

/** A document cannot be read; the message says why and what to do, for the author of the file. */
public final class YamlException extends Exception {

    private static final long serialVersionUID = 1L;

    private final int line;

    YamlException(int line, String message) {
        super(message);
        this.line = line;
    }

    /** The line; the first one is 1. */
    public int line() {
        return line;
    }
}
