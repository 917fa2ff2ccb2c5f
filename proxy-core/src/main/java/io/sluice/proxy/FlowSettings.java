package io.sluice.proxy;

import io.sluice.datagram.FlowTimes;
import io.sluice.service.ServiceAnnotations;
import java.time.Duration;

/**
 * How flows of datagrams live, and how many there may be.
 *
 * @param timeout       a flow without a datagram for this long ends, until both sides go on to speak; a Service may say
 *                      otherwise by annotation
 * @param streamTimeout the same once they do
 * @param most          over all Services, at least 1; beyond it the oldest flows that are no streams give way
 * @param perService    of one Service; 0 for no bound of its own
 * @param perClient     of one client address to one Service; 0 for no bound of its own
 */
public record FlowSettings(Duration timeout, Duration streamTimeout, int most, int perService, int perClient) {

    /** Times as conntrack has them (net.netfilter.nf_conntrack_udp_timeout). */
    public static final FlowSettings DEFAULT =
            new FlowSettings(Duration.ofSeconds(30), Duration.ofSeconds(180), 65_536, 0, 16_384);

    private static final int DNS_PORT = 53;

    /**
     * How the flows of a Service port live.
     *
     * @param port the port's number: a question to 53 is over with its answer, unless the Service says otherwise
     */
    FlowTimes times(ServiceAnnotations annotations, int port) {
        Duration own = annotations.udpTimeout();
        int replies = annotations.udpReplies();
        return new FlowTimes((own == null ? timeout : own).toNanos(), (own == null ? streamTimeout : own).toNanos(),
                replies >= 0 ? replies : port == DNS_PORT ? 1 : 0);
    }
}
