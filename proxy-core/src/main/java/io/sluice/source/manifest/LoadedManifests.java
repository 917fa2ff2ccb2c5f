package io.sluice.source.manifest;

import io.sluice.service.ClusterSnapshot;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import java.util.List;

/**
 * What manifests come to.
 *
 * @param snapshot everything that could be understood
 * @param problems everything that could not, or that is doubtful, in the order of the files
 */
public record LoadedManifests(ClusterSnapshot snapshot, List<Problem> problems) {

    public LoadedManifests {
        problems = List.copyOf(problems);
    }

    /** The problems that keep the daemon from taking this. */
    public List<Problem> errors() {
        return problems.stream().filter(p -> p.severity() == Severity.ERROR).toList();
    }

    /** Whether the daemon would refuse this. */
    public boolean hasErrors() {
        return problems.stream().anyMatch(p -> p.severity() == Severity.ERROR);
    }
}
