package io.sluice.service;

import java.net.InetAddress;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Everything the sources know at one moment. Two snapshots of one source are ordered by {@code version}.
 *
 * @param version  grows by at least one with each snapshot of a source
 * @param asOf     when this was true at the source
 * @param services by name, sorted
 * @param pods     those that the source knows, sorted; a source need not know any
 */
public record ClusterSnapshot(long version, Instant asOf, NodeTopology node, Map<ServiceName, ServiceState> services,
        List<Pod> pods) {

    public ClusterSnapshot {
        services = Collections.unmodifiableMap(new TreeMap<>(services));
        pods = pods.stream().sorted(Pod.ORDER).toList();
    }

    /** A snapshot of a source that knows no Pods. */
    public ClusterSnapshot(long version, Instant asOf, NodeTopology node, Map<ServiceName, ServiceState> services) {
        this(version, asOf, node, services, List.of());
    }

    /** The addresses of Pods by namespace; a namespace in it has at least one Pod. */
    public Map<String, Set<InetAddress>> podAddresses() {
        Map<String, Set<InetAddress>> addresses = new HashMap<>();
        pods.forEach(pod -> addresses.computeIfAbsent(pod.namespace(), n -> new HashSet<>()).addAll(pod.addresses()));
        return addresses;
    }
}
