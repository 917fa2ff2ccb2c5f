package io.sluice.admin;

import io.sluice.balance.ClientOrigins;
import io.sluice.balance.Orders;
import io.sluice.healthcheck.HealthStatus;
import io.sluice.history.Journal;
import io.sluice.proxy.ConnectionDetail;
import io.sluice.proxy.ConnectionFilter;
import io.sluice.proxy.ConnectionTaps;
import io.sluice.proxy.ConnectionView;
import io.sluice.service.ChangeCount;
import io.sluice.service.Cidr;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the admin API asks of the daemon besides its health. Any thread, several at once; every answer is immutable, and none
 * waits for the control thread.
 */
public interface DaemonStatus extends HealthStatus {

    /** A journal in which nothing is written. */
    Journal NO_CHANGES = new Journal(1, Clock.systemUTC());

    /** Of a daemon without connections. */
    ConnectionTaps NO_TAPS = new ConnectionTaps();

    /** What is known about clients' addresses. */
    default ClientOrigins origins() {
        return ClientOrigins.NONE;
    }

    /** The last changes. */
    default Journal journal() {
        return NO_CHANGES;
    }

    /** The open connections, in any order; may wait for event loops, but not for long. */
    List<ConnectionView> connections();

    /** Shows connections as they open and close. */
    default ConnectionTaps taps() {
        return NO_TAPS;
    }

    /** An open connection that is meant, else one that has ended lately; may wait for event loops, but not for long. */
    default Optional<ConnectionDetail> connection(ConnectionFilter meant) {
        return Optional.empty();
    }

    /** The limits of open connections. */
    default Limits limits() {
        return new Limits(0, Integer.MAX_VALUE, 0);
    }

    /** The changes of the source that are not applied yet. */
    default ChangeCount waiting() {
        return ChangeCount.NONE;
    }

    /** The number that is added to each port of a cluster address. */
    default int portOffset() {
        return 0;
    }

    /** The DNS server; empty if there is none. */
    default Optional<Resolver> resolver() {
        return Optional.empty();
    }

    /** The socket at which operators give orders; empty if there is none. */
    default Optional<Path> operatorSocket() {
        return Optional.empty();
    }

    /** What operators have ordered by hand. */
    default Orders orders() {
        return Orders.NONE;
    }

    /** The socket at which network namespaces get their listeners; empty if there is none. */
    default Optional<NamespaceSocket> namespaceSocket() {
        return Optional.empty();
    }

    /**
     * The limits of open connections.
     *
     * @param open           connections of all Services now
     * @param most           of all Services
     * @param mostPerService of one Service; 0 for no such limit
     */
    record Limits(int open, int most, int mostPerService) {

        /**
         * Which limit lets a Service have no more connection; null for none.
         *
         * @param ofService its open connections
         */
        @Nullable
        String reached(long ofService) {
            return open >= most
                    ? "the limit of --max-connections (" + most + ") is reached: one more is reset"
                    : mostPerService > 0 && ofService >= mostPerService
                            ? "the limit of --max-connections-per-service (" + mostPerService
                                    + ") is reached: one more is reset"
                    : null;
        }
    }

    /**
     * The DNS server.
     *
     * @param clusterDomain without a dot at the end
     * @param addresses     its addresses, the best first; empty if it answers only in network namespaces
     */
    record Resolver(String clusterDomain, List<InetSocketAddress> addresses) {}

    /**
     * The socket at which network namespaces get their listeners.
     *
     * @param socket a Unix socket for the daemon's own user
     * @param ranges ranges of cluster addresses, which have to be made local there
     */
    record NamespaceSocket(Path socket, List<Cidr> ranges) {}
}
