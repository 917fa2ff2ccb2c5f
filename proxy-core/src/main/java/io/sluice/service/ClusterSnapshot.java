package io.sluice.service;

import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Everything the sources know at one moment. Two snapshots of one source are ordered by {@code version}.
 *
 * @param version  grows by at least one with each snapshot of a source
 * @param asOf     when this was true at the source
 * @param services by name
 * @param pods     those that the source knows, sorted; a source need not know any
 * @param changes  the changes that came with this snapshot and with no earlier one, as far as the source can date them
 * @param facts    the other facts that decide about addresses
 */
public record ClusterSnapshot(long version, Instant asOf, NodeTopology node, ServiceMap services,
        List<Pod> pods, List<TriggerTime> changes, ClusterFacts facts) {

    public ClusterSnapshot {
        pods = pods.stream().sorted(Pod.ORDER).toList();
        changes = List.copyOf(changes);
    }

    /** A snapshot of a source that knows no more of the cluster than Services and Pods. */
    public ClusterSnapshot(long version, Instant asOf, NodeTopology node, Map<ServiceName, ServiceState> services,
            List<Pod> pods, List<TriggerTime> changes) {
        this(version, asOf, node, ServiceMap.of(services), pods, changes, ClusterFacts.NONE);
    }

    /** A snapshot of a source that dates no changes. */
    public ClusterSnapshot(long version, Instant asOf, NodeTopology node, Map<ServiceName, ServiceState> services,
            List<Pod> pods) {
        this(version, asOf, node, services, pods, List.of());
    }

    /** A snapshot of a source that knows no Pods. */
    public ClusterSnapshot(long version, Instant asOf, NodeTopology node, Map<ServiceName, ServiceState> services) {
        this(version, asOf, node, services, List.of());
    }

    /** This snapshot with the changes of {@code earlier} as well, which was not applied; null if there is no such snapshot. */
    public ClusterSnapshot insteadOf(@Nullable ClusterSnapshot earlier) {
        if (earlier == null || earlier.changes.isEmpty()) {
            return this;
        }
        List<TriggerTime> all = new ArrayList<>(earlier.changes);
        all.addAll(changes);
        return new ClusterSnapshot(version, asOf, node, services, pods, all, facts);
    }

    /** This one with other states of some of its Services. */
    public ClusterSnapshot with(Map<ServiceName, ServiceState> replaced) {
        return replaced.isEmpty()
                ? this
                : new ClusterSnapshot(version, asOf, node, services.with(replaced, Set.of()), pods, changes, facts);
    }

    /** The addresses of Pods by namespace; a namespace in it has at least one Pod. */
    public Map<String, Set<InetAddress>> podAddresses() {
        Map<String, Set<InetAddress>> addresses = new HashMap<>();
        pods.forEach(pod -> addresses.computeIfAbsent(pod.namespace(), n -> new HashSet<>()).addAll(pod.addresses()));
        return addresses;
    }
}
