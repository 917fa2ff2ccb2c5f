package io.sluice.proxy;

import io.sluice.balance.Traffic;
import io.sluice.connection.Termination;
import io.sluice.metrics.ClosedConnection;
import io.sluice.service.EndpointAddress;
import io.sluice.service.ServicePortName;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A connection that has ended, for the access log, taps, and whoever asks for it later. Some 200 bytes with its client's
 * address.
 *
 * @param endpoint     the last one that was tried, null if none was
 * @param attempts     the endpoints that did not take it, in their order
 * @param acceptedAt   nanoseconds of the data path's clock
 * @param connectNanos from accept until an endpoint took it; -1 if none did
 * @param totalNanos   from accept to close
 */
record EndedConnection(long id, InetSocketAddress client, InetSocketAddress listener, ServicePortName port,
        Traffic traffic, @Nullable EndpointAddress endpoint, List<Attempt> attempts, long acceptedAt,
        long connectNanos, long totalNanos, long bytesFromClient, long bytesFromBackend, int retries,
        Termination termination, boolean masqueraded) {

    ClosedConnection forLog() {
        return new ClosedConnection(client, port, listener, endpoint, connectNanos, totalNanos, bytesFromClient,
                bytesFromBackend, retries, termination.code(), masqueraded);
    }

    /**
     * Everything that is known of it.
     *
     * @param accepted the wall clock's time of accept
     */
    ConnectionDetail detail(Instant accepted) {
        return new ConnectionDetail(new ConnectionView(id, client, listener, port, endpoint, "closed", accepted,
                bytesFromClient, bytesFromBackend, retries), traffic, attempts, connectNanos, totalNanos, -1, 0, 0,
                termination.code(), termination.meaning(), masqueraded);
    }
}
