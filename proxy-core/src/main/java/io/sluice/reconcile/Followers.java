package io.sluice.reconcile;

import io.sluice.netns.NamespaceSessions;
import io.sluice.node.ServiceAddresses;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Service;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * All followers of the applied state. They are added before the first snapshot, and confined to the control thread from
 * then on. Each is called after those that were added before it, and they stop in the opposite order.
 */
public final class Followers {

    private final ServiceAddresses serviceAddresses;
    private final ServicePorts ports;
    private final int portOffset;
    private final List<AppliedFollower> followers = new ArrayList<>();

    /** Has no follower yet. */
    Followers(ServiceAddresses serviceAddresses, ServicePorts ports, int portOffset) {
        this.serviceAddresses = serviceAddresses;
        this.ports = ports;
        this.portOffset = portOffset;
    }

    /** Adds the names of DNS. */
    public void dns(DnsSync dnsSync) {
        add(new DnsFollower(dnsSync, serviceAddresses));
    }

    /** Adds network namespaces, after {@link #dns}: DNS answers in them as well. */
    public void namespaces(NamespaceSessions namespaces, DnsSync dnsSync) {
        add(new NamespaceFollower(namespaces, dnsSync, ports, portOffset));
    }

    /** Adds the health checks of Services. */
    public void healthChecks(Consumer<ClusterSnapshot> healthChecks) {
        add(new HealthCheckFollower(healthChecks));
    }

    /** Adds another follower. */
    void add(AppliedFollower follower) {
        followers.add(follower);
    }

    void consider(ClusterSnapshot snapshot) {
        followers.forEach(follower -> follower.consider(snapshot));
    }

    boolean reconsider(ClusterSnapshot snapshot) {
        return followers.stream().anyMatch(follower -> follower.reconsiders(snapshot));
    }

    void prepare(ClusterSnapshot snapshot, AddressPlan plan, Ownership ownership) {
        followers.forEach(follower -> follower.prepare(snapshot, plan, ownership));
    }

    void publish(ClusterSnapshot snapshot, ChangeScope scope) {
        // Names last: what they lead to in network namespaces is there then.
        followers.reversed().forEach(follower -> follower.publish(snapshot, scope));
    }

    void retire(ClusterSnapshot snapshot) {
        followers.forEach(follower -> follower.retire(snapshot));
    }

    void settled(ClusterSnapshot snapshot, ChangeScope scope) {
        followers.forEach(follower -> follower.settled(snapshot, scope));
    }

    boolean answers(Service service, ServicePort port) {
        for (AppliedFollower follower : followers) {
            if (follower.answers(service, port)) {
                return true;
            }
        }
        return false;
    }

    Map<ServicePortName, List<ListenerState>> answered(ClusterSnapshot snapshot) {
        Map<ServicePortName, List<ListenerState>> all = new HashMap<>();
        followers.forEach(follower -> all.putAll(follower.answered(snapshot)));
        return all;
    }

    boolean incomplete() {
        return followers.stream().anyMatch(AppliedFollower::incomplete);
    }

    void leave() {
        followers.forEach(AppliedFollower::leave);
    }

    void release() {
        followers.reversed().forEach(AppliedFollower::release);
    }

    void stop() {
        followers.reversed().forEach(AppliedFollower::stop);
    }
}
