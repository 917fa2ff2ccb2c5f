package io.sluice.source.manifest;

import io.sluice.service.ServiceName;
import io.sluice.source.Problem;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An object that makes Pods from a template in a cluster: a Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or
 * ReplicationController.
 *
 * @param kind      as written
 * @param location  {@code file:line} of the object's name
 * @param replicas  how many Pods it would make
 * @param ordinals  for a StatefulSet, the number of its first Pod; -1 for others, whose Pods have no stable names
 * @param template  a Pod of it, under the workload's own name
 * @param addresses where the template or the workload itself says that its processes are, one for each Pod
 * @param process   the name of its process; null if it is not said
 * @param mistake   why it cannot be used, and where; null if it can
 */
record WorkloadManifest(String kind, ServiceName name, String location, int replicas, int ordinals,
        PodManifest template, List<ProcessAddress> addresses, @Nullable String process, @Nullable Mistake mistake) {

    /**
     * A mistake in it.
     *
     * @param address whether it is in an annotation of ours, or beside one
     */
    record Mistake(String location, String path, String message, boolean address) {

        Problem.Severity severity(boolean located) {
            return address || located ? Problem.Severity.ERROR : Problem.Severity.WARNING;
        }
    }

    /** The number of values of the manifest that it keeps, itself included. */
    int weight() {
        return (template.probe() == null ? 16 : 32) + 2 * template.labels().size() + 3 * template.ports().size()
                + 2 * addresses.size();
    }

    /** {@code Kind namespace/name}, for messages. */
    String subject() {
        return kind + " " + name;
    }

    /** The name of its Pod {@code index}, from 0. */
    String podName(int index) {
        return podName(name.name(), ordinals, index);
    }

    static String podName(String workload, int ordinals, int index) {
        return workload + "-" + (ordinals < 0 ? index + 1 : index + ordinals);
    }
}
