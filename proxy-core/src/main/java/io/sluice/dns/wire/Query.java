package io.sluice.dns.wire;

import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Name;

/**
 * A well-formed query of class IN.
 *
 * @param flags    the two octets of flags, as received
 * @param question the question's octets, as received: a reply repeats them
 * @param edns     null if the query has no OPT record
 * @param limit    the longest reply, in octets
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Query(int id, int flags, Name name, int type, byte[] question, @Nullable Edns edns, int limit) {

    /** Octets of the fixed part of a message. */
    static final int HEADER = 12;
    static final int QR = 0x8000;
    static final int AA = 0x0400;
    static final int TC = 0x0200;
    static final int RD = 0x0100;
    static final int RA = 0x0080;
    static final int AD = 0x0020;
    static final int CD = 0x0010;

    /** The size that we announce for UDP, to clients and upstreams: fits into one packet everywhere (DNS flag day 2020). */
    static final int UDP_SIZE = 1_232;
    static final int OPT_SIZE = 11;

    /**
     * The query's OPT record (RFC 6891).
     *
     * @param size octets that the client accepts over UDP
     */
    record Edns(int size, int version, boolean dnssecOk) {}

    boolean dnssecOk() {
        return edns != null && edns.dnssecOk();
    }

    boolean checkingDisabled() {
        return (flags & CD) != 0;
    }

    /** The octets of the reply's OPT record. */
    int optSize() {
        return edns == null ? 0 : OPT_SIZE;
    }
}
