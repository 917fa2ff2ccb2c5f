package io.sluice.reconcile;

import io.sluice.reconcile.AppliedState.Warning;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointLoops;
import io.sluice.service.EndpointSet;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.text.Printable;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** Warns of endpoints that are addresses of Services. Pure. */
final class EndpointWarnings {

    /** The number of warnings is bounded: an author of endpoints can cause any number of them. */
    private static final int MOST = 100;
    private static final int NAMED = 3;

    private EndpointWarnings() {}

    /** At most one warning for each Service and reason; those of the first Services by name. */
    static List<Warning> of(ClusterSnapshot snapshot, AddressClaims claims, EndpointLoops loops) {
        List<Warning> warnings = new ArrayList<>();
        for (Map.Entry<ServicePortName, ? extends Iterable<EndpointAddress>> port : loops.endpoints().entrySet()) {
            List<String> addresses = new ArrayList<>();
            port.getValue().forEach(address -> addresses.add(address.toString()));
            add(warnings, port.getKey().service(), (port.getKey().port().isEmpty()
                    ? "the endpoint "
                    : "port " + port.getKey().port() + ": the endpoint ") + first(addresses)
                    + " leads back to this Service and gets no connections");
        }
        if (!snapshot.facts().ownManifests()) {
            snapshot.services().values().forEach(state -> foreign(state, claims, warnings));
        }
        return warnings;
    }

    /** An author of endpoints may try to take the address away from another Service. */
    private static void foreign(ServiceState state, AddressClaims claims, List<Warning> warnings) {
        if (warnings.size() >= MOST) {
            return;
        }
        Map<ServiceName, InetAddress> named = new TreeMap<>();
        Stream.concat(Stream.of(state.portless()), state.ports().stream().map(ServiceState.PortState::endpoints))
                .map(EndpointSet::endpoints).flatMap(List::stream).map(e -> e.address().ip())
                .forEach(ip -> claims.clusterAddress(ip).filter(owner -> !owner.equals(state.service().name()))
                        .ifPresent(owner -> named.putIfAbsent(owner, ip)));
        if (!named.isEmpty()) {
            add(warnings, state.service().name(), "has among its endpoints " + first(named.entrySet().stream()
                    .map(e -> IpAddresses.format(e.getValue()) + ", the cluster address of " + e.getKey()).toList())
                    + "; that address stays where it is");
        }
    }

    private static void add(List<Warning> warnings, ServiceName service, String message) {
        if (warnings.size() < MOST) {
            warnings.add(new Warning(service, message));
        }
    }

    private static String first(List<String> words) {
        return Printable.first(words.stream().sorted().toList(), NAMED);
    }
}
