package io.sluice.source.manifest;

import io.sluice.service.ServiceName;
import java.util.List;

/**
 * What makes Pods, or a Pod, as far as who runs its processes has to know it.
 *
 * @param kind     as written
 * @param replicas how many Pods it would make
 * @param ordinals for a StatefulSet, the number of its first Pod; -1 for others
 * @param ports    of its containers, the main one first; empty if they name none
 */
public record Workload(String kind, ServiceName name, int replicas, int ordinals, List<Integer> ports) {

    public Workload {
        ports = List.copyOf(ports);
    }

    static Workload of(WorkloadManifest workload) {
        return new Workload(workload.kind(), workload.name(), workload.mistake() == null ? workload.replicas() : 1,
                workload.ordinals(), numbers(workload.template()));
    }

    static Workload of(PodManifest pod) {
        return new Workload(pod.kind(), pod.name(), 1, -1, numbers(pod));
    }

    private static List<Integer> numbers(PodManifest pod) {
        return pod.ports().stream().map(Manifest.ContainerPort::port).distinct().toList();
    }

    /** The name of its Pod {@code index}, from 0, if it runs here. */
    public ServiceName pod(int index) {
        String pod = !kind.equals("Pod")
                ? WorkloadManifest.podName(name.name(), ordinals, index)
                : name.name() + (index == 0 ? "" : "-" + (index + 1));
        return new ServiceName(name.namespace(), pod);
    }
}
