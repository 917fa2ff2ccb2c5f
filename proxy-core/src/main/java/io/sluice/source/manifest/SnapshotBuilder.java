package io.sluice.source.manifest;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.NodeTopology;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.source.manifest.Manifest.PortManifest;
import io.sluice.source.manifest.Manifest.ServiceManifest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** From files to a snapshot: reads, allocates, derives. Remembers allocations between calls. Not thread-safe. */
final class SnapshotBuilder {

    private static final Logger LOG = LoggerFactory.getLogger(SnapshotBuilder.class);

    private final ManifestOptions options;
    private final InputReader inputs;
    private Allocations allocations;
    private Map<String, Integer> toldSkipped = Map.of();
    private long version;

    SnapshotBuilder(ManifestOptions options, InputReader inputs) {
        this.options = options;
        this.inputs = inputs;
        this.allocations = new Allocations(options);
    }

    /** Reads everything anew. */
    LoadedManifests build(Instant now) {
        Problems problems = new Problems();
        ObjectReader objects = inputs.read(problems);
        if (!objects.skippedKinds().isEmpty() && !objects.skippedKinds().equals(toldSkipped)) {
            toldSkipped = Map.copyOf(objects.skippedKinds());
            LOG.info("skipped objects of other kinds: {}", objects.skippedKinds());
        }
        List<ServiceManifest> services = objects.objects().stream().filter(ServiceManifest.class::isInstance)
                .map(ServiceManifest.class::cast).toList();
        Allocations next = new Allocations(allocations);
        next.allocate(services, now, problems);
        EndpointRules rules = new EndpointRules(objects.objects());
        Map<ServiceName, ServiceState> states = new HashMap<>();
        for (ServiceManifest service : services) {
            states.put(service.name(), state(service, next, rules));
        }
        rules.reportOrphans(states.keySet(), problems);
        NodeTopology node = new NodeTopology(options.nodeName(), rules.zoneOf(options.nodeName()));
        LoadedManifests loaded = new LoadedManifests(new ClusterSnapshot(++version, now, node, states), problems.all());
        if (!loaded.hasErrors()) {
            // A broken edit will not be applied: what it leaves out for a moment must not lose its address.
            allocations = next;
        }
        return loaded;
    }

    private static ServiceState state(ServiceManifest manifest, Allocations allocations, EndpointRules rules) {
        List<ServicePort> ports = new ArrayList<>();
        for (PortManifest port : manifest.ports()) {
            ports.add(new ServicePort(port.name(), port.protocol(), port.port(),
                    allocations.nodePort(manifest, port), port.targetPort(), port.appProtocol()));
        }
        Service service = new Service(manifest.name(), manifest.type(), allocations.clusterIps(manifest),
                manifest.headless(), manifest.externalName(), ports, manifest.internalTrafficPolicy(),
                manifest.externalTrafficPolicy(), manifest.sessionAffinity(), manifest.externalIps(),
                manifest.loadBalancerIps(), manifest.loadBalancerSourceRanges(), manifest.healthCheckNodePort(),
                manifest.publishNotReadyAddresses(), manifest.selector(), manifest.annotations(),
                manifest.createdAt() == null ? allocations.firstSeen(manifest) : manifest.createdAt());
        List<PortState> states = new ArrayList<>();
        for (int i = 0; i < ports.size(); i++) {
            states.add(rules.portState(manifest, manifest.ports().get(i), ports.get(i), service.proxied()));
        }
        return new ServiceState(service, states);
    }
}
