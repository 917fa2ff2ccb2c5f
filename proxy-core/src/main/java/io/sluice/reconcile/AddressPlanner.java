package io.sluice.reconcile;

import io.sluice.node.AddressDemand;
import io.sluice.node.ServiceAddresses;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.reconcile.AppliedState.Warning;
import io.sluice.service.Cidr;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointLoops;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the addresses of Services this node's, assigns them to Service ports, and logs each refusal once. Confined to
 * the control thread.
 */
final class AddressPlanner {

    private static final Logger LOG = LoggerFactory.getLogger(AddressPlanner.class);

    private final ServiceAddresses serviceAddresses;
    private final List<Cidr> podRanges;
    private final int portOffset;
    private Map<InetSocketAddress, String> ownListeners = Map.of();
    private Set<String> logged = Set.of();

    /** Has logged nothing yet. */
    AddressPlanner(ServiceAddresses serviceAddresses, List<Cidr> podRanges, int portOffset) {
        this.serviceAddresses = serviceAddresses;
        this.podRanges = podRanges;
        this.portOffset = portOffset;
    }

    /** The addresses on which this daemon itself listens, each with its purpose. */
    void ownListeners(Map<InetSocketAddress, String> listeners) {
        ownListeners = Map.copyOf(listeners);
    }

    /**
     * Decides, and provides the addresses that are wanted.
     *
     * @param answered whether this process itself answers at a port instead of proxying it
     * @param failed   whether listening on an address has failed: an endpoint with such an address leads nowhere
     */
    AddressPlan plan(ClusterSnapshot snapshot, NodeFollower.Addresses node, BiPredicate<Service, ServicePort> answered,
            Predicate<InetSocketAddress> failed) {
        AddressClaims claims = AddressClaims.of(snapshot,
                new AddressClaims.Node(node.own(), node.nodePorts(), ownListeners, podRanges, portOffset), answered);
        ServiceAddresses.Provided provided = serviceAddresses.provides()
                ? serviceAddresses.provide(new AddressDemand(claims.wanted(),
                        endpoints(snapshot.services().values()), snapshot.facts().ownManifests()))
                : new ServiceAddresses.Provided(Map.of(), Map.of());
        claims.refuse(provided.refused());
        EndpointLoops loops = EndpointLoops.find(snapshot.services().values(), endpoint -> {
            Claim claim = claims.claims().get(endpoint.toSocketAddress());
            return claim == null || failed.test(endpoint.toSocketAddress()) ? null : claim.owner();
        });
        AddressPlan plan = new AddressPlan(claims, loops, EndpointWarnings.of(snapshot, claims, loops),
                provided.failed());
        log(claims, plan.warnings());
        return plan;
    }

    private void log(AddressClaims claims, List<Warning> warnings) {
        Set<String> lines = new LinkedHashSet<>();
        claims.refusals().forEach(refusal -> lines.add(refusal.claim().owner() + ": " + refusal.reason()));
        warnings.forEach(warning -> lines.add(warning.service() + ": " + warning.message()));
        LineLimit.warn(LOG, lines.stream().filter(line -> !logged.contains(line)).toList());
        logged = lines;
    }

    /** The addresses behind all Services, each with the first that has it. */
    private static Map<InetAddress, ServiceName> endpoints(Collection<ServiceState> services) {
        Map<InetAddress, ServiceName> addresses = new HashMap<>();
        for (ServiceState state : services) {
            ChangeScope.endpoints(state)
                    .forEach(address -> addresses.putIfAbsent(address.ip(), state.service().name()));
        }
        return addresses;
    }
}
