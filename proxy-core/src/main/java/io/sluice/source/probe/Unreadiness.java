package io.sluice.source.probe;

import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpFamily;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import io.sluice.source.EndpointMerge;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Takes the endpoints of Pods that are not ready out of service, as the EndpointSlice controller does. Pure. */
public final class Unreadiness {

    private Unreadiness() {}

    /**
     * The snapshot in which the endpoints of these Pods are not ready, each with the reason.
     *
     * @param notReady by namespace and name
     */
    public static ClusterSnapshot apply(ClusterSnapshot snapshot, Map<ServiceName, String> notReady) {
        if (notReady.isEmpty()) {
            return snapshot;
        }
        Map<ServiceName, ServiceState> changed = new TreeMap<>();
        snapshot.services().forEach((name, state) -> {
            ServiceState now = state(state, notReady);
            if (!now.equals(state)) {
                changed.put(name, now);
            }
        });
        return snapshot.with(changed);
    }

    private static ServiceState state(ServiceState state, Map<ServiceName, String> notReady) {
        Service service = state.service();
        Set<IpFamily> families = EnumSet.noneOf(IpFamily.class);
        service.clusterIps().forEach(ip -> families.add(IpFamily.of(ip)));
        if (families.isEmpty()) {
            families.addAll(EnumSet.allOf(IpFamily.class));
        }
        List<PortState> ports = new ArrayList<>();
        for (PortState port : state.ports()) {
            EndpointSet set = endpoints(service, port.endpoints(), notReady);
            EndpointMerge merge = new EndpointMerge(service, port.port(), families);
            set.endpoints().forEach(merge::add);
            ports.add(set.equals(port.endpoints()) ? port : merge.state(() -> {
                throw new IllegalStateException("a set without endpoints has not changed");
            }));
        }
        return new ServiceState(service, ports, endpoints(service, state.portless(), notReady), state.others());
    }

    private static EndpointSet endpoints(Service service, EndpointSet set, Map<ServiceName, String> notReady) {
        List<Endpoint> endpoints = new ArrayList<>();
        boolean changed = false;
        for (Endpoint endpoint : set.endpoints()) {
            String why = why(service, endpoint, notReady);
            changed |= why != null;
            endpoints.add(why == null ? endpoint : endpoint.notReady(service.publishNotReadyAddresses(), why));
        }
        return changed ? new EndpointSet(endpoints) : set;
    }

    private static @Nullable String why(Service service, Endpoint endpoint, Map<ServiceName, String> notReady) {
        String pod = endpoint.target();
        return pod == null ? null : notReady.get(new ServiceName(service.name().namespace(), pod));
    }
}
