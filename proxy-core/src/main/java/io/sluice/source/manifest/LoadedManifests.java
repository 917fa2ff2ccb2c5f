package io.sluice.source.manifest;

import io.sluice.service.ClusterSnapshot;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.probe.LocalPod;
import java.util.List;
import java.util.Map;

/**
 * The result of reading manifests.
 *
 * @param snapshot everything that could be understood
 * @param problems errors and warnings, in the order of the files
 * @param skipped  the number of objects of each kind that has no meaning for a proxy
 * @param localPods the Pods whose processes run on this machine
 * @param workloads what makes Pods, and the Pods that are written
 * @param found a line for each workload whose process was looked for and found, or might be
 * @param passedOver the files of directories that are no manifests, by name
 */
public record LoadedManifests(ClusterSnapshot snapshot, List<Problem> problems, Map<String, Integer> skipped,
        List<String> passedOver, List<LocalPod> localPods, List<Workload> workloads,
        List<String> found) {

    public LoadedManifests {
        problems = List.copyOf(problems);
        skipped = Map.copyOf(skipped);
        passedOver = List.copyOf(passedOver);
        localPods = List.copyOf(localPods);
        workloads = List.copyOf(workloads);
        found = List.copyOf(found);
    }

    /** The same with other problems. */
    public LoadedManifests with(List<Problem> others) {
        return new LoadedManifests(snapshot, others, skipped, passedOver, localPods, workloads, found);
    }

    /** The problems for which the daemon refuses this result. */
    public List<Problem> errors() {
        return problems.stream().filter(p -> p.severity() == Severity.ERROR).toList();
    }

    /** Whether the daemon refuses this result. */
    public boolean hasErrors() {
        return problems.stream().anyMatch(p -> p.severity() == Severity.ERROR);
    }
}
