package io.sluice.reconcile;

import io.sluice.node.AddressDemand;
import io.sluice.node.AddressDemand.Use;
import io.sluice.node.ServiceAddresses;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.service.Cidr;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.EndpointLoops;
import io.sluice.service.Protocol;
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
import java.util.stream.Stream;
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
    private final boolean intercepts;
    private final List<Cidr> podRanges;
    private final int portOffset;
    private Map<InetSocketAddress, String> ownListeners = Map.of();
    private Map<InetSocketAddress, String> ownDatagramListeners = Map.of();
    private Set<NamedLine> logged = Set.of();

    /**
     * Has logged nothing yet.
     *
     * @param intercepts whether connections to Services are intercepted, whatever their address: then only the addresses at
     *                   which this process itself answers have to be this node's
     */
    AddressPlanner(ServiceAddresses serviceAddresses, boolean intercepts, List<Cidr> podRanges, int portOffset) {
        this.serviceAddresses = serviceAddresses;
        this.intercepts = intercepts;
        this.podRanges = podRanges;
        this.portOffset = portOffset;
    }

    /** The addresses on which this daemon itself listens, each with its purpose. */
    void ownListeners(Map<InetSocketAddress, String> listeners) {
        ownListeners = Map.copyOf(listeners);
    }

    /** Those at which it receives datagrams. */
    void ownDatagramListeners(Map<InetSocketAddress, String> listeners) {
        ownDatagramListeners = Map.copyOf(listeners);
    }

    /**
     * Decides about all claims, and makes the addresses that are wanted this node's.
     *
     * @param answered whether this process itself answers at a port instead of proxying it
     * @param failed   whether listening on an address has failed: an endpoint with that address does not lead to this process
     */
    AddressPlan plan(ClusterSnapshot snapshot, NodeFollower.Addresses node, BiPredicate<Service, ServicePort> answered,
            Predicate<InetSocketAddress> failed) {
        AddressClaims claims = AddressClaims.of(snapshot,
                new AddressClaims.Node(node.own(), node.nodePorts(), ownListeners, podRanges, portOffset), answered);
        AddressClaims datagramClaims = hasUdp(snapshot)
                ? AddressClaims.of(snapshot, new AddressClaims.Node(node.own(), node.nodePorts(),
                        ownDatagramListeners, podRanges, portOffset), answered, Protocol.UDP)
                : AddressClaims.none();
        Map<InetAddress, Use> wanted = intercepts ? answeredHere(snapshot, claims, answered) : claims.wanted();
        ServiceAddresses.Provided provided = serviceAddresses.manages()
                ? serviceAddresses.provide(new AddressDemand(wanted,
                        endpoints(snapshot.services().values()), snapshot.facts().ownManifests()))
                : new ServiceAddresses.Provided(Map.of(), Map.of());
        claims.refuse(provided.refused());
        datagramClaims.refuse(provided.refused());
        EndpointLoops loops = EndpointLoops.find(snapshot.services().values(), endpoint -> {
            Claim claim = claims.claims().get(endpoint.toSocketAddress());
            return claim == null || failed.test(endpoint.toSocketAddress()) ? null : claim.owner();
        }, endpoint -> {
            Claim claim = datagramClaims.claims().get(endpoint.toSocketAddress());
            return claim == null ? null : claim.owner();
        });
        AddressPlan plan = new AddressPlan(claims, datagramClaims, loops, EndpointWarnings.of(snapshot, claims, loops),
                intercepts ? wanted.keySet() : Set.of(), provided.failed());
        log(plan);
        return plan;
    }

    private static boolean hasUdp(ClusterSnapshot snapshot) {
        return snapshot.services().values().stream()
                .anyMatch(state -> state.service().ports().stream().anyMatch(port -> port.protocol() == Protocol.UDP));
    }

    private static Map<InetAddress, Use> answeredHere(ClusterSnapshot snapshot, AddressClaims claims,
            BiPredicate<Service, ServicePort> answered) {
        Map<InetAddress, Use> here = new HashMap<>();
        for (ServiceState state : snapshot.services().values()) {
            Service service = state.service();
            if (service.proxied() && service.ports().stream().anyMatch(port -> answered.test(service, port))) {
                service.clusterIps().stream().filter(claims.wanted()::containsKey)
                        .forEach(ip -> here.put(ip, Use.CLUSTER));
            }
        }
        return here;
    }

    private void log(AddressPlan plan) {
        Set<NamedLine> lines = new LinkedHashSet<>();
        Stream.of(plan.claims(), plan.datagramClaims()).flatMap(claims -> claims.refusals().stream())
                .forEach(refusal -> lines.add(NamedLine.of(refusal.claim().owner(),
                        refusal.claim().owner() + ": " + refusal.reason())));
        plan.warnings().forEach(warning -> lines.add(NamedLine.of(warning.service(),
                warning.service() + ": " + warning.message())));
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
