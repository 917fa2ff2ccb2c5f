package io.sluice.proxy;

import io.sluice.balance.Traffic;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One connection, open or closed, as somebody sees it who wants to know all of it.
 *
 * @param attempts       the endpoints that did not take it, in their order
 * @param connectNanos   from accept until an endpoint took it, failed attempts included; of a flow until its first reply; -1 if
 *                       that has not come
 * @param totalNanos     from accept to close, or until now
 * @param idleNanos      since bytes were read or passed on last; -1 if it is closed, or a flow
 * @param heldFromClient bytes of the client that the endpoint has not accepted yet
 * @param heldFromBackend bytes of the endpoint that the client has not accepted yet
 * @param termination    the two letters of the access log; null if it is open
 * @param meaning        what they mean, for people; null if it is open
 * @param masqueraded    whether the endpoint sees this node's address, while other traffic of the Service keeps its source
 */
public record ConnectionDetail(ConnectionView view, Traffic traffic, List<Attempt> attempts, long connectNanos,
        long totalNanos, long idleNanos, long heldFromClient, long heldFromBackend, @Nullable String termination,
        @Nullable String meaning, boolean masqueraded) {
    public ConnectionDetail {
        attempts = List.copyOf(attempts);
    }
}
