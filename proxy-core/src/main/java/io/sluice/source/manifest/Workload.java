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
 * @param served   whether a Service selects its Pods
 * @param variables of its first container, in their order; empty unless they are read
 */
public record Workload(String kind, ServiceName name, int replicas, int ordinals, List<Integer> ports,
        boolean served, List<Variable> variables) {

    public Workload {
        ports = List.copyOf(ports);
        variables = List.copyOf(variables);
    }

    /** Whether its programs end when they have done their work. */
    public boolean endsByItself() {
        return kind.equals("Job");
    }

    static Workload of(WorkloadManifest workload, boolean served, List<Variable> variables) {
        return new Workload(workload.kind(), workload.name(), workload.mistake() == null ? workload.replicas() : 1,
                workload.ordinals(), numbers(workload.template()), served, variables);
    }

    static Workload of(PodManifest pod, boolean served, List<Variable> variables) {
        return new Workload(pod.kind(), pod.name(), 1, -1, numbers(pod), served, variables);
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
