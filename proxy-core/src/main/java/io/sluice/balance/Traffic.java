package io.sluice.balance;

/** The kinds of connections that the traffic policies tell apart (KEP-2086; kube-proxy's pkg/proxy/iptables/proxier.go). */
public enum Traffic {
    /** To a cluster address: {@code internalTrafficPolicy} decides. */
    INTERNAL,
    /** From outside to a node port, an external or a load balancer address: {@code externalTrafficPolicy} decides. */
    EXTERNAL,
    /**
     * To one of these from a pod of this node or from the node itself. It is traffic of the cluster, and no policy
     * restricts it: as if it went out to an external load balancer and came back (kube-proxy short-circuits it as well).
     * The API spells it {@code looped}.
     */
    SHORT_CIRCUIT
}
