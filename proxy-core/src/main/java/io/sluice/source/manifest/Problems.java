package io.sluice.source.manifest;

import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Collects the problems of one read: the first ones of each severity, and the number of the others. Not thread-safe. */
final class Problems {

    /** A small file can have a million problems, and no person reads so many. */
    static final int MAX = 1_000;

    private final List<Problem> all = new ArrayList<>();
    private int errors;
    private int warnings;

    void error(String location, String subject, String message) {
        if (errors++ < MAX) {
            all.add(new Problem(Severity.ERROR, location, subject, message));
        }
    }

    void warning(String location, String subject, String message) {
        if (warnings++ < MAX) {
            all.add(new Problem(Severity.WARNING, location, subject, message));
        }
    }

    /** Whether another warning would be kept; if not, its text need not be made. */
    boolean keepsWarnings() {
        return warnings < MAX;
    }

    /** All that are kept, in the order in which they were found. */
    List<Problem> all() {
        List<Problem> told = new ArrayList<>(all);
        addRest(told, Severity.ERROR, errors);
        addRest(told, Severity.WARNING, warnings);
        return List.copyOf(told);
    }

    private static void addRest(List<Problem> told, Severity severity, int count) {
        if (count > MAX) {
            told.add(new Problem(severity, "manifests", "",
                    "there are " + (count - MAX) + " more " + severity.name().toLowerCase(Locale.ROOT) + "s"));
        }
    }
}
