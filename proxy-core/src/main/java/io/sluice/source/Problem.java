package io.sluice.source;

/**
 * Something wrong with what a source was given, told to its author.
 *
 * @param severity whether the input is refused or only doubtful
 * @param location where: {@code file:line}, {@code file}, or an object; never empty
 * @param subject  the object and field, for example {@code Service default/kubia spec.ports[0].port}; may be empty
 * @param message  what is wrong and what to do about it
 */
public record Problem(Severity severity, String location, String subject, String message) {

    /** What was found in a file may be of any length and have line breaks in it: all is made to fit into one line. */
    public Problem {
        location = Excerpt.line(location);
        subject = Excerpt.line(subject);
        message = Excerpt.line(message);
    }

    /** How bad it is. */
    public enum Severity {
        /** The input cannot be used; the last good state stays. */
        ERROR,
        /** The input is used, but probably does not do what its author wants. */
        WARNING
    }

    /** {@code location: subject: message}. */
    @Override
    public String toString() {
        return location + ": " + (subject.isEmpty() ? "" : subject + ": ") + message;
    }
}
