package io.sluice.reconcile;

import io.sluice.balance.Routing;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.ServicePortName;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Builds the view of the applied state for the admin API: every proxied port with its routing in force and its addresses,
 * served or refused, and the ports at which this process answers itself. Confined to the control thread.
 */
final class AppliedStateBuilder {

    private final ServicePorts ports;
    private final ServiceListeners listeners;
    private final ControlThread time;

    /** The view shows these as they are when {@link #build} is called. */
    AppliedStateBuilder(ServicePorts ports, ServiceListeners listeners, ControlThread time) {
        this.ports = ports;
        this.listeners = listeners;
        this.time = time;
    }

    /**
     * Builds the view after a review of everything.
     *
     * @param answered the ports at which this process answers itself, with their addresses
     * @param start    when the review began, in nanoseconds
     */
    AppliedState build(ClusterSnapshot snapshot, AddressPlan plan,
            Map<ServicePortName, List<ListenerState>> answered, long start) {
        Duration took = since(start);
        Map<ServicePortName, List<ListenerState>> addresses = addresses(plan);
        Map<ServicePortName, AppliedPort> byName = new HashMap<>();
        ports.all().forEach(port -> byName.put(port.name(),
                new AppliedPort(addresses.getOrDefault(port.name(), List.of()), port::routing, port.preserved())));
        answered.forEach((name, states) -> byName.put(name, new AppliedPort(states, Routing.NONE)));
        return new AppliedState(snapshot, Instant.now(), took, byName, plan.warnings());
    }

    /** Builds the view after endpoints alone were applied: it copies nothing that has a line for each Service. */
    AppliedState endpoints(AppliedState before, ClusterSnapshot snapshot, long start) {
        return before.with(snapshot, Instant.now(), since(start));
    }

    private Duration since(long start) {
        return Duration.ofNanos(time.nanoTime() - start);
    }

    private Map<ServicePortName, List<ListenerState>> addresses(AddressPlan plan) {
        Map<ServicePortName, List<ListenerState>> addresses = new HashMap<>();
        plan.claimed().forEach((address, claim) -> addresses.computeIfAbsent(claim.owner(), n -> new ArrayList<>())
                .add(listeners.state(address, claim)));
        plan.claimedForDatagrams().forEach((address, claim) -> addresses
                .computeIfAbsent(claim.owner(), n -> new ArrayList<>()).add(listeners.state(address, claim)));
        Stream.of(plan.claims(), plan.datagramClaims()).flatMap(claims -> claims.refusals().stream())
                .forEach(refusal -> addresses
                        .computeIfAbsent(refusal.claim().owner(), n -> new ArrayList<>()).add(new ListenerState(
                                refusal.address(), refusal.claim().kind(), ListenerStatus.FAILED, refusal.reason())));
        return addresses;
    }
}
