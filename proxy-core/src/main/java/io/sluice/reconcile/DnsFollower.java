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
 * Makes DNS follow the applied state: the listeners that a name leads to are open before it is published, and closed after
 * it is gone. Confined to the control thread.
 */
record DnsFollower(DnsSync dnsSync, ServiceAddresses serviceAddresses) implements AppliedFollower {

    @Override
    public void consider(ClusterSnapshot snapshot) {
        dnsSync.consider(snapshot);
    }

    @Override
    public boolean reconsiders(ClusterSnapshot snapshot) {
        return dnsSync.changesHands(snapshot);
    }

    @Override
    public void prepare(ClusterSnapshot snapshot, AddressPlan plan, Ownership ownership) {
        if (ownership.answersDns()) {
            dnsSync.open(snapshot, serviceAddresses.manages());
        }
    }

    @Override
    public void publish(ClusterSnapshot snapshot, ChangeScope scope) {
        if (scope.concernsNames()) {
            dnsSync.publish(snapshot);
        }
    }

    @Override
    public void retire(ClusterSnapshot snapshot) {
        dnsSync.close(snapshot);
    }

    @Override
    public boolean answers(Service service, ServicePort port) {
        return dnsSync.answers(service, port);
    }

    @Override
    public Map<ServicePortName, List<ListenerState>> answered(ClusterSnapshot snapshot) {
        ServiceState dns = snapshot.services().get(DnsSync.DNS_SERVICE);
        if (dns == null) {
            return Map.of();
        }
        Map<ServicePortName, List<ListenerState>> answered = new HashMap<>();
        for (PortState port : dns.ports()) {
            if (port.port().protocol() != Protocol.SCTP && dnsSync.answers(dns.service(), port.port())) {
                answered.put(ServicePorts.name(dns.service(), port), dnsSync.listeners(dns.service(), port.port()));
            }
        }
        return answered;
    }

    @Override
    public boolean incomplete() {
        return dnsSync.incomplete();
    }

    @Override
    public void leave() {
        dnsSync.leave();
    }

    @Override
    public void release() {
        dnsSync.stop();
    }

    @Override
    public void stop() {
        dnsSync.stop();
    }
}
