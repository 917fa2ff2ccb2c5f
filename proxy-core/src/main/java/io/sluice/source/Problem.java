package io.sluice.source;

/**
 * A mistake in the input of a source, for its author.
 *
 * @param severity whether the input is refused or only doubtful
 * @param location where: {@code file:line}, {@code file}, or an object; never empty
 * @param subject  the object and field, for example {@code Service default/kubia spec.ports[0].port}; may be empty
 * @param message  the mistake, and what to do about it
 */
public record Problem(Severity severity, String location, String subject, String message) {

    /** Texts from a file may have any length and line breaks: they are made to fit into one line. */
    public Problem {
        location = Excerpt.line(location);
        subject = Excerpt.line(subject);
        message = Excerpt.line(message);
    }

    /** Whether the input is refused. */
    public enum Severity {
        /** The input cannot be used; the last good state stays. */
        ERROR,
        /** The input is used, but probably does not have the effect that its author wants. */
        WARNING
    }

    /** {@code location: subject: message}. */
    @Override
    public String toString() {
        return location + ": " + (subject.isEmpty() ? "" : subject + ": ") + message;
    }
}
