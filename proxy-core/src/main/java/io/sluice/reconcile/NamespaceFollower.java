package io.sluice.reconcile;

import io.sluice.guest.Guests;
import io.sluice.proxy.AddressKind;
import io.sluice.service.ClusterSnapshot;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;

/**
 * Lets the network namespaces of {@code sluice exec} follow. Confined to the control thread.
 *
 * @param portOffset added to each port of a cluster, external or load balancer address outside of them
 */
record NamespaceFollower(Guests guests, ClusterNames names, ServicePorts ports, int portOffset)
        implements AppliedFollower {

    @Override
    public void prepare(ClusterSnapshot snapshot, AddressPlan plan, Ownership ownership) {
        guests.open(targets(plan), names.serviceAddresses(snapshot));
    }

    @Override
    public void retire(ClusterSnapshot snapshot) {
        guests.close();
    }

    @Override
    public void stop() {
        guests.stop();
    }

    /** In a namespace of its own a Service has its own ports, and all addresses but the node's. */
    private Map<InetSocketAddress, Guests.Target> targets(AddressPlan plan) {
        Map<InetSocketAddress, Guests.Target> targets = new HashMap<>();
        plan.claimed().forEach((address, claim) -> {
            RoutedPort port = ports.find(claim.owner());
            if (port != null && claim.kind() != AddressKind.NODE_PORT && ports.usable(address, claim)) {
                targets.put(new InetSocketAddress(address.getAddress(), address.getPort() - portOffset),
                        new Guests.Target(port.proxy(), claim.kind()));
            }
        });
        return targets;
    }
}
