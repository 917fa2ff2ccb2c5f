package io.sluice.nftables;

/** What the kernel does with connections to the address and port of a Service. */
public enum Verdict {
    /** It redirects them to the proxy; while no proxy listens, it refuses them. */
    PROXY,
    /**
     * As {@link #PROXY} for pods and for processes of this node, while what comes from elsewhere is dropped: an external
     * address under the traffic policy Local, whose endpoints are all on other nodes.
     */
    PROXY_INSIDE,
    /** It refuses them at once, TCP by a reset, other protocols by ICMP: a Service without endpoints. */
    REFUSE,
    /** It drops their packets: an external address on a node without endpoints, traffic policy Local. */
    DROP
}
