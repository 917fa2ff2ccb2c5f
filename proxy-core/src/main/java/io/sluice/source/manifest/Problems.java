package io.sluice.source.manifest;

import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Collects what is wrong while manifests are read: the first of each severity, and how many more there are. Not thread-safe. */
final class Problems {

    /** Nobody reads more, and a small file can have a million. */
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

    /** Whether a warning would be one that is kept: else it need not be well worded. */
    boolean keepsWarnings() {
        return warnings < MAX;
    }

    /** In the order in which they were met. */
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
