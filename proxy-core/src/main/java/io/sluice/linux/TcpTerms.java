package io.sluice.linux;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What a socket and its peer have agreed on: some other fields of struct tcp_info, tcp(7).
 *
 * @param established      neither side has finished
 * @param settled          nothing is unacknowledged or unsent
 * @param timestamps       both put timestamps into their segments
 * @param selective        both understand selective acknowledgements
 * @param congestionMarks  both understand congestion marks (ECN)
 * @param peerScale        the peer's windows are shifted by this many bits
 * @param ownScale         this socket's windows are shifted by this many bits
 * @param peerSegmentBytes the largest segment that the peer takes
 * @param ownSegmentBytes  the largest segment that this socket has said it takes
 * @param peerWindowBytes  what the peer would take now; 0 also on a kernel that does not say (before 5.4)
 */
public record TcpTerms(boolean established, boolean settled, boolean timestamps, boolean selective,
        boolean congestionMarks, int peerScale, int ownScale, int peerSegmentBytes, int ownSegmentBytes,
        int peerWindowBytes) {

    /** The size of struct tcp_info up to the last of these fields. */
    static final int BYTES = 232;

    private static final byte TCP_ESTABLISHED = 1;
    private static final long OPTIONS = 5;
    private static final long SCALES = 6;
    private static final long SND_MSS = 16;
    private static final long UNACKED = 24;
    private static final long ADVMSS = 84;
    private static final long NOTSENT_BYTES = 144;
    private static final long SND_WND = 228;
    private static final int TIMESTAMPS = 1;
    private static final int SACK = 2;
    private static final int ECN = 8;

    /** Reads a struct tcp_info of at least {@link #BYTES}. */
    static TcpTerms of(MemorySegment info) {
        int options = info.get(ValueLayout.JAVA_BYTE, OPTIONS);
        int scales = info.get(ValueLayout.JAVA_BYTE, SCALES);
        return new TcpTerms(info.get(ValueLayout.JAVA_BYTE, 0) == TCP_ESTABLISHED,
                number(info, UNACKED) == 0 && number(info, NOTSENT_BYTES) == 0,
                (options & TIMESTAMPS) != 0, (options & SACK) != 0, (options & ECN) != 0, scales & 0xf,
                scales >> 4 & 0xf, number(info, SND_MSS), number(info, ADVMSS), number(info, SND_WND));
    }

    private static int number(MemorySegment info, long offset) {
        return info.get(ValueLayout.JAVA_INT, offset);
    }
}
