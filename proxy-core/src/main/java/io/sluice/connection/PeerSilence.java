package io.sluice.connection;

/**
 * Decides whether one peer of a connection is dead: its host has gone, or packets do not reach it any more. A peer is dead
 * when the kernel has retransmitted or probed repeatedly, and no packet, not even an acknowledgement, came for the limit.
 *
 * <p>TCP_USER_TIMEOUT (tcp(7)) does not serve: since Linux 5.11 it also ends a connection whose peer answers each probe and
 * takes no data for that long, which a slow reader may do for ever. And the kernel's own limit (net.ipv4.tcp_retries2) takes
 * a quarter of an hour.
 *
 * <p>The time counts from the first look that finds an answer due, not from the last packet: a connection may have been
 * silent for hours before data is sent. Times are nanoseconds of any monotonic clock. Not thread-safe.
 */
public final class PeerSilence {

    /** The network may have lost a packet or two; the kernel probes the window of a slow reader only every two minutes. */
    private static final int TRANSMISSIONS = 3;

    private static final long NONE = Long.MAX_VALUE;

    private long since = NONE;

    /**
     * Takes note of a socket's state in the kernel at {@code now}.
     *
     * @param awaited       whether the peer has not acknowledged data, a FIN or a probe
     * @param transmissions how often the kernel has retransmitted that, or probed
     * @param heardAt       when the last packet from the peer came
     * @param limit         how long a live peer may be silent while an answer is due
     * @return whether the peer is dead
     */
    public boolean isTooLong(boolean awaited, int transmissions, long heardAt, long now, long limit) {
        if (!awaited) {
            since = NONE;
        } else if (since == NONE || heardAt >= since) {
            since = now;
        }
        return awaited && now - since >= limit && transmissions >= TRANSMISSIONS;
    }
}
