package io.sluice.connection;

/**
 * What one of a connection's two sockets has agreed on with its peer, and whether something is under way to that peer.
 *
 * @param established      neither side has finished or was reset
 * @param settled          nothing is unacknowledged or unsent
 * @param timestamps       both sides put timestamps (RFC 7323) into their segments
 * @param selective        both sides understand selective acknowledgements (RFC 2018)
 * @param congestionMarks  both sides understand congestion marks (RFC 3168)
 * @param peerScale        the peer's windows are shifted by this many bits
 * @param ownScale         this side's windows are shifted by this many bits
 * @param peerSegmentBytes the largest segment that the peer takes
 * @param ownSegmentBytes  the largest segment that this side has said it takes
 */
public record SocketTerms(boolean established, boolean settled, boolean timestamps, boolean selective,
        boolean congestionMarks, int peerScale, int ownScale, int peerSegmentBytes, int ownSegmentBytes) {}
