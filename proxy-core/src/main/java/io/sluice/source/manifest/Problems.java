package io.sluice.source.manifest;

import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import java.util.ArrayList;
import java.util.List;

/** Collects what is wrong while manifests are read. Not thread-safe. */
final class Problems {

    private final List<Problem> all = new ArrayList<>();

    void error(String location, String subject, String message) {
        all.add(new Problem(Severity.ERROR, location, subject, message));
    }

    void warning(String location, String subject, String message) {
        all.add(new Problem(Severity.WARNING, location, subject, message));
    }

    List<Problem> all() {
        return List.copyOf(all);
    }
}
