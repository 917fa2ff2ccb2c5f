package io.sluice.datagram;

/**
 * How long the flows of a Service port live, with conntrack's rules (net.netfilter.nf_conntrack_udp_timeout).
 *
 * @param idleNanos   without a datagram, until the flow is a stream
 * @param streamNanos the same once it is a stream: both sides have sent, and go on to send
 * @param replies     the number of replies to each datagram of the client, after which the flow ends; 0 if replies do not
 *                    end it
 */
public record FlowTimes(long idleNanos, long streamNanos, int replies) {

    /** A flow in which both sides have sent is a stream if either sends this long after it began, as with conntrack. */
    static final long STREAM_AFTER_NANOS = 2_000_000_000L;
}
