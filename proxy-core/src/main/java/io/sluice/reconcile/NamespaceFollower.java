package io.sluice.reconcile;

import io.sluice.netns.NamespaceSessions;
import io.sluice.netns.SocketRequest;
import io.sluice.proxy.AddressKind;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Endpoint;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceState;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Makes the network namespaces of {@code sluice exec} follow the applied state. Confined to the control thread.
 *
 * @param portOffset added to each port of a cluster, external or load balancer address outside of them
 */
record NamespaceFollower(NamespaceSessions namespaces, DnsSync dnsSync, ServicePorts ports, int portOffset)
        implements AppliedFollower {

    /** Of one Service: more than a developer runs. */
    private static final int MAX_PODS = 1_000;

    @Override
    public void prepare(ClusterSnapshot snapshot, AddressPlan plan, Ownership ownership) {
        Set<InetSocketAddress> dns = dnsSync.serviceAddresses(snapshot);
        Map<SocketRequest, NamespaceSessions.Target> targets = targets(plan);
        targets.keySet().removeIf(request -> dns.contains(request.address()));
        namespaces.open(targets, dns);
    }

    /** Names of a headless Service lead to its Pods: those at loopback addresses are to be reached inside as well. */
    @Override
    public void publish(ClusterSnapshot snapshot, ChangeScope scope) {
        if (!scope.concernsNames()) {
            return;
        }
        Set<InetSocketAddress> pods = new HashSet<>();
        for (ServiceState state : snapshot.services().values()) {
            if (state.service().headless()) {
                state.ports().stream().filter(port -> port.port().protocol() == Protocol.TCP)
                        .flatMap(port -> port.endpoints().endpoints().stream()).map(Endpoint::address)
                        .filter(address -> address.ip().isLoopbackAddress()).limit(MAX_PODS)
                        .forEach(address -> pods.add(new InetSocketAddress(address.ip(), address.port())));
            }
        }
        namespaces.pods(pods);
    }

    @Override
    public void retire(ClusterSnapshot snapshot) {
        namespaces.close();
    }

    @Override
    public void stop() {
        namespaces.stop();
    }

    /** In a network namespace a Service has its own ports, and all its addresses but the node's. */
    private Map<SocketRequest, NamespaceSessions.Target> targets(AddressPlan plan) {
        Map<SocketRequest, NamespaceSessions.Target> targets = new HashMap<>();
        add(plan.claimed(), targets);
        add(plan.claimedForDatagrams(), targets);
        return targets;
    }

    private void add(Map<InetSocketAddress, Claim> claimed, Map<SocketRequest, NamespaceSessions.Target> targets) {
        claimed.forEach((address, claim) -> {
            RoutedPort port = ports.find(claim.owner());
            if (port != null && claim.kind() != AddressKind.NODE_PORT && ports.usable(address, claim)) {
                targets.put(
                        new SocketRequest(claim.owner().protocol(),
                                new InetSocketAddress(address.getAddress(), address.getPort() - portOffset)),
                        new NamespaceSessions.Target(port.targets(), claim.kind()));
            }
        });
    }
}
