package io.sluice.dns;

import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Name;

/** What becomes of a query. */
sealed interface Outcome {

    /** No answer. */
    record Silence() implements Outcome {
        static final Silence INSTANCE = new Silence();
    }

    /**
     * Answered.
     *
     * @param query  null if the message could not be read
     * @param zone   the origin of the zone it fell into, for metrics
     * @param octets the reply
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Answered(@Nullable Query query, String zone, int rcode, byte[] octets) implements Outcome {}

    /** To be passed on to an upstream server. */
    record Relayed(Query query) implements Outcome {}

    /**
     * An alias of ours whose target is somewhere else: an upstream server is to be asked for it, and what it says goes
     * into {@code reply}.
     *
     * @param zone the origin of the zone of the alias
     */
    record Followed(Reply reply, String zone, Name target) implements Outcome {}
}
