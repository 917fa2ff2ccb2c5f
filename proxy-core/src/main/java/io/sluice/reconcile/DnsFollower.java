package io.sluice.reconcile;

import io.sluice.node.ServiceAddresses;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Lets names follow: a name leads to listeners that are open before it is given out, and closed after it is gone. Confined
 * to the control thread.
 */
record DnsFollower(ClusterNames names, ServiceAddresses serviceAddresses) implements AppliedFollower {

    @Override
    public void prepare(ClusterSnapshot snapshot, AddressPlan plan, Ownership ownership) {
        if (ownership.answersDns()) {
            names.open(snapshot, serviceAddresses.provides());
        }
    }

    @Override
    public void publish(ClusterSnapshot snapshot, ChangeScope scope) {
        if (scope.concernsNames()) {
            names.publish(snapshot);
        }
    }

    @Override
    public void retire(ClusterSnapshot snapshot) {
        names.close(snapshot);
    }

    @Override
    public boolean answers(Service service, ServicePort port) {
        return names.answers(service, port);
    }

    @Override
    public Map<ServicePortName, List<ListenerState>> answered(ClusterSnapshot snapshot) {
        ServiceState dns = snapshot.services().get(ClusterNames.DNS_SERVICE);
        if (dns == null) {
            return Map.of();
        }
        Map<ServicePortName, List<ListenerState>> answered = new HashMap<>();
        for (PortState port : dns.ports()) {
            if (port.port().protocol() == Protocol.TCP && names.answers(dns.service(), port.port())) {
                answered.put(ServicePorts.name(dns.service(), port), names.listeners(dns.service(), port.port()));
            }
        }
        return answered;
    }

    @Override
    public boolean incomplete() {
        return names.incomplete();
    }

    @Override
    public void leave() {
        names.leave();
    }

    @Override
    public void release() {
        names.stop();
    }

    @Override
    public void stop() {
        names.stop();
    }
}
