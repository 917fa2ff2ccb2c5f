package io.sluice.dns.server;

import io.sluice.dns.wire.Query;
import io.sluice.dns.wire.Reply;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Name;

/** The result of a query. */
sealed interface Resolution {

    /** No answer. */
    record Silence() implements Resolution {
        static final Silence INSTANCE = new Silence();
    }

    /**
     * An answer.
     *
     * @param query  null if the message could not be read
     * @param zone   the origin of the zone that has the name, for metrics
     * @param octets the reply
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Answered(@Nullable Query query, String zone, int rcode, byte[] octets) implements Resolution {}

    /** The query is passed on to an upstream server. */
    record Relayed(Query query) implements Resolution {}

    /**
     * An alias of ours whose target is outside our zones: an upstream server is asked for it, and its answer is added to
     * {@code reply}.
     *
     * @param zone the origin of the zone of the alias
     */
    record ChaseCname(Reply reply, String zone, Name target) implements Resolution {}
}
