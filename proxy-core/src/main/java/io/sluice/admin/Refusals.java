package io.sluice.admin;

import io.sluice.balance.EndpointSelection;
import io.sluice.balance.Traffic;
import io.sluice.reconcile.AppliedState.AppliedPort;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.EmptyReason;
import io.sluice.service.Endpoint;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceState.PortState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Why connections of one kind to a port do not get as far as an endpoint. Pure.
 *
 * @param lines   each reason, for people
 * @param nowhere why none of them does; empty if some do
 */
record Refusals(List<String> lines, Optional<String> nowhere) {

    /** How many addresses are named. */
    private static final int NAMED = 3;

    Refusals {
        lines = List.copyOf(lines);
    }

    /**
     * The kind of connection.
     *
     * @param outsideRanges whether its client is outside of the Service's {@code loadBalancerSourceRanges}
     */
    record Asked(IpFamily family, Traffic traffic, boolean external, boolean outsideRanges) {}

    /**
     * Finds the reasons.
     *
     * @param open the open connections of the Service
     */
    static Refusals of(Service service, PortState state, AppliedPort applied, String node, Asked asked,
            DaemonStatus.Limits limits, long open) {
        List<ListenerState> listeners = addresses(applied, asked);
        List<String> lines = new ArrayList<>(failed(listeners));
        String nowhere = null;
        if (listeners.isEmpty() && asked.external() && !service.externallyAccessible()) {
            nowhere = "the Service has no node port, external or load balancer address";
        } else if (applied.routing().pool(asked.family(), asked.traffic()).endpoints().isEmpty()) {
            nowhere = "no endpoint takes such connections"
                    + whyEmpty(service, state, applied.routing().drained(), node, asked);
        } else if (!listeners.isEmpty() && listeners.stream().allMatch(l -> l.status() == ListenerStatus.FAILED)) {
            nowhere = "no address is served";
        }
        if (asked.outsideRanges()) {
            lines.add("loadBalancerSourceRanges: the client is outside; what it sends to the load balancer addresses is"
                    + " dropped (with local routes, its connections are reset), not what it sends to node ports and"
                    + " external addresses");
            if (nowhere == null && service.externalIps().isEmpty() && state.port().nodePort() == 0) {
                nowhere = "the client is outside loadBalancerSourceRanges";
            }
        }
        String limit = state.port().protocol() == Protocol.TCP ? limits.reached(open) : null;
        if (limit != null) {
            lines.add(limit);
            nowhere = nowhere == null ? "a limit is reached" : nowhere;
        }
        return new Refusals(lines, Optional.ofNullable(nowhere));
    }

    /** The addresses at which such connections arrive. */
    static List<ListenerState> addresses(AppliedPort applied, Asked asked) {
        return applied.listeners().stream().filter(listener -> listener.kind().external() == asked.external()
                && IpFamily.of(listener.address().getAddress()) == asked.family()).toList();
    }

    private static List<String> failed(List<ListenerState> listeners) {
        List<String> failed = new ArrayList<>();
        for (ListenerState listener : listeners) {
            if (listener.status() == ListenerStatus.FAILED) {
                String address = IpAddresses.format(listener.address().getAddress(), listener.address().getPort());
                String problem = String.valueOf(listener.problem());
                failed.add(problem.startsWith(address) ? problem : address + ": " + problem);
            }
        }
        List<String> others = failed.subList(Math.min(NAMED, failed.size()), failed.size());
        if (!others.isEmpty()) {
            String last = others.size() + " more addresses are not served";
            others.clear();
            failed.add(last);
        }
        return failed;
    }

    private static String whyEmpty(Service service, PortState state, int drained, String node,
            Asked asked) {
        if (state.whyEmpty() != null) {
            return ": " + state.whyEmpty().describe();
        }
        if (drained > 0) {
            return ": " + new EmptyReason.Drained(drained).describe();
        }
        List<Endpoint> endpoints = state.endpoints().endpoints();
        if (endpoints.stream().noneMatch(endpoint -> endpoint.address().family() == asked.family())) {
            return ": none has an " + asked.family().apiName() + " address";
        }
        return EndpointSelection.local(service, asked.traffic())
                ? ": traffic policy Local, and no ready endpoint is on node " + node
                : ": none is ready";
    }
}
