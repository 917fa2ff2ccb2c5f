package io.sluice.source;

import io.sluice.text.Printable;
import java.util.List;

/** A source cannot start with its configuration. Its messages are for the user: one clear line each. */
public final class SourceException extends Exception {

    private static final long serialVersionUID = 1L;

    private final transient List<Problem> problems;

    /** One or more reasons; each is one line of the message, even if the problems quote line breaks. */
    public SourceException(List<Problem> problems) {
        super(String.join("\n", problems.stream().map(problem -> Printable.of(problem.toString())).toList()));
        this.problems = List.copyOf(problems);
    }

    public List<Problem> problems() {
        return problems;
    }
}
