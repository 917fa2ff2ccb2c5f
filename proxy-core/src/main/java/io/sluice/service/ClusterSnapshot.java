package io.sluice.service;

import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * Everything the sources know at one moment. Two snapshots of one source are ordered by {@code version}.
 *
 * @param version  grows by at least one with each snapshot of a source
 * @param asOf     when this was true at the source
 * @param services by name, sorted
 */
public record ClusterSnapshot(long version, Instant asOf, NodeTopology node, Map<ServiceName, ServiceState> services) {

    public ClusterSnapshot {
        services = Collections.unmodifiableMap(new TreeMap<>(services));
    }
}
