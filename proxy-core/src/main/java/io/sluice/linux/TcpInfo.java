package io.sluice.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The state of a connection's peer in the kernel: some fields of struct tcp_info, tcp(7).
 *
 * @param unacknowledged   segments, a FIN included, that were sent and not acknowledged
 * @param transmissions    how often, since the peer's last answer, the kernel has retransmitted or probed
 * @param probes           window probes and keepalive probes without an answer
 * @param unsentBytes      that wait for the peer's window or for the network
 * @param silentMillis     since the last packet of the peer's, be it data or an acknowledgement
 */
public record TcpInfo(int unacknowledged, int transmissions, int probes, int unsentBytes, long silentMillis) {

    /** The size of struct tcp_info up to the last of these fields. */
    public static final int BYTES = 148;

    private static final long RETRANSMITS = 2;
    private static final long PROBES = 3;
    private static final long BACKOFF = 4;
    private static final long UNACKED = 24;
    private static final long LAST_DATA_RECV = 52;
    private static final long LAST_ACK_RECV = 56;
    private static final long NOTSENT_BYTES = 144;

    /** Reads a struct tcp_info of at least {@link #BYTES}. */
    public static TcpInfo of(MemorySegment info) {
        int unacknowledged = info.get(ValueLayout.JAVA_INT, UNACKED);
        int probes = octet(info, PROBES);
        // To a window that was closed over segments under way, the kernel counts in the back-off alone. The back-off of
        // probes goes on when they are answered.
        int sentAgain = unacknowledged == 0 ? 0 : Math.max(octet(info, RETRANSMITS), octet(info, BACKOFF));
        return new TcpInfo(unacknowledged, Math.max(sentAgain, probes), probes,
                info.get(ValueLayout.JAVA_INT, NOTSENT_BYTES),
                Math.min(millis(info, LAST_DATA_RECV), millis(info, LAST_ACK_RECV)));
    }

    /** Whether an answer of the peer's is due. */
    public boolean isAwaiting() {
        return unacknowledged > 0 || probes > 0;
    }

    /** Whether the peer has nothing to answer, now or later. */
    public boolean isSettled() {
        return !isAwaiting() && unsentBytes == 0;
    }

    private static int octet(MemorySegment info, long offset) {
        return Byte.toUnsignedInt(info.get(ValueLayout.JAVA_BYTE, offset));
    }

    private static long millis(MemorySegment info, long offset) {
        return Integer.toUnsignedLong(info.get(ValueLayout.JAVA_INT, offset));
    }
}
